#include "docker_client/api_version.hpp"

#include <algorithm>
#include <charconv>

namespace dockherd::docker_client {

std::optional<ApiVersion> ApiVersion::parse(std::string_view text) {
  const char* const end = text.data() + text.size();
  ApiVersion version;
  const auto major_part = std::from_chars(text.data(), end, version.major_number);
  if (major_part.ec != std::errc() || major_part.ptr == end || *major_part.ptr != '.') {
    return std::nullopt;
  }
  const auto minor_part = std::from_chars(major_part.ptr + 1, end, version.minor_number);
  if (minor_part.ec != std::errc() || minor_part.ptr != end) return std::nullopt;
  if (version.major_number < 0 || version.minor_number < 0) return std::nullopt;
  return version;
}

std::string ApiVersion::text() const {
  return std::to_string(major_number) + "." + std::to_string(minor_number);
}

ApiVersion newest_known_api_version() {
  return {1, 44};
}

ApiVersion oldest_api_version() {
  return {1, 24};
}

ApiVersion choose_api_version(ApiVersion daemon, std::optional<ApiVersion> daemon_minimum) {
  const ApiVersion common = std::min(daemon, newest_known_api_version());
  return daemon_minimum ? std::max(common, *daemon_minimum) : common;
}

std::string engine_version_of(std::string_view server_header) {
  constexpr std::string_view product = "Docker/";
  if (!server_header.starts_with(product)) return {};
  server_header.remove_prefix(product.size());
  return std::string(server_header.substr(0, server_header.find(' ')));
}

}  // namespace dockherd::docker_client
