// The ROUTER that all peers send to. Must not know links, nor what the frames mean.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bus/transport.hpp"
#include "bus/zmq_socket.hpp"

namespace dockherd::bus {

/// Purpose: receives messages, says from whom, and says when a peer closed its connection to us.
/// Owner: ZmqTransport. One socket monitor serves all peers: it names connections by descriptor,
/// and each message tells (ZMQ_SRCFD) by which descriptor it came.
/// Calls back from the event loop only.
class Mailbox {
 public:
  struct Handlers {
    std::function<void(const NodeId&, Frames)> on_message;
    /// After the last message of that connection, unless the peer has opened another one.
    std::function<void(const NodeId&)> on_connection_closed;
  };

  /// Binds to the first free port from `low` to `high`. Throws zmq::error_t when there is none.
  Mailbox(asio::any_io_executor executor, zmq::context_t& context, const std::string& address,
          std::uint16_t low, std::uint16_t high);

  void start(Handlers handlers);
  void close();

  /// Whether a connection of that peer, by which a message has come, still stands.
  bool is_connected(const NodeId& peer) const { return connection_of_.contains(peer); }
  /// Where that connection comes from; empty when there is none.
  std::string_view address_of(const NodeId& peer) const;

  std::uint16_t port() const { return port_; }
  /// Messages that are no peer's: other identities, or without any frame.
  std::uint64_t dropped() const { return dropped_; }

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

  void bind(const std::string& address, std::uint16_t low, std::uint16_t high);
  void take_turn();
  Received receive(Arrival& arrival);
  bool is_newest(const NodeId& peer, int descriptor) const;
  void note_connection(const NodeId& peer, Connection connection);
  void read_monitor();
  void report_closed();

  ZmqSocket router_;
  ZmqSocket monitor_;
  Handlers handlers_;
  std::uint16_t port_ = 0;
  std::uint64_t dropped_ = 0;
  std::set<int> open_;                                    // Accepted and not yet closed.
  std::unordered_map<int, NodeId> peer_of_;               // Once a message has come.
  std::unordered_map<NodeId, Connection> connection_of_;  // The newest of each peer.
  std::vector<std::pair<NodeId, int>> to_report_;         // Closed; their last messages may be
                                                          // unread.
};

}  // namespace dockherd::bus
