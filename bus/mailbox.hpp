// The ROUTER that all peers send to. Must not know links, nor what the frames mean.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bus/bus_keys.hpp"
#include "bus/socket_monitor.hpp"
#include "bus/transport.hpp"
#include "bus/zap_handler.hpp"
#include "bus/zmq_socket.hpp"

namespace dockherd::bus {

/// Purpose: receives messages, says from whom, and says when a peer closed its connection to us.
/// Owner: ZmqTransport. One socket monitor serves all peers: it names connections by descriptor,
/// and each message tells (ZMQ_SRCFD) by which descriptor it came.
/// With keys, connections are encrypted, only members get one, and a message counts only when its
/// sender's key is the one that its id stands for (see bus_keys.hpp).
/// Calls back from the event loop only.
class Mailbox {
 public:
  struct Handlers {
    std::function<void(const NodeId&, Frames)> on_message;
    /// After the last message of that connection, unless the peer has opened another one.
    std::function<void(const NodeId&)> on_connection_closed;
    /// Somebody at that address has another key than this mailbox, or none.
    std::function<void(const std::string& address)> on_refused;
  };

  struct Settings {
    std::string address;  ///< IPv4 to bind to.
    std::uint16_t low = 0;
    std::uint16_t high = 0;  ///< The first free port from `low` on is taken.
    /// Null: whoever connects may send.
    std::shared_ptr<const BusKeys> keys;
  };

  /// Binds. Throws zmq::error_t when there is no free port.
  Mailbox(asio::any_io_executor executor, zmq::context_t& context, const Settings& settings);

  void start(Handlers handlers);
  void close();

  /// Whether a connection of that peer, by which a message has come, still stands.
  bool is_connected(const NodeId& peer) const { return connection_of_.contains(peer); }
  /// Where that connection comes from; empty when there is none.
  std::string_view address_of(const NodeId& peer) const;

  std::uint16_t port() const { return port_; }
  /// Messages that are no peer's: other identities, or without any frame.
  std::uint64_t dropped() const { return dropped_; }
  /// Messages, among those, under an id that is not their sender's.
  std::uint64_t forged() const { return forged_; }

 private:
  enum class Received { nothing, message, dropped };
  struct Connection {
    int descriptor = -1;
    std::string address;
  };
  struct Arrival {
    NodeId from;
    Frames frames;
    Connection connection;  // Without its address, unless it is a new one.
  };

  void bind(const Settings& settings);
  std::optional<NodeId> peer_of(const zmq::message_t& identity) const;
  void take_turn();
  Received receive(Arrival& arrival);
  bool is_newest(const NodeId& peer, int descriptor) const;
  void note_connection(const NodeId& peer, Connection connection);
  void read_monitor();
  void report_closed();

  const bool keyed_;
  std::optional<ZapHandler> zap_;
  ZmqSocket router_;
  SocketMonitor monitor_;
  FailedHandshakes failed_handshakes_;
  Handlers handlers_;
  std::uint16_t port_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t forged_ = 0;
  std::set<int> open_;                                    // Accepted and not yet closed.
  std::unordered_map<int, NodeId> peer_of_;               // Once a message has come.
  std::unordered_map<NodeId, Connection> connection_of_;  // The newest of each peer.
  std::vector<std::pair<NodeId, int>> to_report_;         // Closed; their last messages may be
                                                          // unread.
};

}  // namespace dockherd::bus
