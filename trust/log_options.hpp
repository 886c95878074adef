// What an operator may say in LogConfig.Config: drivers run in the daemon, and so do the templates
// and the buffers that they are given. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json_reader.hpp"

namespace dockherd::trust {

/// `usual`: of a driver whose options are all known here. Of one that the user is allowed, only
/// what any driver takes is judged.
Result<void> judge_log_options(const std::string& place, const json& config, bool usual);

/// Whether a tag is plain text and names of the container, its image and the daemon. Others are
/// programs for the daemon: {{pad .ID 200000000000 0}} takes all its memory.
bool is_plain_log_tag(std::string_view tag);

/// Whether it is a size of at most 64 MiB, written as digits and at most one of b, k, m and g.
bool is_modest_buffer(std::string_view size);

}  // namespace dockherd::trust
