// The way to one peer: a DEALER and the messages that it has not taken yet. Must not know what the
// frames mean, nor who decides that a peer is lost.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "bus/bus_keys.hpp"
#include "bus/socket_monitor.hpp"
#include "bus/transport.hpp"
#include "bus/zmq_socket.hpp"

namespace dockherd::bus {

/// Purpose: dials until the peer answers, sends in order, notices when the connection breaks.
/// Owner: ZmqTransport. One TCP connection at most carries one link: libzmq is told not to
/// reconnect (RECONNECT_IVL -1), because a connection made anew would hide that messages were lost;
/// and to attach the connection only when it is up (IMMEDIATE), so that "writable" means
/// "connected". That needs no socket monitor: at 100 peers it saves 200 sockets.
class PeerLink {
 public:
  /// Called once, from the event loop, when a link that was up broke. The link may be destroyed
  /// inside the call.
  using Broken = std::function<void(const std::string& reason)>;

  struct Handlers {
    Broken on_broken;
    /// The peer answers, but not to any of our keys. Perhaps said again.
    std::function<void()> on_refused;
  };

  /// `identity` is what the peer's ROUTER sees: 0x01 and our UUID. `keys`: null for none.
  PeerLink(asio::any_io_executor executor, zmq::context_t& context, std::string identity,
           std::string endpoint, std::shared_ptr<const BusKeys> keys, Handlers handlers);
  ~PeerLink();
  PeerLink(const PeerLink&) = delete;
  PeerLink& operator=(const PeerLink&) = delete;

  /// Takes the message; false when more than limits::bus_peer_queue_bytes are then waiting.
  bool send(Frames frames);
  /// What libzmq has taken gets `linger_ms` milliseconds to leave.
  void close(int linger_ms);

  /// When this link was made.
  std::chrono::steady_clock::time_point since() const { return since_; }

  /// Waiting here or, counting frames over a few kilobytes only, inside libzmq.
  std::size_t unsent_bytes() const;

 private:
  void dial();
  void open_dealer();
  void watch_handshake();
  void drop_dealer();
  void redial_later();
  void doubt();
  void take_turn();
  void flush();
  bool send_now(Frames& frames);
  bool may_be_full() const;
  void broken(const std::string& reason);

  asio::any_io_executor executor_;
  zmq::context_t& context_;
  std::string identity_;
  std::string endpoint_;
  std::shared_ptr<const BusKeys> keys_;
  Handlers handlers_;
  std::unique_ptr<ZmqSocket> socket_;
  std::unique_ptr<SocketMonitor> handshake_;  // With keys, from the second try on, until up.
  unsigned tries_ = 0;
  unsigned refused_ = 0;      // Tries that reached the peer and came to nothing,
  unsigned refused_at_ = 0;   // and the last of them.
  asio::steady_timer timer_;  // Until up: dials again. Then: looks again whether full or broken.
  std::chrono::milliseconds redial_after_;
  bool doubting_ = false;
  std::deque<Frames> queue_;
  std::size_t queued_bytes_ = 0;
  struct Inside;
  std::shared_ptr<Inside> inside_;  // What libzmq holds; its I/O thread counts down.
  std::uint64_t sent_ = 0;          // Messages that libzmq has taken.
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  bool up_ = false;
  bool closed_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // Timer handlers hold it weakly.
};

}  // namespace dockherd::bus
