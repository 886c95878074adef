// What a daemon says, as values. Only the fields that the program looks at; the rest passes through
// as text.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dockherd::docker_client {

/// One entry of GET /containers/json.
struct ContainerSummary {
  std::string id;                  ///< 64 hexadecimal digits.
  std::vector<std::string> names;  ///< Without the leading slash; links of others ("a/b") left out.
  std::string image;
  std::string state;         ///< created, running, paused, restarting, removing, exited, dead.
  std::int64_t created = 0;  ///< Seconds since 1970.
  std::map<std::string, std::string> labels;
  std::string raw;  ///< The entry's JSON text as received.
};

/// One line of GET /events.
struct DockerEvent {
  std::string type;    ///< "container", "image", "network"…
  std::string action;  ///< "start", "die", "health_status: healthy"…
  std::string id;      ///< Of the actor: a container's full id, an image's name.
  std::string name;    ///< The actor's "name" attribute; empty when it has none.
  std::map<std::string, std::string> attributes;
  std::int64_t time_nano = 0;  ///< Since 1970, by the daemon's clock.
};

/// What GET /info says of the host.
struct HostFacts {
  std::int64_t cpus = 0;
  std::int64_t memory_bytes = 0;
  std::map<std::string, std::string> labels;  ///< The daemon's: "k=v" as k and v.
  std::string operating_system;
  std::string os_type;
  std::string architecture;
  std::string kernel_version;
  std::string storage_driver;
};

/// GET /version.
struct EngineVersion {
  std::string version;          ///< "20.10.24".
  std::string api_version;      ///< "1.41".
  std::string min_api_version;  ///< "1.12"; empty when not said.
};

}  // namespace dockherd::docker_client
