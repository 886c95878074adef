#include "bus/beacon_discovery.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <utility>

namespace dockherd::bus {

namespace {

using asio::ip::udp;
using boost::system::error_code;

/// The port of "tcp://ADDRESS:PORT"; 0 when there is none.
std::uint16_t port_of(const std::string& endpoint) {
  std::uint16_t port = 0;
  const auto colon = endpoint.rfind(':');
  if (colon == std::string::npos) return 0;
  std::from_chars(endpoint.data() + colon + 1, endpoint.data() + endpoint.size(), port);
  return port;
}

/// A bound UDP socket that shares its port with others, for broadcasts. Closed on failure.
error_code open_shared(udp::socket& socket, const udp::endpoint& address) {
  error_code error;
  socket.open(udp::v4(), error);
  if (!error) socket.set_option(udp::socket::reuse_address(true), error);
  if (!error) socket.set_option(asio::socket_base::broadcast(true), error);
  // While the interface is down the default route must not carry beacons elsewhere.
  if (!error) socket.set_option(asio::socket_base::do_not_route(true), error);
  if (!error) socket.bind(address, error);
  if (!error) socket.non_blocking(true, error);
  if (error) {
    error_code ignored;
    socket.close(ignored);
  }
  return error;
}

}  // namespace

class BeaconDiscovery::Core : public std::enable_shared_from_this<BeaconDiscovery::Core> {
 public:
  Core(asio::any_io_executor executor, BeaconSettings settings, Logger log)
      : settings_(std::move(settings)),
        log_(std::move(log)),
        sender_(executor),
        receiver_(executor),
        timer_(executor) {}

  void start(DiscoveryListener& listener, const NodeId& self, const std::string& endpoint) {
    listener_ = &listener;
    self_ = self;
    mailbox_port_ = port_of(endpoint);
    tick();
  }

  void stop() {
    if (listener_ == nullptr) return;
    listener_ = nullptr;
    if (sender_.is_open()) send(0);
    error_code ignored;
    timer_.cancel();
    sender_.close(ignored);
    receiver_.close(ignored);
  }

  BeaconCounters counters;

 private:
  /// Every interval: opens what is not open, announces.
  void tick() {
    if (listener_ == nullptr) return;
    error_code error;
    if (!receiver_.is_open()) {
      error = open_shared(receiver_, udp::endpoint(heard_at(), settings_.port));
      if (!error) receive();
    }
    if (!error && !sender_.is_open()) {
      error = open_shared(sender_, udp::endpoint(settings_.interface.address, settings_.port));
    }
    if (sender_.is_open()) error = send(mailbox_port_);
    note(error);
    timer_.expires_after(settings_.announce_interval);
    timer_.async_wait([self = shared_from_this()](const error_code& failure) {
      if (!failure) self->tick();
    });
  }

  /// On loopback only what is broadcast there can reach us at all.
  asio::ip::address_v4 heard_at() const {
    return settings_.interface.address.is_loopback() ? settings_.interface.broadcast
                                                     : asio::ip::address_v4::any();
  }

  error_code send(std::uint16_t port) {
    Beacon beacon;
    beacon.id = self_;
    beacon.port = port;
    const std::string datagram = encode_beacon(beacon);
    error_code error;
    const udp::endpoint everyone(settings_.interface.broadcast, settings_.port);
    sender_.send_to(asio::buffer(datagram), everyone, 0, error);
    ++(error ? counters.send_errors : counters.sent);
    return error;
  }

  /// A change of state is logged once.
  void note(const error_code& error) {
    if (error == last_error_) return;
    if (error) {
      log_->warn("beacons cannot be sent interface={} address={} error=\"{}\"",
                 settings_.interface.name, settings_.interface.address.to_string(),
                 error.message());
    } else {
      log_->info("beacons are sent again interface={}", settings_.interface.name);
    }
    last_error_ = error;
  }

  void receive() {
    receiver_.async_receive_from(
        asio::buffer(buffer_), from_,
        [self = shared_from_this()](const error_code& error, std::size_t bytes) {
          if (self->listener_ == nullptr || error == asio::error::operation_aborted) return;
          if (error) {
            // The next tick opens it anew; waiting for that keeps a lasting error from spinning.
            error_code ignored;
            self->receiver_.close(ignored);
            return;
          }
          self->handle(std::string_view(self->buffer_.data(), bytes));
          if (self->receiver_.is_open()) self->receive();
        });
  }

  void handle(std::string_view datagram) {
    const auto decoded = decode_beacon(datagram);
    const auto address = from_.address().to_v4();
    if (decoded.kind != BeaconKind::plain || !settings_.interface.contains(address)) {
      ++counters.ignored;
      return;
    }
    if (decoded.beacon.id == self_) return;
    ++counters.received;
    if (decoded.beacon.port == 0) {
      listener_->on_departure(decoded.beacon.id);
      return;
    }
    listener_->on_sighting(decoded.beacon.id, "tcp://" + address.to_string() + ":" +
                                                  std::to_string(decoded.beacon.port));
  }

  BeaconSettings settings_;
  Logger log_;
  udp::socket sender_;
  udp::socket receiver_;
  asio::steady_timer timer_;
  DiscoveryListener* listener_ = nullptr;  // Null when stopped.
  NodeId self_;
  std::uint16_t mailbox_port_ = 0;
  error_code last_error_;
  // One byte more than any beacon, so that a longer datagram is not taken for one.
  std::array<char, beacon_bytes_with_curve + 1> buffer_{};
  udp::endpoint from_;
};

BeaconDiscovery::BeaconDiscovery(asio::any_io_executor executor, BeaconSettings settings,
                                 Logger log)
    : core_(std::make_shared<Core>(std::move(executor), std::move(settings), std::move(log))) {}

BeaconDiscovery::~BeaconDiscovery() {
  stop();
}

void BeaconDiscovery::start(DiscoveryListener& listener, const NodeId& self,
                            const std::string& endpoint) {
  core_->start(listener, self, endpoint);
}

void BeaconDiscovery::stop() {
  core_->stop();
}

const BeaconCounters& BeaconDiscovery::counters() const {
  return core_->counters;
}

}  // namespace dockherd::bus
