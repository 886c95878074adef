// Which version of the Engine API to speak. Pure.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace dockherd::docker_client {

struct ApiVersion {
  int major_number = 0;
  int minor_number = 0;

  /// "1.41"; nothing for anything else.
  static std::optional<ApiVersion> parse(std::string_view text);
  std::string text() const;
  auto operator<=>(const ApiVersion&) const = default;
};

/// The newest whose shapes this program was written against.
ApiVersion newest_known_api_version();

/// What a daemon without an Api-Version header speaks (before Docker 1.13).
ApiVersion oldest_api_version();

/// The daemon's own version or the newest we know, whichever is older, but never below the
/// daemon's minimum: Docker 29 refuses everything below 1.44.
ApiVersion choose_api_version(ApiVersion daemon, std::optional<ApiVersion> daemon_minimum);

/// "Docker/20.10.24 (linux)", a Server header -> "20.10.24"; empty when it is something else.
std::string engine_version_of(std::string_view server_header);

}  // namespace dockherd::docker_client
