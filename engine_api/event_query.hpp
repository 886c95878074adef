// What a stream of events is asked for: the part that the herd decides, and the part that each
// daemon does. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.hpp"
#include "engine_api/docker_routes.hpp"
#include "engine_api/node_filters.hpp"
#include "engine_api/node_view.hpp"

namespace dockherd::engine_api {

inline constexpr std::int64_t nanos_per_second = 1'000'000'000;

/// Seconds since 1970 with at most nine decimals, as Docker's clients give times, in nanoseconds.
/// Nothing for anything else.
std::optional<std::int64_t> read_event_time(std::string_view text);
/// The same the other way. A moment before 1970, of a clock that is wrong, is its beginning.
std::string event_time_text(std::int64_t nanoseconds);
/// From when on to ask for what comes after an event of that moment, whatever a daemon gave for
/// one.
std::int64_t moment_after(std::int64_t nanoseconds);

class EventQuery {
 public:
  /// What is not understood goes to the daemons as it is: they say what is wrong.
  explicit EventQuery(Query query);

  /// Whether events of that node are wanted.
  bool wants_node(const NodeView& node) const;
  /// Whether the herd's own event about it is.
  bool wants_node_event(std::string_view action, const NodeView& node) const;
  /// Whether the herd's own event about a container is.
  bool wants_collision_event(std::string_view action, const NodeView& node, std::string_view id,
                             std::string_view name) const;
  /// In nanoseconds since 1970; nothing when the stream has no end.
  std::optional<std::int64_t> until() const { return until_; }
  bool has_since() const { return !query_value(query_, "since").value_or("").empty(); }
  /// The query for a node's daemon; `since_nano` replaces what the client asked for.
  Query for_daemon(const NodeView& node, std::optional<std::int64_t> since_nano) const;

 private:
  Query query_;
  json filters_ = json::object();  ///< Without what they say about hosts.
  NodeFilters nodes_;              ///< That.
  std::optional<std::int64_t> until_;
};

}  // namespace dockherd::engine_api
