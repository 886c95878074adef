#include "bus/bus_core.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/counted.hpp"
#include "base/limits.hpp"

namespace dockherd::bus {

namespace {

/// What an envelope adds to a body, at most.
constexpr std::size_t envelope_bytes = 65'536;
/// The loop looks at its deadlines at least this often, so that a sleep has an end.
constexpr std::chrono::minutes longest_sleep{10};

MembershipSettings membership_settings(BusSettings settings, std::string endpoint) {
  MembershipSettings made;
  made.id = settings.id;
  made.name = std::move(settings.name);
  made.endpoint = std::move(endpoint);
  made.herd = std::move(settings.herd);
  made.headers = std::move(settings.headers);
  made.liveness = settings.liveness;
  return made;
}

bool too_long(const std::string& body) {
  return body.size() + envelope_bytes > limits::bus_message_bytes;
}

}  // namespace

EventBus::Core::Core(asio::any_io_executor loop, Clock& time, Transport& wires,
                     std::vector<Discovery*> finders, const BusSettings& settings,
                     std::uint64_t seed, Logger logger)
    : executor(loop),
      clock(time),
      transport(wires),
      discoveries(std::move(finders)),
      self(settings.id),
      membership(membership_settings(settings, wires.endpoint()), seed),
      pending(std::mt19937_64(seed)() >> 16),
      server(loop, logger),
      tasks(loop, logger),
      log(std::move(logger)) {}

// ---- what ports say

void EventBus::Core::on_message(const NodeId& from, Frames frames) {
  ++counters.messages_received;
  const std::uint64_t malformed_before = membership.malformed();
  membership.message(from, std::move(frames), clock.now(), transport.address_of(from));
  counters.malformed += membership.malformed() - malformed_before;
  act();
}

void EventBus::Core::on_link_closed(const NodeId& peer, const std::string& reason) {
  membership.link_closed(peer, reason, clock.now());
  act();
}

void EventBus::Core::on_sighting(const NodeId& peer, const std::string& endpoint) {
  membership.sighting(peer, endpoint, clock.now());
  act();
}

void EventBus::Core::on_departure(const NodeId& peer) {
  membership.departure_hint(peer, clock.now());
  act();
}

// ---- what membership decided

/// A listener may call the bus from inside: what follows from that has its turn after what was
/// decided before, or messages would leave out of sequence.
void EventBus::Core::act() {
  if (acting > 0) return;
  {
    const Counted turn(acting);
    carry_out_all();
  }
  wake_for_earlier_deadline();
}

void EventBus::Core::carry_out_all() {
  for (auto actions = membership.take_actions(); !actions.empty();
       actions = membership.take_actions()) {
    for (MembershipAction& action : actions) {
      std::visit([this](auto& each) { carry_out(std::move(each)); }, action);
    }
  }
}

void EventBus::Core::carry_out(Connect&& action) {
  gone_links.erase(action.link);
  if (transport.connect(action.link, action.endpoint)) return;
  gone_links.insert(action.link);
  membership.link_closed(action.link, "its endpoint cannot be used", clock.now());
}

void EventBus::Core::carry_out(Disconnect&& action) {
  gone_links.erase(action.link);
  transport.disconnect(action.link);
}

void EventBus::Core::carry_out(Send&& action) {
  // What was decided before membership knew that the link is gone says nothing of the next link.
  if (gone_links.contains(action.link)) return;
  ++counters.messages_sent;
  if (transport.send(action.link, std::move(action.frames))) return;
  gone_links.insert(action.link);
  membership.link_closed(action.link, "its link is gone", clock.now());
}

void EventBus::Core::carry_out(PeerJoined&& action) {
  ++counters.peers_joined;
  log->info("peer joined name={} id={} endpoint={} agent={}", loggable(action.peer.name),
            action.peer.id.short_hex(), action.peer.endpoint, action.peer.is_agent);
  if (listener != nullptr) listener->on_peer_joined(action.peer);
}

void EventBus::Core::carry_out(PeerLost&& action) {
  ++counters.peers_lost;
  log->info("peer lost name={} id={} reason=\"{}\"", loggable(action.peer.name),
            action.peer.id.short_hex(), action.reason);
  for (WaiterPointer& waiter : pending.take_of(action.peer.id)) {
    complete(
        std::move(waiter),
        Error(errc::peer_lost, "the node was lost: " + action.reason).at_node(action.peer.name));
  }
  if (listener != nullptr) listener->on_peer_lost(action.peer, action.reason);
}

void EventBus::Core::carry_out(PeerRefused&& action) {
  ++counters.peers_refused;
  log->log(action.suspicious ? spdlog::level::warn : spdlog::level::info,
           "peer refused name={} id={} endpoint={} reason=\"{}\"", loggable(action.peer.name),
           action.peer.id.short_hex(), action.peer.endpoint, loggable(action.reason, 256));
}

void EventBus::Core::carry_out(SessionRenewed&& action) {
  log->debug("session renewed name={} id={}", loggable(action.peer.name),
             action.peer.id.short_hex());
  if (listener != nullptr) listener->on_session_renewed(action.peer);
}

/// Foreign peers are told of what they have misspelt.
UnknownKeys EventBus::Core::unknown_keys_of(const NodeId& from) const {
  return membership.is_agent(from) ? UnknownKeys::ignored : UnknownKeys::refused;
}

void EventBus::Core::carry_out(WhisperReceived&& action) {
  Envelope envelope = decode_envelope(action.text, unknown_keys_of(action.from));
  if (auto* reply = std::get_if<ReplyEnvelope>(&envelope)) {
    on_reply(action.from, std::move(*reply));
  } else if (auto* request = std::get_if<RequestEnvelope>(&envelope)) {
    on_request(action.from, "", std::move(*request));
  } else if (const auto* notice = std::get_if<NoticeEnvelope>(&envelope)) {
    on_notice(action.from, *notice);
  } else if (const auto* fault = std::get_if<EnvelopeFault>(&envelope)) {
    on_fault(action.from, false, *fault);
  } else {
    ++counters.malformed;
  }
}

void EventBus::Core::carry_out(ShoutReceived&& action) {
  Envelope envelope = decode_envelope(action.text, unknown_keys_of(action.from));
  if (auto* request = std::get_if<RequestEnvelope>(&envelope)) {
    on_request(action.from, action.group, std::move(*request));
  } else if (const auto* notice = std::get_if<NoticeEnvelope>(&envelope)) {
    on_notice(action.from, *notice);
  } else if (const auto* fault = std::get_if<EnvelopeFault>(&envelope)) {
    on_fault(action.from, true, *fault);
  } else {
    ++counters.malformed;
  }
}

// ---- what peers want

void EventBus::Core::on_request(const NodeId& from, const std::string& group,
                                RequestEnvelope&& request) {
  if (!group.empty() && !is_for_us(from, group, request)) return;
  IncomingRequest incoming;
  incoming.from = from;
  incoming.address = group;
  incoming.local = request.local;
  incoming.deadline = clock.now() + request.timeout.value_or(longest_request_timeout);
  incoming.deadline_given = request.timeout.has_value();
  incoming.body = std::move(request.body);
  auto respond = [this, from, id = std::move(request.id)](Reply reply) {
    send_reply(from, id, std::move(reply));
  };
  server.serve(std::move(incoming), std::move(respond));
  wake_for_earlier_deadline();
}

/// Of several that were addressed, one acts where one is wanted. Foreign peers may be members of
/// the group, too, but they serve no verbs.
bool EventBus::Core::is_for_us(const NodeId& from, const std::string& group,
                               const RequestEnvelope& request) {
  if (!request.deliver_one) return true;
  std::vector<NodeId> nodes = request.one_of;
  if (nodes.empty()) {
    nodes = membership.addresses().members(group);
    std::erase_if(nodes, [this, &from](const NodeId& node) {
      return node == from || (node != self && !membership.is_agent(node));
    });
  }
  return rendezvous(request.id.value_or(""), nodes) == self;
}

void EventBus::Core::on_reply(const NodeId& from, ReplyEnvelope&& reply) {
  if (!reply.id) return;
  const std::optional<std::uint64_t> id = parse_request_id(*reply.id);
  auto waiter = id ? pending.take(*id, from) : std::nullopt;
  // A late reply, or one that was failed by the loss of a session: nobody waits any more.
  if (waiter) complete(std::move(*waiter), Reply(reply.status, std::move(reply.body)));
}

void EventBus::Core::on_notice(const NodeId& from, const NoticeEnvelope& notice) {
  if (listener == nullptr || !membership.is_agent(from)) return;
  listener->on_notice(from, notice.topic, notice.body);
}

/// Text in a group that cannot be read may be somebody else's; what names a field of ours is not.
void EventBus::Core::on_fault(const NodeId& from, bool shouted, const EnvelopeFault& fault) {
  ++counters.malformed;
  if (!fault.of_request || (shouted && fault.error.field.empty())) return;
  send_reply(from, fault.id, Reply(400, error_body(fault.error)));
}

void EventBus::Core::send_reply(const NodeId& to, std::optional<std::string> id, Reply reply) {
  ReplyEnvelope envelope;
  envelope.id = std::move(id);
  envelope.status = reply.status;
  envelope.body = std::move(reply.body);
  if (too_long(envelope.body)) {
    envelope.status = 413;
    envelope.body = error_body(Error(errc::too_large, "the answer is too long for one message"));
  } else if (envelope.body.size() > limits::bus_small_reply_bytes && is_crowded(to)) {
    // Long ones are lists and inspections, which have changed nothing. More of them than the peer
    // takes would end the link, and with it the peer's place in the herd.
    envelope.status = 503;
    envelope.body = error_body(Error(errc::busy, "too many answers wait to be sent to this node"));
  }
  membership.whisper(to, encode_reply(envelope));
  act();
}

// ---- what we want of peers

/// By bytes: a peer may be slow to read, or its link to carry.
bool EventBus::Core::is_crowded(const NodeId& peer) const {
  return transport.unsent_bytes(peer) > limits::bus_crowded_bytes;
}

std::uint64_t EventBus::Core::begin_request(const NodeId& to, std::string body,
                                            const RequestTerms& terms, WaiterPointer waiter) {
  const std::uint64_t id = pending.new_id();
  waiter->to = to;
  if (!running) {
    complete(std::move(waiter), Error(errc::not_sent, "the bus is not running"));
  } else if (pending.full()) {
    complete(std::move(waiter), Error(errc::busy, "too many requests wait for a reply"));
  } else if (too_long(body)) {
    complete(std::move(waiter), Error(errc::too_large, "the request is too long for one message"));
  } else if (to == self) {
    serve_own(id, std::move(body), terms, std::move(waiter));
  } else if (terms.lane == Lane::work &&
             (pending.size_of(to) >= limits::bus_requests_to_peer || is_crowded(to))) {
    complete(std::move(waiter),
             Error(errc::busy, "this node has as much before it as it is given at once"));
  } else {
    send_request(id, to, std::move(body), terms, std::move(waiter));
  }
  return id;
}

void EventBus::Core::send_request(std::uint64_t id, const NodeId& to, std::string body,
                                  const RequestTerms& terms, WaiterPointer waiter) {
  RequestEnvelope request;
  request.id = std::to_string(id);
  request.timeout = std::clamp(milliseconds_until(clock.now(), terms.deadline),
                               std::chrono::milliseconds(1), longest_request_timeout);
  request.local = terms.local;
  request.body = std::move(body);
  if (membership.whisper(to, encode_request(request))) act();
  // Not ready before, or its link turned out to be gone: it never left.
  if (!membership.is_ready(to)) {
    complete(std::move(waiter), Error(errc::not_sent, "the node is not reachable"));
    return;
  }
  pending.add(id, to, terms.deadline, std::move(waiter));
  wake_for_earlier_deadline();
}

void EventBus::Core::serve_own(std::uint64_t id, std::string body, const RequestTerms& terms,
                               WaiterPointer waiter) {
  pending.add(id, self, terms.deadline, std::move(waiter));
  IncomingRequest request;
  request.from = self;
  request.local = terms.local;
  request.deadline = terms.deadline;
  request.body = std::move(body);
  auto respond = [this, id](Reply reply) {
    if (auto found = pending.take(id)) complete(std::move(*found), std::move(reply));
  };
  server.serve(std::move(request), std::move(respond));
  wake_for_earlier_deadline();
}

void EventBus::Core::cancel_request(std::uint64_t id) {
  auto waiter = pending.take(id);
  if (!waiter) return;
  (*waiter)->canceled = true;
  complete(std::move(*waiter), Error(errc::canceled, "the request was given up"));
}

/// Posted, so that nobody is resumed from inside a call into the bus.
void EventBus::Core::complete(WaiterPointer waiter, Result<Reply> result) {
  waiter->release();
  auto resume = [held = std::move(waiter), outcome = std::move(result)]() mutable {
    const WaiterPointer running_out = std::move(held);
    running_out->complete(std::move(outcome));
  };
  asio::post(executor, std::move(resume));
}

// ---- time

TimePoint EventBus::Core::next_deadline() const {
  return std::min({membership.next_deadline(), pending.next_deadline(), server.next_deadline()});
}

void EventBus::Core::wake_for_earlier_deadline() {
  const TimePoint deadline = next_deadline();
  if (deadline >= sleeping_until) return;
  sleeping_until = TimePoint::min();
  wake();
}

void EventBus::Core::wake() {
  if (sleep_cancellation) sleep_cancellation->emit();
}

asio::awaitable<void> EventBus::Core::keep_deadlines() {
  while (running) {
    tick();
    sleeping_until = std::min(next_deadline(), clock.now() + longest_sleep);
    sleep_cancellation.emplace();
    auto sleep = sleep_cancellation->guard(clock.sleep_until(sleeping_until));
    auto token = asio::bind_cancellation_slot(sleep_cancellation->slot(),
                                              asio::as_tuple(asio::use_awaitable));
    co_await asio::co_spawn(executor, std::move(sleep), std::move(token));
    // Where what is dispatched is queued, the signal may still be on its way, and is for this
    // sleep.
    if (sleep_cancellation->emitted()) co_await asio::post(executor, asio::use_awaitable);
    sleeping_until = TimePoint::min();
  }
}

void EventBus::Core::tick() {
  const TimePoint now = clock.now();
  membership.tick(now);
  act();
  for (WaiterPointer& waiter : pending.take_expired(now)) {
    if (waiter->to != self) membership.doubt(waiter->to, now);
    complete(std::move(waiter), Error(errc::timeout, "no answer before the deadline"));
  }
  server.tick(now);
  act();
}

}  // namespace dockherd::bus
