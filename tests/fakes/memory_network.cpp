#include "tests/fakes/memory_network.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <numeric>

#include "base/limits.hpp"

namespace dockherd::fakes {

using namespace std::chrono_literals;
using bus::Frames;
using Touches = VirtualTime::Touches;

struct MemoryNetwork::Mailbox {
  Mailbox(Host number, NodeId id, asio::io_context& loop)
      : host(number), self(id), endpoint(endpoint_of(number)), context(loop) {}

  Host host;
  NodeId self;
  std::string endpoint;
  asio::io_context& context;
  bus::TransportListener* listener = nullptr;
  bool open = false;
  std::map<NodeId, LinkPointer> links;
  std::set<NodeId> lost;  // Known to have no link since the last one ended.
  // The newest link of each sender; it takes over from older ones (ROUTER_HANDOVER).
  std::map<NodeId, std::weak_ptr<Link>> inbound;
};

/// From the mailbox that opened it to one peer. `broken` drops what is in flight.
struct MemoryNetwork::Link {
  std::shared_ptr<Mailbox> owner;
  std::weak_ptr<Mailbox> target;  // Set when established.
  NodeId peer;
  std::string endpoint;
  Host to = 0;
  TimePoint made;
  bool established = false;
  bool lingering = false;  // Given up by its owner; what is queued may still leave.
  bool broken = false;
  bool closing = false;  // Its end has been noticed and is on the way to the owner.
  std::deque<Frames> held;
  std::size_t held_bytes = 0;
  std::uint64_t generation = 0;  // Of the held queue: counts how often it was emptied.
  bool stalled = false;          // By a cut, until TCP's next try after it has healed.
  TimePoint stalled_since;
  TimePoint last_arrival;

