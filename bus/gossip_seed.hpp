// The client side of zgossip: a DEALER to one seed, dialled for ever. Must not know tuples:
// GossipTable does.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "bus/gossip_server.hpp"

namespace dockherd::bus {

/// Where a gossip server listens.
struct GossipAddress {
  std::string host;  ///< A name or an IPv4 address.
  std::uint16_t port = 0;

  std::string text() const { return host + ":" + std::to_string(port); }
};

/// "HOST:PORT" or "tcp://HOST:PORT"; errc::bad_config says what is wrong.
Result<GossipAddress> parse_gossip_address(const std::string& text);

/// Purpose: keeps a session with a seed. Resolves the name at each attempt (a seed may move), says
/// HELLO and tells the whole table, sends PING often enough (czmq's server drops clients that are
/// quiet for a second; ours does not), and begins anew when the connection breaks or the seed is
/// silent. Between attempts it waits at most a second, so that a seed that returns is found within
/// about that time. Owner: GossipDiscovery.
class GossipSeed {
 public:
  GossipSeed(asio::any_io_executor executor, zmq::context_t& context, GossipAddress address,
             GossipLinkId link, std::shared_ptr<const BusKeys> keys, GossipHandlers handlers,
             Logger log);
  ~GossipSeed();

  void send(const GossipMessage& message);
  void close(int linger_ms);
  bool up() const { return up_; }
  GossipLinkId link() const { return link_; }

 private:
  using Clock = std::chrono::steady_clock;

  void dial();
  void resolve();
  void connect(const std::string& ipv4);
  void watch_handshake();
  void drop_socket();
  void redial_after(Clock::duration delay);
  void take_turn();
  void greet();
  void handle(const GossipMessage& message);
  void ping_later();
  void lost(const char* reason, Clock::duration next_attempt);

  asio::any_io_executor executor_;
  zmq::context_t& context_;
  GossipAddress address_;
  GossipLinkId link_;
  std::shared_ptr<const BusKeys> keys_;
  GossipHandlers handlers_;
  Logger log_;
  asio::ip::tcp::resolver resolver_;
  asio::steady_timer timer_;  // Not up: the next attempt. Up: the next PING.
  std::unique_ptr<ZmqSocket> socket_;
  std::unique_ptr<SocketMonitor> handshake_;  // With keys, until up.
  unsigned tries_ = 0;
  bool refused_ = false;  // The last try reached the seed and came to nothing.
  Clock::duration delay_;
  Clock::time_point last_heard_;
  bool up_ = false;
  bool seed_is_agent_ = false;  // It has sent a ttl, as only dockherd's agents do.
  bool reported_down_ = false;
  bool closed_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // Queued handlers hold it weakly.
};

}  // namespace dockherd::bus
