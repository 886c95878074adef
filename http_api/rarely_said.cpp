#include "http_api/rarely_said.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::size_t most_addresses = 256;
constexpr std::chrono::minutes silence{1};
constexpr std::chrono::seconds silence_in_a_crowd{1};

}  // namespace

bool RarelySaid::may_say(std::string_view address, TimePoint now) {
  if (const auto found = said_.find(address); found != said_.end()) {
    if (now - found->second < silence) return false;
    found->second = now;
    return true;
  }
  if (said_.size() >= most_addresses) {
    std::erase_if(said_, [now](const auto& entry) { return now - entry.second >= silence; });
  }
  if (said_.size() < most_addresses) {
    said_.emplace(address, now);
    return true;
  }
  if (now < crowded_until_) return false;
  crowded_until_ = now + silence_in_a_crowd;
  return true;
}

}  // namespace dockherd::http_api
