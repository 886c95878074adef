#include "bus/gossip_server.hpp"

#include <utility>

#include "base/limits.hpp"
#include "bus/curve.hpp"

namespace dockherd::bus {

namespace {

GossipMessage message_of(GossipKind kind) {
  GossipMessage message;
  message.kind = kind;
  return message;
}

}  // namespace

GossipServer::GossipServer(asio::any_io_executor executor, zmq::context_t& context,
                           const std::string& endpoint, std::shared_ptr<const BusKeys> keys,
                           GossipLinkId first_link, GossipHandlers handlers)
    : socket_(executor, context, zmq::socket_type::router),
      handlers_(std::move(handlers)),
      next_link_(first_link) {
  zmq::socket_t& router = socket_.raw();
  router.set(zmq::sockopt::router_mandatory, true);
  router.set(zmq::sockopt::sndhwm, static_cast<int>(2 * limits::gossip_tuples));
  router.set(zmq::sockopt::rcvhwm, 1'000);
  router.set(zmq::sockopt::maxmsgsize, std::int64_t{4'096});
  router.set(zmq::sockopt::handshake_ivl, 5'000);  // What a client may take to say who it is.
  // A client whose machine vanished would stay a client: let the kernel ask now and then.
  router.set(zmq::sockopt::tcp_keepalive, 1);
  router.set(zmq::sockopt::tcp_keepalive_idle, 60);
  router.set(zmq::sockopt::tcp_keepalive_intvl, 10);
  router.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  if (keys) secure(executor, context, *keys);
  router.bind(endpoint);
  socket_.watch([this] { take_turn(); });
}

void GossipServer::secure(asio::any_io_executor executor, zmq::context_t& context,
                          const BusKeys& keys) {
  zap_.emplace(executor, context);
  serve_with(socket_.raw(), keys);
  monitor_.emplace(executor, context, socket_.raw(),
                   ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | failed_handshake_events);
  monitor_->watch([this] {
    while (const auto event = monitor_->next()) {
      const auto refused = failed_handshakes_.note(*event);
      if (refused && handlers_.on_refused) handlers_.on_refused(*refused);
    }
  });
}

void GossipServer::close(int linger_ms) {
  if (monitor_ && !socket_.closed()) monitor_->close(socket_.raw());
  socket_.close(linger_ms);
  if (zap_) zap_->close();
}

void GossipServer::take_turn() {
  for (int i = 0; i < limits::bus_messages_per_turn; ++i) {
    zmq::message_t identity;
    if (!socket_.receive(identity)) break;
    const std::string routing_id = identity.to_string();
    zmq::message_t part;
    std::size_t parts = 0;
    bool more = identity.more();
    std::string frame;
    while (more && socket_.receive(part)) {
      more = part.more();
      if (++parts == 1) frame = part.to_string();
    }
    if (parts != 1) continue;
    const auto message = decode_gossip(frame);
    if (message) handle(routing_id, *message);
  }
}

void GossipServer::handle(const std::string& routing_id, const GossipMessage& message) {
  if (message.kind == GossipKind::hello) {
    greet(routing_id);
    return;
  }
  const auto client = clients_.find(routing_id);
  if (client == clients_.end()) {
    // A session of an earlier life of ours: the client is to say HELLO again.
    send(routing_id, message_of(GossipKind::invalid));
  } else if (message.kind == GossipKind::ping) {
    send(routing_id, message_of(GossipKind::pong));
  } else if (message.kind == GossipKind::publish) {
    handlers_.on_publish(client->second, message);
  }
}

void GossipServer::greet(const std::string& routing_id) {
  if (!clients_.contains(routing_id)) {
    if (clients_.size() >= limits::bus_peers) return;
    clients_.emplace(routing_id, next_link_++);
  }
  for (const GossipMessage& message : handlers_.table()) {
    if (!send(routing_id, message)) {
      drop(routing_id);
      return;
    }
  }
}

void GossipServer::send_to_all(const GossipMessage& message, GossipLinkId except) {
  std::vector<std::string> unreachable;
  for (const auto& [routing_id, link] : clients_) {
    if (link != except && !send(routing_id, message)) unreachable.push_back(routing_id);
  }
  for (const std::string& routing_id : unreachable) drop(routing_id);
  socket_.look_again();
}

bool GossipServer::send(const std::string& routing_id, const GossipMessage& message) {
  zmq::message_t identity(routing_id.data(), routing_id.size());
  if (socket_.send(identity, true) != SendOutcome::sent) return false;
  const std::string bytes = encode_gossip(message);
  zmq::message_t frame(bytes.data(), bytes.size());
  return socket_.send(frame, false) == SendOutcome::sent;
}

void GossipServer::drop(const std::string& routing_id) {
  const auto client = clients_.find(routing_id);
  if (client == clients_.end()) return;
  const GossipLinkId link = client->second;
  clients_.erase(client);
  handlers_.on_closed(link);
}

}  // namespace dockherd::bus
