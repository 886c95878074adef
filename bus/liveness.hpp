// The failure detector, SWIM's idea on ZRE's PING: who is probed when, whose silence is believed.
// Pure: events and the time go in, actions come out. Must not know frames, links or groups.
//
// How an agent is found to be silent, with the times of LivenessSettings:
//   watched    Every agent watches its neighbour, the next one in the ring of ids (ids are random,
//              so the ring is): probe_period after it was last heard, PING. So each agent is
//              probed in each period by exactly one other, whatever the size of the herd; with a
//              random target it would be missed for 3 periods by 5 % of the time.
//   probing    No message within probe_timeout: ask indirect_probes others, and at once PING the
//              next few in the ring that were not heard lately, for silences come in company (a
//              cut link, half a herd gone).
//   asking     None of them vouches for it within probe_timeout: suspect, tell all agents. They
//              probe it themselves at once and vouch for it when it answers.
//   suspected  Any message from it, anybody who vouches for it, or its own refutation ends this.
//              After `suspicion`: lost, tell all agents. They check the verdict before they
//              believe it.
// A round-robin probe of everybody else, every slow_probe_periods, keeps unused links honest.
//
// A peer that others vouch for, or that is heard without answering us, may be behind a dead link:
// TCP tries ever more seldom, a minute after a cut perhaps not for another minute. It is probed
// again after a pause, and after every third PING that it did not answer its link is to be made
// anew.
//
// When this process itself stood still, what was sent to it meanwhile has not been read yet:
// running times are extended by the standstill (Lifeguard's idea) before anybody is judged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "bus/envelope.hpp"
#include "bus/peer_info.hpp"

namespace dockherd::bus {

/// Send PING.
struct SendPing {
  NodeId to;
};
/// Send a liveness control to one agent.
struct Tell {
  NodeId to;
  LivenessControl control;
};
/// The verdict: give the peer up.
struct DeclareLost {
  NodeId node;
  std::string reason;
};
/// Somebody heard from a node that is no peer of ours now: worth dialling.
struct Vouched {
  NodeId node;
};
/// The peer lives, but our messages do not seem to reach it: make a new link to it.
struct RenewLink {
  NodeId to;
};
using LivenessAction = std::variant<SendPing, Tell, DeclareLost, Vouched, RenewLink>;

/// Purpose: decides who is alive. Whose view: this node's.
/// Owner: Membership, which adds a peer when its session is ready and removes it when that ends.
class Liveness {
 public:
  Liveness(LivenessSettings settings, NodeId self, std::uint64_t seed);

  void add(const NodeId& id, bool is_agent, TimePoint now);
  void remove(const NodeId& id);

  /// Any message in sequence from the peer.
  void heard(const NodeId& id, TimePoint now);
  /// PING-OK: heard(), and the round trip of the last PING.
  void answered(const NodeId& id, TimePoint now);
  void control(const NodeId& from, const LivenessControl& control, TimePoint now);
  /// A hint that the peer may be gone (a departure, an answer that never came): probe it now.
  void doubt(const NodeId& id, TimePoint now);

  /// Does what is due. Every event above does so, too.
  void tick(TimePoint now);
  /// When tick() has something to do next.
  TimePoint next_deadline() const;

  std::vector<LivenessAction> take_actions() { return std::exchange(actions_, {}); }
  std::optional<Duration> round_trip(const NodeId& id) const;
  bool suspects(const NodeId& id) const;

 private:
  enum class Phase { watched, probing, asking, suspected };

  struct Record {
    bool is_agent = false;
    Phase phase = Phase::watched;
    TimePoint last_heard;
    TimePoint vouched;   ///< Last time that somebody else heard it.
    TimePoint deadline;  ///< Of the phase, or of a foreign peer's next look; key in deadlines_.
    bool has_deadline = false;
    bool extended = false;          ///< A small lateness was allowed for in this phase.
    bool accused_by_us = false;     ///< We found the silence, so we tell the others.
    bool accused_by_other = false;  ///< Others ask already: a missed probe is enough to suspect.
    bool condemned = false;         ///< Others gave it up: a missed probe is enough to lose it.
    std::optional<TimePoint> ping_sent;  ///< The first PING not answered yet.
    unsigned unanswered = 0;             ///< Probes begun since its last PING-OK, but the first.
    std::optional<Duration> round_trip;
    std::uint64_t incarnation = 0;
    std::vector<NodeId> askers;  ///< To be told when it is heard.
  };
  using Records = std::map<NodeId, Record>;

  void allow_for_standstill(TimePoint now);
  void judge(Records::iterator it, TimePoint now);
  void look_at_foreign(Records::iterator it, TimePoint now);
  void watch_neighbour(TimePoint now);
  void probe_slowly(TimePoint now);
  void probe(Records::iterator it, TimePoint now);
  void count_unanswered(Records::iterator it, TimePoint now);
  void probe_company_of(const NodeId& silent, TimePoint now);
  void ask_others(Records::iterator it, TimePoint now);
  void suspect(Records::iterator it, TimePoint now);
  void declare_lost(Records::iterator it);
  void clear(Records::iterator it, TimePoint now);
  void on_probe_request(const NodeId& from, const NodeId& node, TimePoint now);
  void on_alive(const LivenessControl& control, TimePoint now);
  void on_accusation(const NodeId& from, const LivenessControl& control, TimePoint now);
  void refute(std::uint64_t accused_incarnation);
  void enter(Records::iterator it, Phase phase, TimePoint deadline);
  void set_deadline(Records::iterator it, TimePoint deadline);
  void drop_deadline(Records::iterator it);
  void ping(Records::iterator it, TimePoint now);
  void tell(const NodeId& to, LivenessControl::Kind kind, const NodeId& node,
            std::uint64_t incarnation);
  void tell_all_agents(LivenessControl::Kind kind, const NodeId& node, std::uint64_t incarnation);
  Records::const_iterator neighbour() const;
  TimePoint neighbour_due() const;

  LivenessSettings settings_;
  NodeId self_;
  std::mt19937_64 random_;
  std::uint64_t incarnation_ = 0;
  Records records_;
  std::set<std::pair<TimePoint, NodeId>> deadlines_;
  std::size_t agents_ = 0;
  NodeId slow_cursor_;
  TimePoint slow_due_ = TimePoint::max();
  std::vector<LivenessAction> actions_;
};

}  // namespace dockherd::bus
