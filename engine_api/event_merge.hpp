// The events of several hosts as one ordered stream. Pure; time is an argument.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine_api/node_view.hpp"

namespace dockherd::engine_api {

/// One line of a daemon's GET /events as the herd tells it: Actor.Attributes gain node.name,
/// node.id, node.ip and node.addr, and beside the Actor stands Classic Swarm's "node". The line has
/// no end, nor has the result; it is empty when the line is no JSON object, which no client could
/// read.
std::string herd_event(std::string_view line, const NodeView& node);

/// An event of the herd itself, of Type "node", in the same form. `action` is "join", "leave" or
/// "lost"; `time_nano` since 1970.
std::string node_event(std::string_view action, const NodeView& node, std::int64_t time_nano);

/// An event of the herd itself, of Type "container": a container whose name others have, too, or
/// had until now. `others` are those, as "h2/web". `action` is "name-collision" or
/// "name-collision-end".
std::string collision_event(std::string_view action, const NodeView& node, std::string_view id,
                            std::string_view name, std::string_view others, std::int64_t time_nano);

/// Orders events by their timeNano. An event is held back until every host whose stream is open has
/// told something as new, or for `hold` at the longest: a host may be silent, and its clock wrong.
/// One that comes later than that is told late. Owned by the one stream that it orders.
class EventMerge {
 public:
  /// When this much is held, all of it is ready at once.
  static constexpr std::size_t most_events = 4096;
  static constexpr std::size_t most_bytes = 4u << 20;

  explicit EventMerge(Duration hold) : hold_(hold) {}

  /// A host's stream is open from now on; what it told in an earlier one counts no more.
  void open(const std::string& host);
  /// It told all that it will. What is held of it stays.
  void close(const std::string& host);

  /// One line, come at `now`, of a host or (with a name that is not open) of the herd itself. A
  /// line without a time is as old as the host's last. False, and the line is not taken, when no
  /// more can be held: pop_ready() makes room.
  bool push(const std::string& host, std::string line, TimePoint now);

  /// The lines that are due, oldest first.
  std::vector<std::string> pop_ready(TimePoint now);
  /// When pop_ready() has something even if nothing more comes; nothing when nothing is held.
  std::optional<TimePoint> next_due() const;
  std::size_t held() const { return events_.size(); }

 private:
  using Key = std::pair<std::int64_t, std::uint64_t>;  ///< Of an event: timeNano, order of arrival.

  struct Event {
    std::string line;
    TimePoint arrived;
  };

  bool full() const { return events_.size() >= most_events || bytes_ >= most_bytes; }
  std::int64_t told_by_all() const;

  Duration hold_;
  std::map<std::string, std::optional<std::int64_t>> open_;  ///< The newest that each has told.
  std::map<Key, Event> events_;
  std::set<std::pair<TimePoint, Key>> arrivals_;  ///< Of the same events.
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 0;
};

}  // namespace dockherd::engine_api
