// Networks of all hosts as those of one daemon. Pure.
#pragma once

#include <span>

#include "engine_api/host_answer.hpp"

namespace dockherd::engine_api {

/// GET /networks. The herd makes a network on every host under one name, so those of one name are
/// one: with the herd's id (network_id.hpp), the settings that the first host gives it, the label
/// dockherd.nodes and "Nodes". A daemon may have several of one name; the second is merged with the
/// others' second. Networks that reach over hosts already (no local scope) are one by the Id that
/// they have there.
Merged merge_networks(std::span<const HostAnswer> answers);

/// GET /networks/{name}: what the first host says, with the containers of all. Each keeps its plain
/// Name and gains "Node"; "Nodes" says who has the network. A host that has none does not matter.
Merged merge_network_inspections(std::span<const HostAnswer> answers);

}  // namespace dockherd::engine_api
