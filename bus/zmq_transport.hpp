// Frames to and from peers over ZeroMQ, as RFC 36 has it: one ROUTER for all that comes in, a
// DEALER per peer for what goes out. Must not know what the frames mean.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "bus/mailbox.hpp"
#include "bus/peer_link.hpp"
#include "bus/told_once.hpp"
#include "bus/transport.hpp"

namespace dockherd::bus {

struct ZmqTransportSettings {
  std::string address = "127.0.0.1";  ///< IPv4 to bind to; 0.0.0.0 needs `advertised`.
  std::uint16_t port_low = 49'152;    ///< The first free port of the range is taken.
  std::uint16_t port_high = 65'535;
  std::string advertised;  ///< IPv4 that peers can use, when it is not `address`.
  /// Encrypted, and for members of the herd only. Null: for everybody.
  std::shared_ptr<const BusKeys> keys;
};

/// Purpose: implements Transport. Owns libzmq's context with its one I/O thread.
/// Lifecycle: open() binds the mailbox, start() begins to deliver, stop() (or the destructor) ends.
/// The destructor waits until queued messages have left, 100 ms at most; it may run while the
/// event loop still has handlers queued, but not inside a call to the listener.
class ZmqTransport final : public Transport {
 public:
  /// errc::bad_config when the address cannot be bound or no port of the range is free.
  static Result<std::unique_ptr<ZmqTransport>> open(asio::any_io_executor executor,
                                                    const NodeId& self,
                                                    const ZmqTransportSettings& settings,
                                                    Logger log);
  ~ZmqTransport() override;

  void start(TransportListener& listener) override;
  void stop() override;
  std::string endpoint() const override { return endpoint_; }
  bool connect(const NodeId& peer, const std::string& endpoint) override;
  bool send(const NodeId& peer, Frames frames) override;
  std::size_t unsent_bytes(const NodeId& peer) const override;
  void disconnect(const NodeId& peer) override;
  std::string_view address_of(const NodeId& peer) const override {
    return mailbox_.address_of(peer);
  }

  /// Messages that were no peer's.
  std::uint64_t dropped() const { return mailbox_.dropped(); }
  /// Among those, messages under an id that is not their sender's.
  std::uint64_t forged() const { return mailbox_.forged(); }
  std::size_t links() const { return links_.size(); }

 private:
  /// Its connection to us closed; ours to it still stands.
  struct Departed {
    NodeId peer;
    std::chrono::steady_clock::time_point report_at;
  };

  ZmqTransport(asio::any_io_executor executor, const NodeId& self,
               const ZmqTransportSettings& settings, Logger log);

  void on_connection_closed(const NodeId& peer);
  void report_departed();
  void forget_departure(const NodeId& peer);
  void report_later(const NodeId& peer, std::string reason);
  void report(const NodeId& peer, const std::string& reason);
  void tell_refused(const std::string& whom, unsigned times, const char* text);

  asio::any_io_executor executor_;
  Logger log_;
  zmq::context_t context_;
  std::string identity_;
  std::shared_ptr<const BusKeys> keys_;
  Mailbox mailbox_;
  std::string endpoint_;
  TransportListener* listener_ = nullptr;
  std::map<NodeId, std::unique_ptr<PeerLink>> links_;
  std::vector<Departed> departed_;  // In the order of their times.
  asio::steady_timer departure_timer_;
  ToldOnce told_;                                           // Who has another key.
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // Queued handlers hold it weakly.
};

/// The address and port of "tcp://A.B.C.D:PORT"; false for anything else.
bool is_tcp_endpoint(const std::string& endpoint);

}  // namespace dockherd::bus
