// GET /version of all hosts as that of one daemon. Pure.
#pragma once

#include <span>

#include "engine_api/host_answer.hpp"
#include "engine_api/merge_info.hpp"

namespace dockherd::engine_api {

/// The lowest ApiVersion, and the highest MinAPIVersion but at least the oldest that
/// the herd speaks. All else is of the host with the lowest version: what a client finds there
/// every host has. A component "dockherd" names the herd's version and each host's.
Merged merge_version(std::span<const HostAnswer> answers, const HerdView& herd);

}  // namespace dockherd::engine_api
