// Containers as the herd shows them: a daemon's own JSON with a few members reworded. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine_api/host_answer.hpp"
#include "engine_api/node_view.hpp"

namespace dockherd::engine_api {

/// One element of GET /containers/json: names by `style`, the label dockherd.node, and published
/// ports of all addresses on the host's own. Works on slices: about 1 us per kilobyte. Text that is
/// no object passes unchanged.
std::string herd_list_entry(std::string_view entry, const NodeView& node, NameStyle style);

/// The body of GET /containers/{id}/json: Classic Swarm's "Node" before "Name" (which stays as the
/// daemon gives it, as there), and what is published on all addresses on the host's own. Text that
/// is no inspection passes unchanged.
std::string herd_inspection(std::string_view body, const NodeView& node);

/// The element with "CreatedNano" as its first member: dockerd lists seconds, too coarse to order
/// what several hosts created at once. `nano` is the moment, or that of the event, which may fall
/// into a later second: then the end of the element's second counts. Unchanged when it is earlier.
std::string with_created_nano(std::string entry, std::int64_t nano);

/// Nanoseconds since 1970, by "CreatedNano" when that is first, else by Created.
std::int64_t created_nano_of(std::string_view entry);

/// Seconds since 1970 of one element of the list; 0 when it says none.
std::int64_t created_of(std::string_view entry);

/// One host's list, newest first, as text.
struct ListOfHost {
  std::string hostname;
  std::string_view entries;  ///< A JSON list; `null` is an empty one.
};

/// One list, newest first, of all; of the same second, those of the earlier host come first. At
/// most `limit`. A host whose text is no list is left out. Entries are not looked into beyond their
/// Created: 10,000 of a kilobyte take some milliseconds.
Merged merge_lists(std::span<const ListOfHost> lists, std::optional<std::size_t> limit);

}  // namespace dockherd::engine_api
