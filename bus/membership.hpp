// Who is a peer: the sessions of ZRE (RFC 36) as deployed peers keep them. Pure: events and the
// time go in, actions come out. Must not know sockets, requests or verbs.
//
// A peer is waiting (no link; dialled when due), greeting (linked, our HELLO sent), ready (its
// HELLO came: it is in), or departed (said GOODBYE; sightings still on their way are ignored).
// Two kinds are no peers: held (its HELLO names the endpoint of a ready peer, which is probed
// first: a HELLO alone takes nobody's place) and refused (an agent of another herd; our HELLO is
// sent to it once, without our groups, so that it refuses us, too, instead of dialling for ever).
//
// HELLO is the first message on every link and has sequence number 1. HELLO from a ready peer means
// that it began anew: lost, joined, and HELLO back on a new link. Two sides that each take the
// other's answer for a new beginning would do so for ever; therefore no HELLO goes back when ours
// still waits for its answer, or when one went back lately (`fresh_hello`): a PING then shows
// whether the peer knows us, and only if it does not we introduce ourselves again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "bus/address_table.hpp"
#include "bus/liveness.hpp"
#include "bus/peer_info.hpp"
#include "bus/transport.hpp"
#include "bus/zre_codec.hpp"

namespace dockherd::bus {

/// To the transport, in this order. A link is known by the id that it was opened for, which is the
/// peer's own except after a restart was reached through a link to its predecessor.
struct Connect {
  NodeId link;
  std::string endpoint;
};
struct Disconnect {
  NodeId link;
};
struct Send {
  NodeId link;
  Frames frames;
};

/// To the listener.
struct PeerJoined {
  PeerInfo peer;  ///< The groups of its HELLO are in addresses() already.
};
struct PeerLost {
  PeerInfo peer;  ///< Its groups have left addresses() already.
  std::string reason;
};
/// Somebody is not taken for a peer; told once for each.
struct PeerRefused {
  PeerInfo peer;  ///< As it calls itself.
  std::string reason;
  bool suspicious = false;  ///< Something is wrong in the network; else it is as it should be.
};
/// The peer stays, but it may have begun anew with us: it has a new link, and what was sent by the
/// old one may never have been taken.
struct SessionRenewed {
  PeerInfo peer;
};
struct WhisperReceived {
  NodeId from;
  std::string text;  ///< The first content frame; the others are dropped.
};
struct ShoutReceived {
  NodeId from;
  std::string group;
  std::string text;
};
using MembershipAction = std::variant<Connect, Disconnect, Send, PeerJoined, PeerLost, PeerRefused,
                                      SessionRenewed, WhisperReceived, ShoutReceived>;

struct MembershipSettings {
  NodeId id;
  std::string name;
  std::string endpoint;  ///< Of our own mailbox.
  std::string herd;
  std::map<std::string, std::string> headers;  ///< Besides header_herd.
  LivenessSettings liveness;
};

/// However often somebody calls or hangs up, it is dialled no sooner than this after the last dial.
inline constexpr std::chrono::milliseconds shortest_dial_pause{500};

/// Ids of strangers; the oldest are forgotten when there are too many.
class RememberedIds {
 public:
  /// False when it is there already.
  bool insert(const NodeId& id);
  bool contains(const NodeId& id) const { return ids_.contains(id); }

 private:
  std::set<NodeId> ids_;
  std::deque<NodeId> order_;
};

/// Purpose: decides who is a peer, what is sent to it and when it is lost; nothing else decides it.
/// Whose view: this node's. Owner: EventBus.
/// After each call, carry out take_actions() in order, and call tick() at next_deadline().
class Membership {
 public:
  Membership(MembershipSettings settings, std::uint64_t seed);

  // Events.
  void sighting(const NodeId& peer, const std::string& endpoint, TimePoint now);
  void departure_hint(const NodeId& peer, TimePoint now);
  /// `sender_address`: the IPv4 address that it came from, as far as known.
  void message(const NodeId& from, Frames frames, TimePoint now,
               std::string_view sender_address = {});
  void link_closed(const NodeId& link, const std::string& reason, TimePoint now);
  void tick(TimePoint now);
  /// The peer let a request pass its deadline: probe it.
  void doubt(const NodeId& peer, TimePoint now);

  // Commands.
  void join(const std::string& group);
  void leave(const std::string& group);
  /// One content frame to a ready peer; false when there is none such.
  bool whisper(const NodeId& to, std::string text);
  /// GOODBYE to all. Afterwards there are no peers, and events do nothing.
  void goodbye();

  std::vector<MembershipAction> take_actions() { return std::exchange(actions_, {}); }
  TimePoint next_deadline() const;

