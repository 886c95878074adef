// Where a Docker daemon listens. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace dockherd::docker_client {

struct EngineAddress {
  std::string base_url;     ///< "http://docker" or "https://host:2376"; no path.
  std::string socket_path;  ///< Of a unix socket; else empty.
};

/// Reads "unix:///var/run/docker.sock", "tcp://host:2375" or "tcp://[::1]:2375"; the port is 2375,
/// or 2376 with TLS, when absent. Fails with bad_config on anything else.
Result<EngineAddress> parse_engine_address(std::string_view address, bool tls);

}  // namespace dockherd::docker_client