  bool dead() const { return broken || (lingering && held.empty()); }
};

namespace {

std::size_t size_of(const Frames& frames) {
  return std::accumulate(frames.begin(), frames.end(), std::size_t{0},
                         [](std::size_t sum, const std::string& f) { return sum + f.size(); });
}

/// 0 when the endpoint is not one of this network.
Host host_of(const std::string& endpoint) {
  constexpr std::string_view prefix = "tcp://10.0.";
  if (!endpoint.starts_with(prefix)) return 0;
  const std::size_t dot = endpoint.find('.', prefix.size());
  if (dot == std::string::npos) return 0;
  return std::atoi(endpoint.c_str() + prefix.size()) * 256 + std::atoi(endpoint.c_str() + dot + 1);
}

// As bus::ZmqTransport: a peer that closed its connection may be about to open another.
constexpr Duration departure_grace = 200ms;
// As there: a link that is younger was made because of what ended, and goes to what came after.
constexpr Duration young_link = 1000ms;
// RFC 6298 as Linux has it: the timer of retransmissions, doubled by each one.
constexpr Duration first_retransmission = 200ms;
constexpr Duration longest_retransmission = 120s;
// As bus::PeerLink: a connection that is not up is begun anew at least so often.
constexpr Duration slowest_redial = 1600ms;

TimePoint next_retransmission(TimePoint stalled_since, TimePoint now) {
  Duration timer = first_retransmission;
  TimePoint next = stalled_since + timer;
  while (next < now) {
    timer = std::min(2 * timer, longest_retransmission);
    next += timer;
  }
  return next;
}

std::string path(Host from, Host to) {
  return std::to_string(from) + ">" + std::to_string(to);
}

}  // namespace

MemoryNetwork::MemoryNetwork(VirtualTime& time, NetworkSettings settings)
    : time_(time), settings_(settings), random_(settings.random_seed) {}

MemoryNetwork::~MemoryNetwork() = default;

std::string MemoryNetwork::endpoint_of(Host host) {
  return "tcp://10.0." + std::to_string(host / 256) + "." + std::to_string(host % 256) + ":49152";
}

Duration MemoryNetwork::draw(Duration low, Duration high) {
  if (high <= low) return low;
  const auto span = static_cast<std::uint64_t>((high - low).count());
  return low + Duration(static_cast<Duration::rep>(random_() % (span + 1)));
}

bool MemoryNetwork::chance(double probability) {
  // No draw when it cannot happen: a calm network costs nothing.
  if (probability <= 0) return false;
  return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

Duration MemoryNetwork::latency(Host from, Host to) {
  Duration result = draw(settings_.latency_low, settings_.latency_high);
  for (const Host host : {from, to}) {
    const auto found = delays_.find(host);
    if (found != delays_.end()) result += found->second;
  }
  return result;
}

void MemoryNetwork::trace(const std::string& text) {
  const auto now = std::to_string(time_.elapsed().count());
  add_to_trace(now);
  add_to_trace(text);
  if (tracer) tracer(now + " " + text);
}

void MemoryNetwork::add_to_trace(std::string_view text) {
  for (const char c : text) {
    trace_hash_ = (trace_hash_ ^ static_cast<unsigned char>(c)) * 1099511628211u;  // FNV-1a
  }
}

Traffic MemoryNetwork::traffic(Host host) const {
  const auto found = traffic_.find(host);
  return found == traffic_.end() ? Traffic{} : found->second;
}

void MemoryNetwork::cut(Host from, Host to) {
  cuts_.insert({from, to});
}

void MemoryNetwork::heal(Host from, Host to) {
  if (cuts_.erase({from, to}) == 0) return;
  for (const LinkPointer& link : std::vector<LinkPointer>(links_)) {
    const bool forth = link->owner->host == from && link->to == to;
    const bool back = link->owner->host == to && link->to == from;
    if (!link->broken && (forth || back)) healed(link, forth);
  }
}

void MemoryNetwork::plug_in(Host host) {
  if (unplugged_.erase(host) == 0) return;
  for (const LinkPointer& link : std::vector<LinkPointer>(links_)) {
    const bool ours = link->owner->host == host || link->to == host;
    if (!link->broken && ours) healed(link, true);
  }
}

/// `forth`: it is the way of the link's own messages that has healed.
void MemoryNetwork::healed(const LinkPointer& link, bool forth) {
  if (link->stalled && forth) {
    time_.at(
        next_retransmission(link->stalled_since, time_.now()), [this, link] { retransmit(link); },
        Touches::none);
  }
  const Duration pause = draw(0ms, link->established ? Duration(400ms) : slowest_redial);
  time_.after(
      pause, [this, link] { look_after_heal(link); }, Touches::none);
}

void MemoryNetwork::look_after_heal(const LinkPointer& link) {
  if (!link->established) return dial(link);
  const auto target = link->target.lock();
  if (!target || !target->open) target_ended(link);
  pump(link);
}

void MemoryNetwork::retransmit(const LinkPointer& link) {
  if (is_cut(link->owner->host, link->to)) return;  // heal() comes again.
  link->stalled = false;
  pump(link);
}

void MemoryNetwork::heal_all() {
  const auto cuts = cuts_;
  for (const auto& [from, to] : cuts) heal(from, to);
}

void MemoryNetwork::break_link(Host from, Host to) {
  for (const LinkPointer& link : std::vector<LinkPointer>(links_)) {
    if (link->owner->host != from || link->to != to || link->broken || !link->established) continue;
    link->broken = true;
    report_closed(link, "reset");
    source_ended(link);
  }
}

void MemoryNetwork::delay(Host host, Duration extra) {
  if (extra <= Duration::zero()) {
    delays_.erase(host);
  } else {
    delays_[host] = extra;
  }
}

void MemoryNetwork::power_off(Host host) {
  dark_.insert(host);
  for (const LinkPointer& link : links_) {
    if (link->owner->host == host) link->broken = true;
  }
}

void MemoryNetwork::open(const MailboxPointer& mailbox) {
  dark_.erase(mailbox->host);
  mailbox->open = true;
  mailboxes_[mailbox->endpoint] = mailbox;
}

void MemoryNetwork::close(Mailbox& mailbox) {
  if (!mailbox.open) return;
  mailbox.open = false;
  mailbox.listener = nullptr;
  mailboxes_.erase(mailbox.endpoint);
  for (const auto& [peer, link] : mailbox.links) linger(link);
  mailbox.links.clear();
  if (dark_.contains(mailbox.host)) return;
  for (const LinkPointer& link : std::vector<LinkPointer>(links_)) {
    if (link->established && link->target.lock().get() == &mailbox) target_ended(link);
  }
}

void MemoryNetwork::target_ended(const LinkPointer& link) {
  // The kernel of the dead process closes the connection; held back by a cut, heal() asks again.
  if (link->dead() || dark_.contains(link->to) || is_cut(link->to, link->owner->host)) return;
  report_closed(link, "closed by peer");
}

void MemoryNetwork::report_closed(const LinkPointer& link, const std::string& reason) {
  if (link->closing || link->lingering) return;
  link->closing = true;
  const auto notice = [this, link, reason] {
    link->broken = true;
    const MailboxPointer owner = link->owner;
    if (!owner->open) return;  // The process may be gone, and its context with it.
    asio::post(owner->context, [this, owner, link, reason] {
      const auto found = owner->links.find(link->peer);
      if (!owner->open || found == owner->links.end() || found->second != link) return;
      owner->links.erase(found);
      owner->lost.insert(link->peer);
      trace(path(owner->host, link->to) + " link closed: " + reason);
      owner->listener->on_link_closed(link->peer, reason);
    });
    time_.touch(owner->context);
  };
  time_.after(latency(link->to, link->owner->host), notice, Touches::none);
}

void MemoryNetwork::source_ended(const LinkPointer& link) {
  if (!link->established || dark_.contains(link->owner->host)) return;
  const Duration way = latency(link->owner->host, link->to);
  auto look = [this, link, noticed = time_.now() + way] {
    const MailboxPointer target = link->target.lock();
    if (!target || !target->open) return;
    if (is_cut(link->owner->host, link->to)) {
      time_.after(
          500ms, [this, link] { source_ended(link); }, Touches::none);
      return;
    }
    const bool taken_over = target->inbound[link->owner->self].lock() != link;
    const auto back = target->links.find(link->owner->self);
    if (taken_over || back == target->links.end()) return;
    if (noticed - back->second->made >= young_link) {
      report_closed(back->second, "the peer closed its connection");
    }
  };
  time_.after(way + departure_grace, std::move(look), Touches::none);
}

void MemoryNetwork::sweep() {
  if (links_.size() < sweep_at_) return;
  std::erase_if(links_, [](const LinkPointer& link) { return link->dead(); });
  sweep_at_ = std::max<std::size_t>(64, links_.size() * 2);
}

void MemoryNetwork::dial(const LinkPointer& link) {
  if (link->dead() || link->established) return;
  const Host from = link->owner->host;
  if (is_cut(from, link->to) || is_cut(link->to, from)) return;  // heal() dials again.
  const Duration round_trip = latency(from, link->to) + latency(link->to, from);
  time_.after(
      round_trip, [this, link] { establish(link); }, Touches::none);
}

void MemoryNetwork::establish(const LinkPointer& link) {
  if (link->dead() || link->established) return;
  const auto found = mailboxes_.find(link->endpoint);
  if (found == mailboxes_.end()) {
    time_.after(
        100ms, [this, link] { dial(link); }, Touches::none);  // Refused.
    return;
  }
  link->established = true;
  link->target = found->second;
  auto& newest = found->second->inbound[link->owner->self];
  // Whoever comes later takes over, and the mailbox closes the connection of the other.
  if (const LinkPointer older = newest.lock()) report_closed(older, "taken over");
  newest = link;
  pump(link);
}

void MemoryNetwork::pump(const LinkPointer& link) {
  if (link->broken || !link->established || link->stalled || link->held.empty()) return;
  const Host from = link->owner->host;
  if (is_cut(from, link->to)) {
    link->stalled = true;
    link->stalled_since = time_.now();
    const auto generation = link->generation;
    time_.after(
        settings_.link_patience, [this, link, generation] { give_up_if_held(link, generation); },
        Touches::none);
    return;
  }
  ++link->generation;
  link->held_bytes = 0;
  for (Frames& frames : link->held) {
    const TimePoint arrival = std::max(link->last_arrival, time_.now() + latency(from, link->to));
    link->last_arrival = arrival;
    time_.at(
        arrival, [this, link, message = std::move(frames)] { arrive(link, message); },
        Touches::none);
  }
  link->held.clear();
}

void MemoryNetwork::give_up_if_held(const LinkPointer& link, std::uint64_t generation) {
  if (link->generation != generation || link->held.empty() || link->broken) return;
  link->broken = true;
  report_closed(link, "timed out");
  source_ended(link);
}

void MemoryNetwork::arrive(const LinkPointer& link, const Frames& frames) {
  if (link->broken) return;
  const MailboxPointer target = link->target.lock();
  const Host from = link->owner->host;
  if (!target || !target->open) {
    // A host that is up answers with a reset; one without power says nothing.
    if (!dark_.contains(link->to)) target_ended(link);
    return;
  }
  if (target->inbound[link->owner->self].lock() != link) return;
  std::string text = path(from, link->to);
  for (const std::string& frame : frames) text += " " + frame;
  trace(text);
  Frames taken = frames;
  if (on_arrival) on_arrival(target->host, taken);
  asio::post(target->context,
             [target, peer = link->owner->self, message = std::move(taken)]() mutable {
               if (target->open) target->listener->on_message(peer, std::move(message));
             });
  time_.touch(target->context);
}

void MemoryNetwork::linger(const LinkPointer& link) {
  link->lingering = true;
  // As bus::PeerLink: until it is up nothing has been given to the kernel.
  if (!link->established) link->held.clear();
  if (link->broken) return;
  auto end = [this, link] {
    link->held.clear();
    source_ended(link);
  };
  time_.after(link->held.empty() ? 0ms : 100ms, std::move(end), Touches::none);
}

MemoryTransport::MemoryTransport(MemoryNetwork& network, asio::io_context& context, Host host,
                                 NodeId self)
    : network_(network), mailbox_(std::make_shared<MemoryNetwork::Mailbox>(host, self, context)) {}

MemoryTransport::~MemoryTransport() {
  network_.close(*mailbox_);
}

void MemoryTransport::start(bus::TransportListener& listener) {
  mailbox_->listener = &listener;
  network_.open(mailbox_);
}

void MemoryTransport::stop() {
  network_.close(*mailbox_);
}

std::string MemoryTransport::endpoint() const {
  return mailbox_->endpoint;
}

std::size_t MemoryTransport::links() const {
  return mailbox_->links.size();
}

bool MemoryTransport::connect(const NodeId& peer, const std::string& endpoint) {
  const Host to = host_of(endpoint);
  if (to == 0 || !mailbox_->open) return false;
  disconnect(peer);
  auto link = std::make_shared<MemoryNetwork::Link>();
  link->owner = mailbox_;
  link->peer = peer;
  link->endpoint = endpoint;
  link->to = to;
  link->made = network_.time_.now();
  mailbox_->links[peer] = link;
  mailbox_->lost.erase(peer);
  network_.sweep();
  network_.links_.push_back(link);
  network_.dial(link);
  return true;
}

bool MemoryTransport::send(const NodeId& peer, Frames frames) {
  // What a process does while it is destroyed, as give a claim back, is not to set it in motion.
  if (!mailbox_->open) return true;
  const auto found = mailbox_->links.find(peer);
  if (found == mailbox_->links.end()) {
    if (mailbox_->lost.contains(peer)) {
      network_.sends_to_lost_peers_.push_back(std::to_string(network_.time_.elapsed() / 1ms) +
                                              " ms: host " + std::to_string(mailbox_->host) +
                                              " sent to the lost peer " + peer.short_hex());
    }
    return false;
  }
  const auto& link = found->second;
  if (network_.on_departure) network_.on_departure(mailbox_->host, link->to, frames);
  Traffic& traffic = network_.traffic_[mailbox_->host];
  ++traffic.messages;
  traffic.bytes += size_of(frames);
  if (link->broken) return true;  // Into a buffer that nobody will read.
  link->held_bytes += size_of(frames);
  link->held.push_back(std::move(frames));
  if (link->held_bytes > limits::bus_peer_queue_bytes) {
    link->broken = true;
    network_.report_closed(link, "queue full");
    return true;
  }
  network_.pump(link);
  return true;
}

std::size_t MemoryTransport::unsent_bytes(const NodeId& peer) const {
  const auto found = mailbox_->links.find(peer);
  return found == mailbox_->links.end() ? 0 : found->second->held_bytes;
}

void MemoryTransport::disconnect(const NodeId& peer) {
  const auto found = mailbox_->links.find(peer);
  if (found == mailbox_->links.end()) return;
  network_.linger(found->second);
  mailbox_->links.erase(found);
  mailbox_->lost.insert(peer);
}

std::string_view MemoryTransport::address_of(const NodeId& peer) const {
  const auto found = mailbox_->inbound.find(peer);
  const auto link = found == mailbox_->inbound.end() ? nullptr : found->second.lock();
  if (!link) return {};
  const std::string endpoint = MemoryNetwork::endpoint_of(link->owner->host);
  const auto start = std::string_view("tcp://").size();
  address_ = endpoint.substr(start, endpoint.rfind(':') - start);
  return address_;
}

}  // namespace dockherd::fakes
