#include "http_api/rarely_said.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::size_t most_remembered = 256;
constexpr std::chrono::minutes silence{1};
constexpr std::chrono::seconds silence_in_a_crowd{1};

}  // namespace

bool RarelySaid::may_say(std::string_view what, TimePoint now) {
  if (const auto found = said_.find(what); found != said_.end()) {
    if (now - found->second < silence) return false;
    found->second = now;
    return true;
  }
  if (said_.size() >= most_remembered) {
    std::erase_if(said_, [now](const auto& entry) { return now - entry.second >= silence; });
  }
  if (said_.size() < most_remembered) {
    said_.emplace(what, now);
    return true;
  }
  if (now < crowded_until_) return false;
  crowded_until_ = now + silence_in_a_crowd;
  return true;
}

}  // namespace dockherd::http_api
