#include "agent/conf_limits.hpp"

namespace dockherd::agent {

Result<http_api::LimitSettings> read_limits(const JsonReader& conf) {
  constexpr std::int64_t most = 1'000'000;
  http_api::LimitSettings limits;
  const auto object = conf.object("limits");
  if (!object) return object.error();
  if (*object == nullptr) return limits;
  const auto reader = JsonReader::of(**object, "limits.");
  if (auto known = reader->only(
          {"connectionsPerClient", "requests", "requestsPerCaller", "requestsPerSecond", "burst"});
      !known) {
    return known.error();
  }
  const struct {
    std::string_view key;
    std::size_t& into;
  } counts[] = {{"connectionsPerClient", limits.connections_per_client},
                {"requests", limits.requests},
                {"requestsPerCaller", limits.requests_per_caller}};
  for (const auto& [key, into] : counts) {
    const auto value = reader->integer(key, 0, most);
    if (!value) return value.error();
    if (*value) into = static_cast<std::size_t>(**value);
  }
  const auto rate = reader->integer("requestsPerSecond", 0, most);
  if (!rate) return rate.error();
  const auto burst = reader->integer("burst", 1, most);
  if (!burst) return burst.error();
  if (*rate) limits.requests_per_second = static_cast<double>(**rate);
  if (*burst) limits.burst = static_cast<double>(**burst);
  return limits;
}

}  // namespace dockherd::agent
