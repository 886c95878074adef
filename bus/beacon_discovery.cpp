#include "bus/beacon_discovery.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <string_view>
#include <utility>

#include "bus/told_once.hpp"

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

/// The IPv4 address of "tcp://ADDRESS:PORT".
asio::ip::address_v4 address_of(const std::string& endpoint) {
  constexpr std::string_view scheme = "tcp://";
  const auto colon = endpoint.rfind(':');
  error_code failure;
  if (!endpoint.starts_with(scheme) || colon < scheme.size()) return {};
  const auto text = endpoint.substr(scheme.size(), colon - scheme.size());
  const auto address = asio::ip::make_address_v4(text, failure);
  return failure ? asio::ip::address_v4() : address;
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
    mailbox_address_ = address_of(endpoint);
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
    beacon.address = mailbox_address_.to_uint();
    const std::string datagram = settings_.keys ? tagged(beacon) : encode_beacon(beacon);
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

  std::string tagged(const Beacon& beacon) const {
    std::string datagram = encode_beacon_to_tag(beacon);
    for (const std::uint8_t byte : settings_.keys->beacon_tag(datagram)) {
      datagram += static_cast<char>(byte);
    }
    return datagram;
  }

  void handle(std::string_view datagram) {
    const auto decoded = decode_beacon(datagram);
    const auto sender = from_.address().to_v4();
    const bool is_beacon = decoded.kind == BeaconKind::plain || decoded.kind == BeaconKind::tagged;
    if (!is_beacon || !settings_.interface.contains(sender)) {
      ++counters.ignored;
      return;
    }
    if (decoded.beacon.id == self_) return;
    if (!is_of_our_herd(decoded)) {
      ++counters.forged;
      tell_other_key(sender.to_string());
      return;
    }
    ++counters.received;
    if (decoded.beacon.port == 0) {
      listener_->on_departure(decoded.beacon.id);
      return;
    }
    const auto address = settings_.keys ? asio::ip::address_v4(decoded.beacon.address) : sender;
    listener_->on_sighting(decoded.beacon.id, "tcp://" + address.to_string() + ":" +
                                                  std::to_string(decoded.beacon.port));
  }

  bool is_of_our_herd(const DecodedBeacon& decoded) const {
    if (!settings_.keys) return decoded.kind == BeaconKind::plain;
    return decoded.kind == BeaconKind::tagged &&
           settings_.keys->is_beacon_tag(decoded.signed_part, decoded.tag);
  }

  void tell_other_key(const std::string& address) {
    if (!told_.is_first(address)) return;
    if (settings_.keys) {
      log_->warn("beacons with another key address={} key={}: it has another key, or none", address,
                 settings_.keys->id());
    } else {
      log_->warn("beacons with a key address={}: its herd has a key, and this agent has none",
                 address);
    }
  }

  BeaconSettings settings_;
  Logger log_;
  udp::socket sender_;
  udp::socket receiver_;
  asio::steady_timer timer_;
  DiscoveryListener* listener_ = nullptr;  // Null when stopped.
  NodeId self_;
  std::uint16_t mailbox_port_ = 0;
  asio::ip::address_v4 mailbox_address_;
  ToldOnce told_;  // Whose beacons have another key.
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
