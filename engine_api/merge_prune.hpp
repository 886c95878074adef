// What was pruned on all hosts, and what takes room there. Pure.
#pragma once

#include <span>

#include "engine_api/host_answer.hpp"
#include "engine_api/node_view.hpp"

namespace dockherd::engine_api {

/// POST /containers/prune, and those of images, networks, volumes and build: what was deleted, each
/// once (a network or an image goes on several hosts under one name), and the sum of the space. A
/// list that stays empty is null or [] as the first host has it.
Merged merge_prunes(std::span<const HostAnswer> answers);

/// GET /system/df: images and volumes merged as in their lists but with the room that they take on
/// all hosts, containers as herd_list_entry() shows them, newest first, and sums. `nodes` are found
/// by name; a host that is not among them is shown by its name alone.
Merged merge_disk_usages(std::span<const HostAnswer> answers, std::span<const NodeView> nodes,
                         NameStyle style);

}  // namespace dockherd::engine_api
