// The server side of zgossip: a ROUTER that clients (ours and czmq's) say HELLO to. Must not know
// tuples: GossipTable does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/bus_keys.hpp"
#include "bus/gossip_codec.hpp"
#include "bus/gossip_table.hpp"
#include "bus/socket_monitor.hpp"
#include "bus/zap_handler.hpp"
#include "bus/zmq_socket.hpp"

namespace dockherd::bus {

/// What a gossip link asks of its owner. Called from the event loop.
struct GossipHandlers {
  std::function<std::vector<GossipMessage>()> table;
  std::function<void(GossipLinkId from, const GossipMessage&)> on_publish;
  std::function<void(GossipLinkId)> on_closed;
  /// Servers with keys: somebody at that address has another one, or none.
  std::function<void(const std::string& address)> on_refused;
};

/// Purpose: keeps the sessions of clients. A client is not dropped for being quiet: czmq's never
/// send PING. It is dropped when libzmq has no connection to it, or when it does not read.
/// Owner: GossipDiscovery.
class GossipServer {
 public:
  /// `keys`: null for none. Throws zmq::error_t when `endpoint` cannot be bound.
  GossipServer(asio::any_io_executor executor, zmq::context_t& context, const std::string& endpoint,
               std::shared_ptr<const BusKeys> keys, GossipLinkId first_link,
               GossipHandlers handlers);

  /// To every client but `except`.
  void send_to_all(const GossipMessage& message, GossipLinkId except);
  void close(int linger_ms);

  std::size_t clients() const { return clients_.size(); }

 private:
  void secure(asio::any_io_executor executor, zmq::context_t& context, const BusKeys& keys);
  void take_turn();
  void handle(const std::string& routing_id, const GossipMessage& message);
  void greet(const std::string& routing_id);
  bool send(const std::string& routing_id, const GossipMessage& message);
  void drop(const std::string& routing_id);

  std::optional<ZapHandler> zap_;
  ZmqSocket socket_;
  std::optional<SocketMonitor> monitor_;  // With keys only.
  FailedHandshakes failed_handshakes_;
  GossipHandlers handlers_;
  GossipLinkId next_link_;
  std::map<std::string, GossipLinkId> clients_;  // By the ROUTER's routing id.
};

}  // namespace dockherd::bus
