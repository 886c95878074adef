// Paths of a host that a container asks for, against those that a user may have. Pure: links on the
// host cannot be followed from here, so an allowed directory must not be one in which its users can
// make links to elsewhere (docs/security.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dockherd::trust {

/// "/srv//data/./x/../y/" as "/srv/data/y". Nothing for a path that is not absolute, or that leads
/// above the root.
std::optional<std::string> normal_path(std::string_view path);

/// Whether both are the same or `path` is within `directory`. Normal paths.
bool is_within(std::string_view path, std::string_view directory);

/// Whether the path is, holds or is within what gives the daemon itself: its socket, its state, and
/// containerd's.
bool gives_docker(std::string_view normal);

/// Whether one of the directories holds the path.
bool is_within_any(std::string_view normal, const std::vector<std::string>& directories);

}  // namespace dockherd::trust
