#include "bus/gossip_seed.hpp"

#include <algorithm>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <utility>

#include "base/limits.hpp"
#include "bus/curve.hpp"

namespace dockherd::bus {

namespace {

using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds first_delay{100};
constexpr milliseconds longest_delay{1'000};
constexpr milliseconds resolve_timeout{10'000};
constexpr milliseconds ping_plain{500};    // czmq's server expires a client after 1 s.
constexpr milliseconds ping_agent{2'000};  // Only to notice that the seed is gone.
constexpr int missed_pings = 3;

}  // namespace

Result<GossipAddress> parse_gossip_address(const std::string& text) {
  constexpr std::string_view scheme = "tcp://";
  const std::string rest = text.starts_with(scheme) ? text.substr(scheme.size()) : text;
  const auto colon = rest.rfind(':');
  GossipAddress address;
  if (colon != std::string::npos) {
    address.host = rest.substr(0, colon);
    const char* end = rest.data() + rest.size();
    const auto number = std::from_chars(rest.data() + colon + 1, end, address.port);
    if (number.ec != std::errc() || number.ptr != end) address.port = 0;
  }
  const bool bad_host = address.host.empty() || address.host.size() > 253 ||
                        address.host.find_first_of(":/ \t;") != std::string::npos;
  if (bad_host || address.port == 0) {
    return Error(errc::bad_config, "expected HOST:PORT or tcp://HOST:PORT, got \"" + text + "\"");
  }
  return address;
}

GossipSeed::GossipSeed(asio::any_io_executor executor, zmq::context_t& context,
                       GossipAddress address, GossipLinkId link,
                       std::shared_ptr<const BusKeys> keys, GossipHandlers handlers, Logger log)
    : executor_(executor),
      context_(context),
      address_(std::move(address)),
      link_(link),
      keys_(std::move(keys)),
      handlers_(std::move(handlers)),
      log_(std::move(log)),
      resolver_(executor),
      timer_(executor),
      delay_(first_delay) {
  dial();
}

GossipSeed::~GossipSeed() {
  drop_socket();
}

/// One attempt; the timer begins the next unless greet() ends the series.
void GossipSeed::dial() {
  error_code no_address;
  const auto literal = asio::ip::make_address_v4(address_.host, no_address);
  if (no_address) {
    resolve();
  } else {
    connect(literal.to_string());
  }
}

/// Asio resolves in a thread of its own; a literal address needs none.
void GossipSeed::resolve() {
  redial_after(resolve_timeout);
  resolver_.async_resolve(
      asio::ip::tcp::v4(), address_.host, std::to_string(address_.port),
      [this, alive = std::weak_ptr(alive_)](const error_code& error, const auto& found) {
        if (error == asio::error::operation_aborted || alive.expired() || closed_ || up_) return;
        if (error || found.empty()) {
          lost("its name cannot be resolved", longest_delay);
        } else {
          connect(found.begin()->endpoint().address().to_string());
        }
      });
}

void GossipSeed::connect(const std::string& ipv4) {
  drop_socket();
  try {
    socket_ = std::make_unique<ZmqSocket>(executor_, context_, zmq::socket_type::dealer);
    zmq::socket_t& dealer = socket_->raw();
    // As in PeerLink: writable means connected, and a broken connection stays broken.
    dealer.set(zmq::sockopt::immediate, true);
    dealer.set(zmq::sockopt::reconnect_ivl, -1);
    dealer.set(zmq::sockopt::sndhwm, static_cast<int>(2 * limits::gossip_tuples));
    dealer.set(zmq::sockopt::rcvhwm, 1'000);
    dealer.set(zmq::sockopt::maxmsgsize, std::int64_t{4'096});
    if (keys_) connect_with(dealer, *keys_, tries_);
    watch_handshake();
    dealer.connect("tcp://" + ipv4 + ":" + std::to_string(address_.port));
    socket_->watch([this] { take_turn(); });
  } catch (const zmq::error_t&) {
    drop_socket();  // Out of descriptors: the next attempt may find some.
  } catch (const boost::system::system_error&) {
    drop_socket();  // The same, told by asio.
  }
  ++tries_;
  // A refused connection is quick to try again; a dropped one costs a packet per attempt.
  delay_ = std::min<Clock::duration>(2 * delay_, longest_delay);
  redial_after(delay_);
}

void GossipSeed::watch_handshake() {
  refused_ = false;
  if (!keys_) return;
  handshake_ = std::make_unique<SocketMonitor>(
      executor_, context_, socket_->raw(),
      ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | failed_handshake_events);
  handshake_->watch([this] {
    while (const auto event = handshake_->next()) {
      if (event->event != ZMQ_EVENT_CONNECTED) refused_ = true;
    }
  });
}

void GossipSeed::drop_socket() {
  if (handshake_ && socket_ && !socket_->closed()) handshake_->close(socket_->raw());
  handshake_.reset();
  socket_.reset();
}

void GossipSeed::redial_after(Clock::duration delay) {
  timer_.expires_after(delay);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const error_code& error) {
    if (error || alive.expired() || closed_ || up_) return;
    resolver_.cancel();
    // Before all keys have been tried nothing is known.
    const bool unknown = refused_ && tries_ % keys_->size() != 0;
    if (unknown) {
      dial();
      return;
    }
    lost(refused_ ? "it has another key, or none" : "it does not answer", Clock::duration::zero());
  });
}

void GossipSeed::take_turn() {
  for (int i = 0; i < limits::bus_messages_per_turn; ++i) {
    zmq::message_t frame;
    if (!socket_->receive(frame)) break;
    if (frame.more()) continue;  // zgossip's messages have one frame.
    last_heard_ = Clock::now();
    const auto message = decode_gossip(frame.to_string_view());
    if (message) handle(*message);
    if (closed_ || !socket_) return;
  }
  // The queue towards a seed that reads is never full, so not writable means broken.
  const bool writable = socket_->events().writable;
  if (writable && !up_) {
    greet();
  } else if (!writable && up_) {
    lost("the connection was closed", delay_);
  }
}

/// HELLO asks for the seed's table; ours follows, as zgossip has it.
void GossipSeed::greet() {
  if (!up_) {
    up_ = true;
    if (handshake_) handshake_->close(socket_->raw());
    handshake_.reset();
    delay_ = first_delay;
    last_heard_ = Clock::now();
    ping_later();
  }
  GossipMessage hello;
  hello.kind = GossipKind::hello;
  send(hello);
  for (const GossipMessage& message : handlers_.table()) send(message);
}

void GossipSeed::handle(const GossipMessage& message) {
  if (reported_down_) log_->info("gossip seed answers again seed={}", address_.text());
  reported_down_ = false;
  if (message.kind == GossipKind::invalid) {
    greet();
  } else if (message.kind == GossipKind::publish) {
    seed_is_agent_ = seed_is_agent_ || message.ttl_millis != 0;
    handlers_.on_publish(link_, message);
  }
}

void GossipSeed::ping_later() {
  const auto interval = seed_is_agent_ ? ping_agent : ping_plain;
  timer_.expires_after(interval);
  timer_.async_wait([this, interval, alive = std::weak_ptr(alive_)](const error_code& error) {
    if (error || alive.expired() || closed_ || !up_) return;
    if (Clock::now() - last_heard_ > missed_pings * interval + interval / 2) {
      lost("it is silent", Clock::duration::zero());
      return;
    }
    GossipMessage ping;
    ping.kind = GossipKind::ping;
    send(ping);
    ping_later();
  });
}

void GossipSeed::send(const GossipMessage& message) {
  if (!up_ || !socket_) return;
  const std::string bytes = encode_gossip(message);
  zmq::message_t frame(bytes.data(), bytes.size());
  socket_->send(frame, false);  // Refused when broken: the next turn or PING finds that out.
  socket_->look_again();
}

/// Ends this attempt or session; the next begins later.
void GossipSeed::lost(const char* reason, Clock::duration next_attempt) {
  const bool was_up = std::exchange(up_, false);
  drop_socket();
  if (!reported_down_) {
    log_->warn("gossip seed lost seed={} reason=\"{}\"", address_.text(), reason);
    reported_down_ = true;
  }
  if (was_up) {
    seed_is_agent_ = false;
    handlers_.on_closed(link_);
    if (closed_) return;
  }
  timer_.expires_after(next_attempt);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const error_code& error) {
    if (!error && !alive.expired() && !closed_) dial();
  });
}

void GossipSeed::close(int linger_ms) {
  closed_ = true;
  resolver_.cancel();
  timer_.cancel();
  if (handshake_ && socket_) handshake_->close(socket_->raw());
  handshake_.reset();
  if (socket_) socket_->close(linger_ms);
}

}  // namespace dockherd::bus
