// The nodes of a herd as rows of text, which docker info prints one below the other. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine_api/merge_info.hpp"

namespace dockherd::engine_api {

/// [["Nodes","2"],[" h1","10.0.0.11:8080"],["  └ ID","…"],…], as Classic Swarm's SystemStatus.
std::string node_rows(std::span<const NodeInfo> nodes);

/// "1.463 GiB", as Docker writes sizes: four digits.
std::string size_text(std::int64_t bytes);

/// Four digits at most: "0.5".
std::string cpus_text(std::int64_t nano_cpus);

}  // namespace dockherd::engine_api
