// GET /info of all hosts as that of one daemon. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine_api/host_answer.hpp"
#include "engine_api/node_view.hpp"

namespace dockherd::engine_api {

/// What the herd says of one of its hosts.
struct NodeInfo {
  enum class Status { healthy, unhealthy, pending };

  NodeView node;
  Status status = Status::pending;
  std::string info;   ///< The body of its daemon's GET /info; empty when it is not known.
  std::string error;  ///< Why it is unhealthy; else empty.
  std::int64_t reserved_nano_cpus = 0;
  std::int64_t reserved_memory_bytes = 0;
};

/// Who answers.
struct HerdView {
  std::string id;                          ///< Never an engine's.
  std::string name;                        ///< Of the herd, or of the node that was asked.
  std::string version;                     ///< Of dockherd.
  std::vector<std::string> warnings = {};  ///< About the herd, before those of its hosts.
};

/// Numbers are summed, what a host lacks the herd lacks (booleans, plugins, security options), the
/// system is that of all or "mixed", warnings have their host's name (the herd's own have none),
/// and SystemStatus describes each node in Classic Swarm's rows, which docker info prints.
/// Everything else is the first healthy host's. ServerVersion is the lowest of the daemons, as in
/// merge_version(). A node whose `info` is not understood is left out, but has its rows.
Merged merge_info(std::span<const NodeInfo> nodes, const HerdView& herd);

/// Whether "20.10.5" is older than "20.10.24+dfsg1": by the numbers before anything else.
bool is_older_version(std::string_view left, std::string_view right);

}  // namespace dockherd::engine_api
