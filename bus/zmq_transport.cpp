#include "bus/zmq_transport.hpp"

#include <algorithm>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

#include "base/limits.hpp"

namespace dockherd::bus {

namespace {

// A peer that closed its connection to us may be about to open another (it replaced its link, or
// answers a HELLO of ours with a fresh session). Were that reported as a loss at once, both sides
// could go on dropping each other. A killed process is noticed sooner by our own link to it.
constexpr std::chrono::milliseconds departure_grace{200};
// What closed may belong to the time before our link was made, after which the peer has not yet had
// the time to come back.
constexpr std::chrono::milliseconds young_link{1'000};

zmq::context_t make_context() {
  zmq::context_t context(1);
  // Links, links being replaced, mailbox and monitors; libzmq's own default is 1023.
  context.set(zmq::ctxopt::max_sockets,
              static_cast<int>(2 * (limits::bus_peers + limits::bus_pending_sightings)));
  return context;
}

}  // namespace

bool is_tcp_endpoint(const std::string& endpoint) {
  constexpr std::string_view scheme = "tcp://";
  if (!endpoint.starts_with(scheme)) return false;
  const auto colon = endpoint.rfind(':');
  if (colon < scheme.size()) return false;
  boost::system::error_code bad_address;
  asio::ip::make_address_v4(endpoint.substr(scheme.size(), colon - scheme.size()), bad_address);
  std::uint16_t port = 0;
  const char* end = endpoint.data() + endpoint.size();
  const auto number = std::from_chars(endpoint.data() + colon + 1, end, port);
  return !bad_address && number.ec == std::errc() && number.ptr == end && port != 0;
}

Result<std::unique_ptr<ZmqTransport>> ZmqTransport::open(asio::any_io_executor executor,
                                                         const NodeId& self,
                                                         const ZmqTransportSettings& settings,
                                                         Logger log) {
  try {
    return std::unique_ptr<ZmqTransport>(
        new ZmqTransport(std::move(executor), self, settings, std::move(log)));
  } catch (const zmq::error_t& error) {
    return Error(errc::bad_config, "the bus cannot listen on " + settings.address + " ports " +
                                       std::to_string(settings.port_low) + " to " +
                                       std::to_string(settings.port_high) + ": " + error.what());
  }
}

ZmqTransport::ZmqTransport(asio::any_io_executor executor, const NodeId& self,
                           const ZmqTransportSettings& settings, Logger log)
    : executor_(executor),
      log_(std::move(log)),
      context_(make_context()),
      identity_('\x01' + std::string(self.raw())),
      keys_(settings.keys),
      mailbox_(executor, context_,
               {settings.address, settings.port_low, settings.port_high, settings.keys}),
      endpoint_("tcp://" + (settings.advertised.empty() ? settings.address : settings.advertised) +
                ":" + std::to_string(mailbox_.port())),
      departure_timer_(executor) {}

ZmqTransport::~ZmqTransport() {
  stop();
}

void ZmqTransport::start(TransportListener& listener) {
  listener_ = &listener;
  Mailbox::Handlers handlers;
  handlers.on_message = [this](const NodeId& from, Frames frames) {
    if (listener_ != nullptr) listener_->on_message(from, std::move(frames));
  };
  handlers.on_connection_closed = [this](const NodeId& peer) { on_connection_closed(peer); };
  handlers.on_refused = [this](const std::string& address) {
    // While keys are changed a member may call with the other one first.
    const unsigned times = keys_->size() == 1 ? 1 : 5;
    tell_refused(address, times, "has another key than this herd, or none, and was refused");
  };
  mailbox_.start(std::move(handlers));
}

void ZmqTransport::stop() {
  listener_ = nullptr;
  departure_timer_.cancel();
  departed_.clear();
  for (const auto& [peer, link] : links_) link->close(limits::bus_linger_ms);
  links_.clear();
  mailbox_.close();
}

bool ZmqTransport::connect(const NodeId& peer, const std::string& endpoint) {
  if (!is_tcp_endpoint(endpoint)) return false;
  links_.erase(peer);
  forget_departure(peer);
  PeerLink::Handlers handlers;
  handlers.on_broken = [this, peer](const std::string& reason) { report(peer, reason); };
  handlers.on_refused = [this, endpoint] {
    tell_refused(endpoint, 1, "refuses the key of this herd: it has another, or none");
  };
  links_.emplace(peer, std::make_unique<PeerLink>(executor_, context_, identity_, endpoint, keys_,
                                                  std::move(handlers)));
  return true;
}

bool ZmqTransport::send(const NodeId& peer, Frames frames) {
  const auto link = links_.find(peer);
  if (link == links_.end() || frames.empty()) return false;
  if (link->second->send(std::move(frames))) return true;
  links_.erase(link);
  report_later(peer, "more than " + std::to_string(limits::bus_peer_queue_bytes >> 20) +
                         " MB were waiting to be sent");
  return true;
}

std::size_t ZmqTransport::unsent_bytes(const NodeId& peer) const {
  const auto link = links_.find(peer);
  return link == links_.end() ? 0 : link->second->unsent_bytes();
}

void ZmqTransport::disconnect(const NodeId& peer) {
  const auto link = links_.find(peer);
  if (link == links_.end()) return;
  link->second->close(limits::bus_linger_ms);
  links_.erase(link);
  forget_departure(peer);
}

void ZmqTransport::on_connection_closed(const NodeId& peer) {
  const auto now = std::chrono::steady_clock::now();
  const auto link = links_.find(peer);
  if (link == links_.end() || now - link->second->since() < young_link) return;
  departed_.push_back({peer, now + departure_grace});
  if (departed_.size() == 1) report_departed();
}

/// Reports those whose grace is over, and sets the timer for the next.
void ZmqTransport::report_departed() {
  const auto now = std::chrono::steady_clock::now();
  while (!departed_.empty() && departed_.front().report_at <= now) {
    const NodeId peer = departed_.front().peer;
    departed_.erase(departed_.begin());
    if (links_.contains(peer) && !mailbox_.is_connected(peer))
      report(peer, "the peer closed its connection");
  }
  if (departed_.empty()) return;
  departure_timer_.expires_at(departed_.front().report_at);
  departure_timer_.async_wait(
      [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
        if (!error && !alive.expired()) report_departed();
      });
}

void ZmqTransport::forget_departure(const NodeId& peer) {
  std::erase_if(departed_, [&](const Departed& departed) { return departed.peer == peer; });
}

/// From inside a call into the transport: the listener is told in the next turn.
void ZmqTransport::report_later(const NodeId& peer, std::string reason) {
  asio::post(executor_,
             [this, peer, text = std::move(reason), alive = std::weak_ptr(alive_)]() mutable {
               // A link made meanwhile is another one, and not broken.
               if (alive.expired() || links_.contains(peer)) return;
               report(peer, text);
             });
}

void ZmqTransport::report(const NodeId& peer, const std::string& reason) {
  // The link is destroyed here, perhaps while it is on the call stack: nothing of it is used after.
  links_.erase(peer);
  log_->debug("link closed peer={} reason=\"{}\"", peer.short_hex(), reason);
  if (listener_ != nullptr) listener_->on_link_closed(peer, reason);
}

/// Once for each: it goes on for as long as it is not mended.
void ZmqTransport::tell_refused(const std::string& whom, unsigned times, const char* text) {
  if (whom.empty() || !told_.is_time(whom, times)) return;
  log_->warn("peer with another key address={} key={}: it {}", whom, keys_->id(), text);
}

}  // namespace dockherd::bus
