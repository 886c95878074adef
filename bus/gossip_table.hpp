// What gossip knows: tuples, how long they live, and what to tell whom. Pure: no socket, no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "bus/gossip_codec.hpp"

namespace dockherd::bus {

/// One connection to a gossip server or from a gossip client.
using GossipLinkId = std::uint64_t;

struct GossipTimes {
  Duration lifetime = std::chrono::seconds(30);  ///< Of a tuple that its node stopped refreshing.
  Duration refresh = std::chrono::seconds(10);   ///< Between announcements of what we vouch for.
};

/// zgossip itself never forgets a tuple: dead nodes stay and loop. Here the field `ttl`, which
/// zgossip writes as 0 and never reads, carries the time that a tuple still has to live, in
/// milliseconds, so that plain zgossip peers see nothing unusual:
/// - A node publishes its own tuple anew every `refresh`, with ttl = `lifetime`.
/// - A tuple with ttl > 0 is news only if it adds half of `refresh` or more to what we hold; then
///   it is told on to all other links with the time left. Time left only shrinks on the way, so an
///   echo is never news and a tuple that its node no longer refreshes ends everywhere.
/// - A tuple with ttl = 0 comes from a plain zgossip peer, which never repeats it. Whoever hears it
///   vouches for it, as its node would, as long as the link that it came by stands; then it ages.
/// - A tuple that ended is not revived by ttl = 0: a plain zgossip server repeats dead nodes for
///   ever. One first heard through such a server is kept as long as the link to it. What follows
///   is a dead endpoint that is dialled in vain now and then, no more.
class GossipTable {
 public:
  explicit GossipTable(GossipTimes times = {});

  /// Our own tuple. Others' claims about it are ignored.
  void set_own(const NodeId& id, const std::string& endpoint);

  /// A PUBLISH heard by `from`. What to tell all other links, if it is news. Anything that is no
  /// tuple of ZRE, and what is over limits::gossip_tuples, is dropped.
  std::optional<GossipMessage> take(GossipLinkId from, const GossipMessage& message, TimePoint now);

  /// That link is gone: what only it held begins to age.
  void drop_link(GossipLinkId link, TimePoint now);

  /// Ends what is too old. What to tell all links now: every `refresh`, all that we vouch for.
  std::vector<GossipMessage> tick(TimePoint now);

  /// The whole table, our own tuple first: what a new link is told.
  std::vector<GossipMessage> dump(TimePoint now) const;

  /// The tuples of others.
  std::vector<GossipTuple> tuples() const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    GossipTuple tuple;
    TimePoint ends;
    TimePoint changed;
    bool refreshed = false;          // Has come with ttl > 0: its node's agents refresh it.
    std::set<GossipLinkId> held_by;  // Links of plain zgossip peers that it came by.
  };

  TimePoint end_of(const Entry& entry, TimePoint now) const;
  GossipMessage publish(const Entry& entry, TimePoint now) const;
  GossipMessage publish_own() const;
  std::optional<GossipMessage> insert(GossipLinkId from, const GossipTuple& tuple,
                                      std::uint32_t ttl_millis, TimePoint now);
  void bury(const Entry& entry, TimePoint now);

  GossipTimes times_;
  std::optional<GossipTuple> own_;
  std::map<NodeId, Entry> entries_;
  struct Grave {
    std::string endpoint;
    TimePoint since;
  };
  std::map<NodeId, Grave> buried_;  // Refreshed once, ended: ttl = 0 does not revive them.
  std::optional<TimePoint> next_refresh_;
};

}  // namespace dockherd::bus
