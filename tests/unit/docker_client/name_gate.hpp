// Stands between libcurl and the C library's getaddrinfo(): names that end in ".test" (RFC 6761)
// are this machine, once the gate lets their look-ups through.
#pragma once

#include <atomic>

namespace dockherd::docker_client {

struct NameGate {
  std::atomic<bool> closed = false;  ///< Look-ups wait, for 10 s at most.
  std::atomic<int> inside = 0;       ///< Look-ups under way.
};

/// The only one.
NameGate& name_gate();

}  // namespace dockherd::docker_client