  std::optional<PeerInfo> peer(const NodeId& id) const;
  /// Ready peers, by id.
  std::vector<PeerInfo> peers() const;
  std::vector<NodeId> agents() const;
  bool is_ready(const NodeId& id) const;
  bool is_agent(const NodeId& id) const;
  const AddressTable& addresses() const { return addresses_; }
  /// Messages that were dropped because they break the protocol.
  std::uint64_t malformed() const { return malformed_; }

 private:
  enum class State { waiting, greeting, ready, departed, held, refused };

  struct Peer {
    State state = State::waiting;
    PeerInfo info;
    NodeId link;
    std::uint16_t sent = 0;      ///< Sequence number of our last message.
    std::uint16_t expected = 0;  ///< Of its next one.
    TimePoint due;               ///< To dial, to give up the greeting, to check, to forget.
    bool has_due = false;
    std::optional<TimePoint> hello_sent;
    bool hello_unanswered = false;        ///< Ours was no answer, and none came yet.
    std::optional<TimePoint> renewed_at;  ///< Last HELLO that went back to a ready peer.
    TimePoint lost_at;
    TimePoint forget_at;  ///< Not dialled any more from then on.
    unsigned attempts = 0;
    bool was_ready = false;
    int checks = 0;    ///< PINGs out that are to show whether it knows us; 0 when not checking.
    NodeId incumbent;  ///< Held: who is ready at its endpoint.
    std::vector<Frames> kept;  ///< Held: its HELLO and what followed.
  };
  using Peers = std::map<NodeId, Peer>;
  enum class After { dial, wait, forget, depart };
  struct Refusal {
    std::string reason;
    bool suspicious = false;
  };

  void on_hello(const NodeId& from, const ZreMessage& hello, TimePoint now);
  void on_sequenced(Peers::iterator it, const ZreMessage& message, Frames& frames, TimePoint now);
  void on_group_change(Peers::iterator it, const ZreMessage& message);
  void on_whisper(Peers::iterator it, Frames& frames, TimePoint now);
  void on_stranger(Peers::iterator it, TimePoint now);
  std::optional<Refusal> refusal_of(const ZreMessage& hello) const;
  void refuse(const NodeId& id, const ZreMessage& hello, Refusal refusal, TimePoint now);
  void remark(const NodeId& id, const ZreMessage& hello, std::string reason);
  std::optional<NodeId> ready_at(const std::string& endpoint, const NodeId& except) const;
  void hold(const NodeId& id, const NodeId& incumbent, const ZreMessage& hello, TimePoint now);
  void keep(Peers::iterator it, Frames frames);
  void turn_away_from(const NodeId& incumbent);
  void settle_held(TimePoint now);
  Peers::iterator slot_for(const NodeId& id, const std::string& endpoint, TimePoint now);
  void replace_predecessor(const NodeId& id, const std::string& endpoint, TimePoint now);
  void take_over_link(Peers::iterator from, const NodeId& to);
  static bool in_sequence(Peer& peer, std::uint16_t sequence);
  void become_ready(Peers::iterator it, const ZreMessage& hello, TimePoint now);
  void renew(Peers::iterator it, const ZreMessage& hello, TimePoint now);
  void introduce(Peers::iterator it, TimePoint now);
  void introduce_again(Peers::iterator it, TimePoint now);
  void dial(Peers::iterator it, TimePoint now);
  void wait_for_answer(Peers::iterator it, TimePoint now);
  void check(Peers::iterator it, TimePoint now);
  void end_session(Peers::iterator it, std::string reason);
  static After after_break(const Peer& peer, TimePoint now);
  void lose(Peers::iterator it, std::string reason, After after, TimePoint now);
  void wait_to_dial(Peers::iterator it, TimePoint now);
  void erase(Peers::iterator it);
  void on_due(Peers::iterator it, TimePoint now);
  void send(Peer& peer, ZreMessage message);
  void send(Peer& peer, ZreMessage message, std::string content);
  void tell_groups(ZreKind kind, const std::string& group);
  void set_due(Peers::iterator it, TimePoint due);
  void drop_due(Peers::iterator it);
  void apply_liveness(TimePoint now);
  Peers::iterator by_link(const NodeId& link);

  MembershipSettings settings_;
  Liveness liveness_;
  AddressTable addresses_;
  Peers peers_;
  std::size_t ready_ = 0;
  std::set<std::pair<TimePoint, NodeId>> dues_;
  std::map<NodeId, NodeId> taken_over_;  // link -> peer, where the two differ.
  RememberedIds refused_;                // Agents of other herds or protocols.
  RememberedIds remarked_;               // Those with an endpoint that is not theirs.
  std::set<NodeId> held_;                // In state held.
  std::uint8_t status_ = 0;
  bool closed_ = false;
  std::uint64_t malformed_ = 0;
  std::vector<MembershipAction> actions_;
};

}  // namespace dockherd::bus
