// Volumes of all hosts as those of one daemon. Pure.
#pragma once

#include <span>

#include "engine_api/object_text.hpp"

#include "engine_api/host_answer.hpp"

namespace dockherd::engine_api {

/// GET /volumes: those of one name are one, as the first host gives it, with the label
/// dockherd.nodes and "Nodes". Warnings are those of all, each with its host's name before it.
Merged merge_volumes(std::span<const HostAnswer> answers);

/// GET /volumes/{name}: what the first host says, and "Nodes". A host that has none does not
/// matter.
Merged merge_volume_inspections(std::span<const HostAnswer> answers);

/// Of one of the list or an inspection.
std::string volume_name(const ObjectText& volume);

}  // namespace dockherd::engine_api
