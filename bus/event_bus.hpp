// The public face of the bus: peers, endpoints (ZRE groups), requests and replies, notices.
// Must not know sockets (Transport and Discovery do), containers or verbs.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "bus/discovery.hpp"
#include "bus/peer_info.hpp"
#include "bus/transport.hpp"

namespace dockherd::bus {

struct BusSettings {
  NodeId id;
  std::string name;                            ///< ZRE name: the hostname.
  std::string herd;                            ///< Agents of another herd are not peers.
  std::map<std::string, std::string> headers;  ///< Besides header_herd.
  LivenessSettings liveness;
};

struct Reply {
  Reply() : status(500), body("null") {}  ///< Needed by asio::co_spawn only, which never shows it.
  Reply(int http_status, std::string json_text) : status(http_status), body(std::move(json_text)) {}

  int status;        ///< As the same verb would answer by HTTP.
  std::string body;  ///< One JSON document.
};

/// A request from a peer (or from this node to itself).
struct IncomingRequest {
  NodeId from;
  std::string address;  ///< The group it was sent to; empty when sent to this node.
  bool local = false;   ///< "scope":"local": act here, do not route on.
  TimePoint deadline;   ///< On this node's clock; envelopes carry the time left, not a date.
  /// False: the sender named none and waits as long as the verb takes, which is the handler's to
  /// bound; `deadline` is then the bus's own bound.
  bool deadline_given = true;
  std::string body;  ///< One JSON document, not yet parsed.
};

using RequestHandler = std::function<asio::awaitable<Reply>(IncomingRequest)>;

/// Told of peers and notices, from the event loop, one call at a time, in this order for a lost
/// peer: its link and endpoints are gone and its pending requests have failed before on_peer_lost.
class BusListener {
 public:
  virtual ~BusListener() = default;
  virtual void on_peer_joined(const PeerInfo& peer) = 0;
  virtual void on_peer_lost(const PeerInfo& peer, const std::string& reason) = 0;
  /// The peer was always there for us, but may have lost us for a moment, and with us all that it
  /// was told: tell it again.
  virtual void on_session_renewed(const PeerInfo& peer) = 0;
  /// A one-way message from an agent: `topic` and one JSON document.
  virtual void on_notice(const NodeId& from, const std::string& topic, const std::string& body) = 0;
};

/// What a request is for.
enum class Lane {
  work,     ///< A caller. Refused at once while its peer has as much before it as it is given.
  control,  ///< The herd itself: who is there, who may have a name. Small, and goes always.
};

struct GatheredReply {
  NodeId node;
  Result<Reply> reply;
};

/// Counters since start, for tests and metrics.
struct BusCounters {
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t malformed = 0;  ///< Frames or envelopes that were dropped.
  std::uint64_t peers_joined = 0;
  std::uint64_t peers_lost = 0;
  std::uint64_t peers_refused = 0;  ///< Of another herd or protocol, or in another's place.
};

/// Purpose: drives the pure parts (Membership, AddressTable, PendingRequests) with a Transport, any
/// number of Discoveries and a Clock.
/// Lifecycle: construct, serve() and listen(), start(), co_await stop(). Ports outlive it.
/// One thread only.
class EventBus {
 public:
  EventBus(asio::any_io_executor executor, Clock& clock, Transport& transport,
           std::vector<Discovery*> discoveries, BusSettings settings, std::uint64_t random_seed,
           Logger log);
  ~EventBus();
  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;

  /// Answers requests. Set before start(). Each request runs as a task of its own; one that has not
  /// answered at its deadline is cancelled and answered with 504 by the bus.
  void serve(RequestHandler handler);
  /// Set before start(); outlives the bus.
  void listen(BusListener& listener);

  void start();
  /// Says goodbye to peers (GOODBYE, then the discoveries' own), fails pending requests with
  /// errc::canceled, cancels requests being served, closes links.
  asio::awaitable<void> stop();

  const NodeId& self() const;

  /// Requests being served now, this node's own to itself included.
  std::size_t serving() const;

  /// Requests of this node whose replies are awaited now, its own to itself included.
  std::size_t awaiting() const;

  /// Groups of this node. Joining twice or leaving what was not joined does nothing.
  void join(const std::string& group);
  void leave(const std::string& group);

  /// Agents and foreign peers that are ready, by id.
  std::vector<PeerInfo> peers() const;
  std::optional<PeerInfo> peer(const NodeId& id) const;
  /// Members of a group, this node included, by id.
  std::vector<NodeId> members(const std::string& group) const;
  bool is_member(const std::string& group, const NodeId& node) const;

  /// One request to one agent, and its reply. `local`: the peer is to act itself. Fails with
  /// not_sent (no such peer, or the bus is not running: it never left), peer_lost, timeout, busy
  /// (it never left: too much waits for that peer, or for all), canceled. A request to self() is
  /// served by the handler like any other.
  asio::awaitable<Result<Reply>> request(NodeId to, std::string body, TimePoint deadline,
                                         bool local = true, Lane lane = Lane::work);
  /// The same to several at once; one entry per node, in the order given, each by the deadline.
  asio::awaitable<std::vector<GatheredReply>> gather(std::vector<NodeId> to, std::string body,
                                                     TimePoint deadline, bool local = true,
                                                     Lane lane = Lane::work);

  /// One-way, to one agent or to every agent of the herd (not to self, not to foreign peers).
  /// In order with other messages to the same peer.
  void notify(const NodeId& to, const std::string& topic, const std::string& body);
  void notify_all(const std::string& topic, const std::string& body);

  const BusCounters& counters() const;

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace dockherd::bus
