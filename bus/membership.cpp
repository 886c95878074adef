#include "bus/membership.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "bus/endpoint.hpp"
#include "bus/envelope.hpp"

namespace dockherd::bus {

namespace {

using std::chrono::seconds;

constexpr seconds remember_sighting{10};
constexpr seconds fresh_hello{2};
constexpr int most_checks = 2;
constexpr std::size_t most_remembered = 1024;
/// Some deployed peers count modulo 65535 instead of 65536.
constexpr std::uint16_t early_wrap = 65'535;

}  // namespace

Membership::Membership(MembershipSettings settings, std::uint64_t seed)
    : settings_(std::move(settings)), liveness_(settings_.liveness, settings_.id, seed) {
  settings_.headers.insert_or_assign(std::string(header_herd), settings_.herd);
  std::string protocol(protocol_major);
  protocol.append(".").append(protocol_minor);
  settings_.headers.try_emplace(std::string(header_protocol), std::move(protocol));
}

bool RememberedIds::insert(const NodeId& id) {
  if (!ids_.insert(id).second) return false;
  order_.push_back(id);
  if (order_.size() > most_remembered) {
    ids_.erase(order_.front());
    order_.pop_front();
  }
  return true;
}

// ---- events

void Membership::sighting(const NodeId& id, const std::string& endpoint, TimePoint now) {
  if (closed_ || id == settings_.id || endpoint == settings_.endpoint) return;
  if (refused_.contains(id) || taken_over_.contains(id) || !is_usable_endpoint(endpoint)) return;
  auto it = peers_.find(id);
  if (it != peers_.end() && it->second.state != State::waiting) return;
  it = slot_for(id, endpoint, now);
  if (it == peers_.end()) return;
  Peer& peer = it->second;
  if (peer.info.endpoint != endpoint) peer.attempts = 0;
  const bool elsewhere = std::exchange(peer.info.endpoint, endpoint) != endpoint;
  peer.forget_at = std::max(peer.forget_at, now + remember_sighting);
  if (peer.state != State::waiting) return;  // It took over a dial that is under way.
  const bool paused = peer.hello_sent && now - *peer.hello_sent < shortest_dial_pause;
  // Who was here before is welcome at once; a sighting that never answered has to wait its turn.
  if (!peer.hello_sent || (!paused && (peer.was_ready || elsewhere))) dial(it, now);
}

void Membership::departure_hint(const NodeId& id, TimePoint now) {
  doubt(id, now);
}

void Membership::doubt(const NodeId& id, TimePoint now) {
  liveness_.doubt(id, now);
  apply_liveness(now);
}

void Membership::message(const NodeId& from, Frames frames, TimePoint now,
                         std::string_view sender_address) {
  if (closed_ || frames.empty() || from == settings_.id || refused_.contains(from)) return;
  auto message = decode_zre(frames.front());
  if (!message) {
    ++malformed_;
    return;
  }
  if (message->kind == ZreKind::hello) {
    if (!is_usable_endpoint(message->endpoint)) {
      message->endpoint = with_address(message->endpoint, sender_address);
    }
    on_hello(from, *message, now);
  } else if (const auto it = peers_.find(from); it == peers_.end()) {
    return;  // Nothing is accepted before HELLO.
  } else if (it->second.state == State::held) {
    keep(it, std::move(frames));
  } else if (it->second.state != State::ready) {
    on_stranger(it, now);
  } else if (!in_sequence(it->second, message->sequence)) {
    lose(it, "messages of it were lost", After::dial, now);
  } else {
    on_sequenced(it, *message, frames, now);
  }
  apply_liveness(now);
  settle_held(now);
}

void Membership::link_closed(const NodeId& link, const std::string& reason, TimePoint now) {
  const auto it = by_link(link);
  if (closed_ || it == peers_.end()) return;
  if (it->second.state == State::ready) {
    lose(it, reason, after_break(it->second, now), now);
  } else if (it->second.state == State::greeting) {
    wait_to_dial(it, now);
  } else if (it->second.state == State::refused) {
    erase(it);
  }
  settle_held(now);
}

void Membership::tick(TimePoint now) {
  if (closed_) return;
  while (!dues_.empty() && dues_.begin()->first <= now) {
    const auto it = peers_.find(dues_.begin()->second);
    drop_due(it);
    on_due(it, now);
  }
  liveness_.tick(now);
  apply_liveness(now);
  settle_held(now);
}

void Membership::on_due(Peers::iterator it, TimePoint now) {
  Peer& peer = it->second;
  switch (peer.state) {
    case State::waiting:
      if (now >= peer.forget_at) return erase(it);
      return dial(it, now);
    case State::greeting:
      actions_.emplace_back(Disconnect{peer.link});
      return wait_to_dial(it, now);
    case State::ready:
      if (peer.checks > most_checks) {
        return lose(it, "it does not take our HELLO", After::dial, now);
      }
      introduce_again(it, now);
      return check(it, now);
    case State::held:      // Who has its endpoint neither answers nor is lost: it may come again.
    case State::departed:  // No more sightings of it are on their way.
      return erase(it);
    case State::refused:
      actions_.emplace_back(Disconnect{peer.link});
      return erase(it);
  }
}

TimePoint Membership::next_deadline() const {
  if (closed_) return TimePoint::max();
  const TimePoint due = dues_.empty() ? TimePoint::max() : dues_.begin()->first;
  return std::min(due, liveness_.next_deadline());
}

// ---- messages

void Membership::on_hello(const NodeId& from, const ZreMessage& hello, TimePoint now) {
  if (hello.sequence != 1 || !is_usable_endpoint(hello.endpoint) ||
      hello.endpoint == settings_.endpoint || taken_over_.contains(from)) {
    ++malformed_;
    if (hello.endpoint == settings_.endpoint) remark(from, hello, "it claims our own endpoint");
    return;
  }
  if (auto refusal = refusal_of(hello)) return refuse(from, hello, std::move(*refusal), now);
  if (!is_ready(from) && ready_ >= limits::bus_peers) return;
  const auto incumbent = ready_at(hello.endpoint, from);
  if (incumbent) return hold(from, *incumbent, hello, now);
  replace_predecessor(from, hello.endpoint, now);
  const auto it = peers_.try_emplace(from).first;
  Peer& peer = it->second;
  if (peer.state == State::ready) return renew(it, hello, now);
  const bool greeted = peer.state == State::greeting && peer.info.endpoint == hello.endpoint;
  if (!greeted) {
    if (!peer.hello_sent) peer.link = from;
    peer.info.endpoint = hello.endpoint;
    introduce(it, now);
  }
  become_ready(it, hello, now);
}

/// HELLO from a ready peer: it began anew.
void Membership::renew(Peers::iterator it, const ZreMessage& hello, TimePoint now) {
  Peer& peer = it->second;
  const bool is_answer = peer.hello_unanswered && now - *peer.hello_sent < fresh_hello;
  const bool again = peer.renewed_at && now - *peer.renewed_at < fresh_hello;
  const bool fresh = (is_answer || again) && peer.info.endpoint == hello.endpoint;
  end_session(it, "it began a new session");
  peer.info.endpoint = hello.endpoint;
  if (!fresh) {
    introduce(it, now);
    peer.renewed_at = now;
  }
  become_ready(it, hello, now);
  if (fresh) check(it, now);
}

void Membership::become_ready(Peers::iterator it, const ZreMessage& hello, TimePoint now) {
  drop_due(it);
  Peer& peer = it->second;
  peer.state = State::ready;
  peer.expected = 2;
  peer.hello_unanswered = false;
  peer.attempts = 0;
  peer.checks = 0;
  peer.was_ready = true;
  peer.info.id = it->first;
  peer.info.name = hello.name;
  peer.info.headers = hello.headers;
  peer.info.is_agent = hello.headers.contains(std::string(header_version));
  ++ready_;
  for (const std::string& group : hello.groups) addresses_.join(group, it->first);
  liveness_.add(it->first, peer.info.is_agent, now);
  actions_.emplace_back(PeerJoined{peer.info});
}

/// A message from somebody who has a session with us while we have none with it.
void Membership::on_stranger(Peers::iterator it, TimePoint now) {
  Peer& peer = it->second;
  if (peer.state != State::waiting) return;
  if (peer.hello_sent && now - *peer.hello_sent < shortest_dial_pause) return;
  dial(it, now);
}

void Membership::on_sequenced(Peers::iterator it, const ZreMessage& message, Frames& frames,
                              TimePoint now) {
  const NodeId& from = it->first;
  if (message.kind == ZreKind::ping_ok) {
    if (std::exchange(it->second.checks, 0) > 0) drop_due(it);
    turn_away_from(from);
    return liveness_.answered(from, now);
  }
  liveness_.heard(from, now);
  switch (message.kind) {
    case ZreKind::ping:
      return send(it->second, zre_message(ZreKind::ping_ok));
    case ZreKind::whisper:
      return on_whisper(it, frames, now);
    case ZreKind::shout:
      // Some peers send to everybody and leave the choice to the receiver.
      if (frames.size() > 1 && addresses_.is_member(message.group, settings_.id)) {
        actions_.emplace_back(ShoutReceived{from, message.group, std::move(frames[1])});
      }
      return;
    case ZreKind::join:
    case ZreKind::leave:
      return on_group_change(it, message);
    case ZreKind::goodbye:
      return lose(it, std::string(reason_goodbye), After::depart, now);
    default:
      return;  // ELECT and LEADER count in the sequence and mean nothing to us.
  }
}

/// The status counts joins and leaves. Some deployed peers wrap it early; it is never a reason to
/// doubt the message, which has its place in the sequence.
void Membership::on_group_change(Peers::iterator it, const ZreMessage& message) {
  const NodeId& from = it->first;
  if (message.kind == ZreKind::leave) {
    addresses_.leave(message.group, from);
  } else if (addresses_.group_count(from) >= limits::bus_groups_per_peer) {
    ++malformed_;
  } else {
    addresses_.join(message.group, from);
  }
}

void Membership::on_whisper(Peers::iterator it, Frames& frames, TimePoint now) {
  if (frames.size() < 2) return;
  if (it->second.info.is_agent && is_liveness_text(frames[1])) {
    const Envelope envelope = decode_envelope(frames[1]);
    if (const auto* control = std::get_if<LivenessControl>(&envelope)) {
      return liveness_.control(it->first, *control, now);
    }
    ++malformed_;
    return;
  }
  actions_.emplace_back(WhisperReceived{it->first, std::move(frames[1])});
}

bool Membership::in_sequence(Peer& peer, std::uint16_t sequence) {
  const bool wrapped_early = peer.expected == early_wrap && sequence == 0;
  if (sequence != peer.expected && !wrapped_early) return false;
  peer.expected = static_cast<std::uint16_t>(sequence + 1);
  return true;
}

/// Nothing for a foreign peer, and for an agent of this herd that speaks as we do.
std::optional<Membership::Refusal> Membership::refusal_of(const ZreMessage& hello) const {
  if (!hello.headers.contains(std::string(header_version))) return std::nullopt;
  const auto herd = hello.headers.find(std::string(header_herd));
  if ((herd == hello.headers.end() ? std::string() : herd->second) != settings_.herd) {
    return Refusal{"it is of another herd"};
  }
  const auto protocol = hello.headers.find(std::string(header_protocol));
  if (protocol == hello.headers.end()) return std::nullopt;
  const std::string_view spoken = protocol->second;
  if (spoken.substr(0, spoken.find('.')) == protocol_major) return std::nullopt;
  // Somebody has to do something about it, or the herd stays in two parts.
  return Refusal{"it speaks version " + shortened(spoken, 32) + " of the agents' protocol", true};
}

void Membership::refuse(const NodeId& id, const ZreMessage& hello, Refusal refusal, TimePoint now) {
  if (!refused_.insert(id)) return;
  PeerInfo info;
  info.id = id;
  info.name = hello.name;
  info.endpoint = hello.endpoint;
  actions_.emplace_back(PeerRefused{std::move(info), refusal.reason, refusal.suspicious});
  auto it = peers_.find(id);
  if (it != peers_.end() && it->second.state == State::greeting) {
    it->second.state = State::refused;  // Our HELLO is on its way.
    return;
  }
  if (it != peers_.end()) lose(it, refusal.reason, After::forget, now);
  if (peers_.size() - ready_ >= limits::bus_pending_sightings) return;
  it = peers_.try_emplace(id).first;
  it->second.link = id;
  it->second.info.endpoint = hello.endpoint;
  it->second.state = State::refused;
  introduce(it, now);
  wait_for_answer(it, now);
}

// ---- who is there

std::optional<PeerInfo> Membership::peer(const NodeId& id) const {
  const auto it = peers_.find(id);
  if (it == peers_.end() || it->second.state != State::ready) return std::nullopt;
  PeerInfo info = it->second.info;
  info.round_trip = liveness_.round_trip(id);
  return info;
}

std::vector<PeerInfo> Membership::peers() const {
  std::vector<PeerInfo> all;
  all.reserve(ready_);
  for (const auto& [id, entry] : peers_) {
    if (entry.state == State::ready) all.push_back(*peer(id));
  }
  return all;
}

std::vector<NodeId> Membership::agents() const {
  std::vector<NodeId> all;
  for (const auto& [id, entry] : peers_) {
    if (entry.state == State::ready && entry.info.is_agent) all.push_back(id);
  }
  return all;
}

bool Membership::is_ready(const NodeId& id) const {
  const auto it = peers_.find(id);
  return it != peers_.end() && it->second.state == State::ready;
}

bool Membership::is_agent(const NodeId& id) const {
  const auto it = peers_.find(id);
  return it != peers_.end() && it->second.state == State::ready && it->second.info.is_agent;
}

}  // namespace dockherd::bus
