#include "bus/mailbox.hpp"

#include <utility>

#include "base/limits.hpp"
#include "bus/curve.hpp"

namespace dockherd::bus {

namespace {

// One turn of the event loop; others get theirs before the next.
// Inside libzmq, which counts messages, not bytes, and only whole ones: whoever may connect can
// make it hold so many of limits::bus_message_bytes, and more by a message of frames without end.
// Beyond, TCP holds the sender back.
constexpr int unread_messages_per_peer = 32;
// RFC 36: 0x01 and the UUID. With keys a link adds bytes that nobody can guess, so that no other
// member can take its place by giving the same identity.
constexpr std::size_t identity_bytes = 17;
constexpr std::size_t keyed_identity_bytes = identity_bytes + link_nonce_bytes;

// What a client may take to say who it is.
constexpr int handshake_ms = 5'000;

}  // namespace

Mailbox::Mailbox(asio::any_io_executor executor, zmq::context_t& context, const Settings& settings)
    : keyed_(settings.keys != nullptr),
      router_(executor, context, zmq::socket_type::router),
      monitor_(executor, context, router_.raw(),
               ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | failed_handshake_events) {
  zmq::socket_t& router = router_.raw();
  router.set(zmq::sockopt::router_handover, true);
  router.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::bus_message_bytes));
  router.set(zmq::sockopt::rcvhwm, unread_messages_per_peer);
  router.set(zmq::sockopt::backlog, 512);  // A whole herd may connect at once.
  router.set(zmq::sockopt::handshake_ivl, handshake_ms);
  // A peer whose machine vanished would stay connected: let the kernel ask now and then.
  router.set(zmq::sockopt::tcp_keepalive, 1);
  router.set(zmq::sockopt::tcp_keepalive_idle, 60);
  router.set(zmq::sockopt::tcp_keepalive_intvl, 10);
  router.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  if (settings.keys) {
    zap_.emplace(executor, context);
    serve_with(router, *settings.keys);
  }
  bind(settings);
}

void Mailbox::bind(const Settings& settings) {
  for (std::uint32_t port = settings.low; port <= settings.high; ++port) {
    const std::string endpoint = "tcp://" + settings.address + ":" + std::to_string(port);
    if (zmq_bind(router_.raw().handle(), endpoint.c_str()) == 0) {
      port_ = static_cast<std::uint16_t>(port);
      return;
    }
    if (zmq_errno() != EADDRINUSE) break;
  }
  throw zmq::error_t();
}

void Mailbox::start(Handlers handlers) {
  handlers_ = std::move(handlers);
  router_.watch([this] { take_turn(); });
  // What came before a connection closed is handled before its end is told.
  monitor_.watch([this] {
    read_monitor();
    take_turn();
    router_.look_again();
  });
}

void Mailbox::close() {
  if (!router_.closed()) monitor_.close(router_.raw());
  router_.close(0);
  if (zap_) zap_->close();
}

void Mailbox::take_turn() {
  for (int i = 0; i < limits::bus_messages_per_turn; ++i) {
    Arrival arrival;
    switch (receive(arrival)) {
      case Received::nothing:
        report_closed();
        return;
      case Received::dropped:
        ++dropped_;
        break;
      case Received::message:
        note_connection(arrival.from, std::move(arrival.connection));
        handlers_.on_message(arrival.from, std::move(arrival.frames));
        break;
    }
  }
}

/// Reads one whole message, also when it is then dropped. Frames that nobody would read, or that
/// are too large together, are left out: the message counts in its sender's sequence all the same.
Mailbox::Received Mailbox::receive(Arrival& arrival) {
  zmq::message_t part;
  if (!router_.receive(part)) return Received::nothing;
  auto peer = peer_of(part);
  std::size_t bytes = 0;
  bool more = part.more();
  while (more) {
    if (!router_.receive(part)) return Received::nothing;  // Closed meanwhile.
    more = part.more();
    bytes += part.size();
    if (peer && arrival.frames.size() < limits::bus_frames && bytes <= limits::bus_message_bytes) {
      arrival.frames.emplace_back(static_cast<const char*>(part.data()), part.size());
    }
  }
  if (!peer || arrival.frames.empty()) return Received::dropped;
  arrival.from = *peer;
  arrival.connection.descriptor = zmq_msg_get(part.handle(), ZMQ_SRCFD);
  if (keyed_ && !is_senders_own(part, *peer)) {
    ++forged_;
    return Received::dropped;
  }
  if (!is_newest(*peer, arrival.connection.descriptor)) {
    const char* address = zmq_msg_gets(part.handle(), "Peer-Address");
    if (address != nullptr) arrival.connection.address = address;
  }
  return Received::message;
}

std::optional<NodeId> Mailbox::peer_of(const zmq::message_t& identity) const {
  const auto text = identity.to_string_view();
  const std::size_t expected = keyed_ ? keyed_identity_bytes : identity_bytes;
  if (text.size() != expected || text.front() != '\x01') return std::nullopt;
  return NodeId::from_bytes(text.substr(1, 16));
}

bool Mailbox::is_newest(const NodeId& peer, int descriptor) const {
  const auto known = connection_of_.find(peer);
  return known != connection_of_.end() && known->second.descriptor == descriptor;
}

std::string_view Mailbox::address_of(const NodeId& peer) const {
  const auto known = connection_of_.find(peer);
  return known == connection_of_.end() ? std::string_view() : known->second.address;
}

void Mailbox::note_connection(const NodeId& peer, Connection connection) {
  const int descriptor = connection.descriptor;
  if (is_newest(peer, descriptor)) return;
  // The first message of a connection. A descriptor's number is used again: read what the monitor
  // has to say about earlier connections first. It knows of this one already, perhaps of its end.
  read_monitor();
  connection_of_[peer] = std::move(connection);
  if (open_.contains(descriptor)) {
    peer_of_[descriptor] = peer;
  } else {
    to_report_.emplace_back(peer, descriptor);
  }
}

void Mailbox::read_monitor() {
  while (const auto event = monitor_.next()) {
    if (keyed_) {
      const auto refused = failed_handshakes_.note(*event);
      if (refused && handlers_.on_refused) handlers_.on_refused(*refused);
    }
    if (event->event == ZMQ_EVENT_ACCEPTED) {
      open_.insert(event->value);
    } else if (event->event == ZMQ_EVENT_DISCONNECTED) {
      open_.erase(event->value);
      const auto peer = peer_of_.find(event->value);
      if (peer == peer_of_.end()) continue;
      to_report_.emplace_back(peer->second, event->value);
      peer_of_.erase(peer);
    }
  }
}

void Mailbox::report_closed() {
  for (const auto& [peer, descriptor] : std::exchange(to_report_, {})) {
    if (!is_newest(peer, descriptor)) continue;
    connection_of_.erase(peer);
    handlers_.on_connection_closed(peer);
  }
}

}  // namespace dockherd::bus
