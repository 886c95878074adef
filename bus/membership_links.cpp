// The other half of Membership: how places at an endpoint pass from one peer to another, how
// sessions begin and end, when somebody is dialled again, and what is sent.
#include <algorithm>

#include "base/limits.hpp"
#include "bus/membership.hpp"

namespace dockherd::bus {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// A dial that was not answered is given up after this, and begun anew: a fresh connection finds a
/// healed link sooner than TCP's own retries, which double.
constexpr milliseconds greeting_time{2'500};
constexpr milliseconds longest_dial_pause{10'000};
/// A lost peer is dialled without growing pauses for this long, and at all for `remember_lost`.
constexpr minutes dial_eagerly{2};
constexpr minutes remember_lost{10};
constexpr seconds remember_foreign{30};  // They come back by themselves; passers-by do not.
constexpr milliseconds check_time{500};
/// Longer than any probe takes that decides about whoever is at the same endpoint.
constexpr seconds hold_time{3};
constexpr std::size_t most_kept = 64;
constexpr std::size_t most_kept_bytes = 65'536;  // Of one message.
/// Beacons and tuples of a peer that said GOODBYE may still be on their way.
constexpr seconds departure{2};

}  // namespace

// ---- who has which place

/// The entry of a sighted peer, made if there is room for it. When somebody else is known at the
/// same endpoint, one of the two is gone; which one is not for a sighting to say.
Membership::Peers::iterator Membership::slot_for(const NodeId& id, const std::string& endpoint,
                                                 TimePoint now) {
  for (const auto& [other, peer] : peers_) {
    if (other == id || peer.info.endpoint != endpoint) continue;
    // Whoever is there answers the HELLO that is on its way, and takes the link then: a sighting
    // of a process long gone must not take it away from the one that lives.
    if (peer.state == State::greeting) return peers_.end();
    if (peer.state != State::ready) continue;
    const NodeId doubted = other;
    doubt(doubted, now);
    return peers_.end();
  }
  replace_predecessor(id, endpoint, now);
  if (const auto it = peers_.find(id); it != peers_.end()) return it;
  if (peers_.size() - ready_ >= limits::bus_pending_sightings) return peers_.end();
  const auto it = peers_.try_emplace(id).first;
  it->second.link = id;
  return it;
}

/// A process that is started again has a new id and often the old endpoint: whoever was there is
/// gone. A dial to the old one reaches the new one, which answers it: that link is its now.
void Membership::replace_predecessor(const NodeId& id, const std::string& endpoint, TimePoint now) {
  for (auto it = peers_.begin(); it != peers_.end();) {
    const auto other = it++;
    if (other->first == id || other->second.info.endpoint != endpoint) continue;
    const auto known = peers_.find(id);
    const bool free = known == peers_.end() || known->second.state == State::waiting;
    if (other->second.state == State::greeting && free) {
      take_over_link(other, id);
    } else {
      lose(other, "its place was taken by a new process", After::forget, now);
    }
  }
}

std::optional<NodeId> Membership::ready_at(const std::string& endpoint,
                                           const NodeId& except) const {
  for (const auto& [id, peer] : peers_) {
    if (id != except && peer.state == State::ready && peer.info.endpoint == endpoint) return id;
  }
  return std::nullopt;
}

/// Two processes cannot be at one endpoint. Mostly the one that is ready has ended without a word,
/// which a PING brings out at once; until that is sure the other's messages are kept.
void Membership::hold(const NodeId& id, const NodeId& incumbent, const ZreMessage& hello,
                      TimePoint now) {
  if (const auto known = peers_.find(id); known != peers_.end()) {
    lose(known, "it began a new session", After::forget, now);
  }
  if (peers_.size() - ready_ >= limits::bus_pending_sightings) return;
  const auto it = peers_.try_emplace(id).first;
  Peer& peer = it->second;
  peer.state = State::held;
  peer.link = id;
  peer.info.name = hello.name;
  peer.info.endpoint = hello.endpoint;
  peer.incumbent = incumbent;
  peer.kept.push_back({encode_zre(hello)});
  held_.insert(id);
  set_due(it, now + hold_time);
  doubt(incumbent, now);
}

void Membership::keep(Peers::iterator it, Frames frames) {
  const bool large = frames.size() > 1 && frames[1].size() > most_kept_bytes;
  if (large || it->second.kept.size() >= most_kept) return erase(it);
  it->second.kept.push_back(std::move(frames));
}

/// The peer has answered: whoever else claims its endpoint is not there.
void Membership::turn_away_from(const NodeId& incumbent) {
  for (const NodeId& id : std::set<NodeId>(held_)) {
    const auto it = peers_.find(id);
    if (it->second.incumbent != incumbent) continue;
    ZreMessage claim;
    claim.name = it->second.info.name;
    claim.endpoint = it->second.info.endpoint;
    erase(it);
    remark(id, claim, "it claims the endpoint of a peer that is there");
  }
}

/// Those whose endpoint has become free begin now.
void Membership::settle_held(TimePoint now) {
  for (const NodeId& id : std::set<NodeId>(held_)) {
    const auto it = peers_.find(id);
    if (it == peers_.end() || it->second.state != State::held) continue;
    if (is_ready(it->second.incumbent)) continue;
    std::vector<Frames> kept = std::move(it->second.kept);
    erase(it);
    for (Frames& frames : kept) message(id, std::move(frames), now);
  }
}

void Membership::remark(const NodeId& id, const ZreMessage& hello, std::string reason) {
  if (!remarked_.insert(id)) return;
  PeerInfo info;
  info.id = id;
  info.name = hello.name;
  info.endpoint = hello.endpoint;
  actions_.emplace_back(PeerRefused{std::move(info), std::move(reason), true});
}

void Membership::take_over_link(Peers::iterator from, const NodeId& to) {
  const auto it = peers_.try_emplace(to).first;
  drop_due(it);
  const Peer old = from->second;
  drop_due(from);
  taken_over_.erase(old.link);
  peers_.erase(from);
  Peer& peer = it->second;
  peer.state = State::greeting;
  peer.info.endpoint = old.info.endpoint;
  peer.link = old.link;
  peer.sent = old.sent;
  peer.hello_sent = old.hello_sent;
  peer.forget_at = std::max(peer.forget_at, old.forget_at);
  if (peer.link != to) taken_over_.emplace(peer.link, to);
  set_due(it, old.due);
}

Membership::Peers::iterator Membership::by_link(const NodeId& link) {
  const auto taken = taken_over_.find(link);
  if (taken != taken_over_.end()) return peers_.find(taken->second);
  const auto it = peers_.find(link);
  return it == peers_.end() || it->second.link != link ? peers_.end() : it;
}

// ---- beginning and end

/// A new link to its endpoint with our HELLO as the first message.
void Membership::introduce(Peers::iterator it, TimePoint now) {
  Peer& peer = it->second;
  if (peer.link != it->first) {
    actions_.emplace_back(Disconnect{peer.link});
    taken_over_.erase(peer.link);
    peer.link = it->first;
  }
  actions_.emplace_back(Connect{peer.link, peer.info.endpoint});
  peer.hello_sent = now;
  peer.hello_unanswered = true;
  peer.sent = 0;
  ZreMessage hello = zre_message(ZreKind::hello);
  hello.endpoint = settings_.endpoint;
  if (peer.state != State::refused) hello.groups = addresses_.groups_of(settings_.id);
  hello.status = status_;
  hello.name = settings_.name;
  hello.headers = settings_.headers;
  send(peer, std::move(hello));
}

/// To a ready peer that does not seem to have our messages. It takes the HELLO for a new beginning
/// and forgets what it was told, so the listener has to tell it again.
void Membership::introduce_again(Peers::iterator it, TimePoint now) {
  introduce(it, now);
  actions_.emplace_back(SessionRenewed{it->second.info});
}

void Membership::dial(Peers::iterator it, TimePoint now) {
  it->second.state = State::greeting;
  introduce(it, now);
  wait_for_answer(it, now);
}

void Membership::wait_for_answer(Peers::iterator it, TimePoint now) {
  set_due(it, now + greeting_time);
}

/// Finds out whether a ready peer knows us: it answers PING only when it had our HELLO.
void Membership::check(Peers::iterator it, TimePoint now) {
  ++it->second.checks;
  send(it->second, zre_message(ZreKind::ping));
  set_due(it, now + check_time);
}

void Membership::end_session(Peers::iterator it, std::string reason) {
  drop_due(it);
  addresses_.remove(it->first);
  it->second.info.round_trip = liveness_.round_trip(it->first);
  liveness_.remove(it->first);
  --ready_;
  it->second.state = State::waiting;
  actions_.emplace_back(PeerLost{it->second.info, std::move(reason)});
}

/// A pause for a peer that takes our HELLO and breaks off, again and again.
Membership::After Membership::after_break(const Peer& peer, TimePoint now) {
  const bool again = peer.hello_sent && now - *peer.hello_sent < shortest_dial_pause;
  return again ? After::wait : After::dial;
}

void Membership::lose(Peers::iterator it, std::string reason, After after, TimePoint now) {
  Peer& peer = it->second;
  const bool linked =
      peer.state == State::ready || peer.state == State::greeting || peer.state == State::refused;
  // A dial replaces the link by itself, and without letting old messages leave after the HELLO.
  if (linked && after != After::dial) actions_.emplace_back(Disconnect{peer.link});
  if (peer.state == State::ready) end_session(it, std::move(reason));
  peer.lost_at = now;
  peer.forget_at = now + (peer.info.is_agent ? Duration(remember_lost) : remember_foreign);
  switch (after) {
    case After::dial:
      return dial(it, now);
    case After::wait:
      return wait_to_dial(it, now);
    case After::forget:
      return erase(it);
    case After::depart:
      peer.state = State::departed;
      return set_due(it, now + departure);
  }
}

void Membership::wait_to_dial(Peers::iterator it, TimePoint now) {
  Peer& peer = it->second;
  peer.state = State::waiting;
  Duration pause = shortest_dial_pause;
  if (!peer.was_ready || now - peer.lost_at > dial_eagerly) {
    pause = std::min<Duration>(shortest_dial_pause * (1U << std::min(peer.attempts, 5U)),
                               longest_dial_pause);
    ++peer.attempts;
  }
  set_due(it, now + pause);
}

void Membership::erase(Peers::iterator it) {
  drop_due(it);
  if (it->second.link != it->first) taken_over_.erase(it->second.link);
  held_.erase(it->first);
  peers_.erase(it);
}

void Membership::set_due(Peers::iterator it, TimePoint due) {
  drop_due(it);
  it->second.due = due;
  it->second.has_due = true;
  dues_.emplace(due, it->first);
}

void Membership::drop_due(Peers::iterator it) {
  if (std::exchange(it->second.has_due, false)) dues_.erase({it->second.due, it->first});
}

void Membership::apply_liveness(TimePoint now) {
  for (const LivenessAction& action : liveness_.take_actions()) {
    if (const auto* ping = std::get_if<SendPing>(&action)) {
      if (const auto it = peers_.find(ping->to); it != peers_.end()) {
        send(it->second, zre_message(ZreKind::ping));
      }
    } else if (const auto* talk = std::get_if<Tell>(&action)) {
      whisper(talk->to, encode_liveness(talk->control));
    } else if (const auto* verdict = std::get_if<DeclareLost>(&action)) {
      lose(peers_.find(verdict->node), verdict->reason, After::wait, now);
    } else if (const auto* dead = std::get_if<RenewLink>(&action)) {
      introduce_again(peers_.find(dead->to), now);
    } else if (const auto* vouched = std::get_if<Vouched>(&action)) {
      if (const auto it = peers_.find(vouched->node); it != peers_.end()) on_stranger(it, now);
    }
  }
}

// ---- commands

void Membership::join(const std::string& group) {
  if (group.empty() || group.size() > 255 || !addresses_.join(group, settings_.id)) return;
  tell_groups(ZreKind::join, group);
}

void Membership::leave(const std::string& group) {
  if (addresses_.leave(group, settings_.id)) tell_groups(ZreKind::leave, group);
}

/// To those, too, who have our HELLO and have not answered yet: it told them the groups of then.
void Membership::tell_groups(ZreKind kind, const std::string& group) {
  ++status_;
  for (auto& [id, peer] : peers_) {
    if (peer.state != State::ready && peer.state != State::greeting) continue;
    ZreMessage message = zre_message(kind);
    message.group = group;
    message.status = status_;
    send(peer, std::move(message));
  }
}

bool Membership::whisper(const NodeId& to, std::string text) {
  const auto it = peers_.find(to);
  if (it == peers_.end() || it->second.state != State::ready) return false;
  send(it->second, zre_message(ZreKind::whisper), std::move(text));
  return true;
}

void Membership::goodbye() {
  for (auto& [id, peer] : peers_) {
    if (peer.state == State::ready) send(peer, zre_message(ZreKind::goodbye));
    if (peer.state == State::ready || peer.state == State::greeting ||
        peer.state == State::refused) {
      actions_.emplace_back(Disconnect{peer.link});
    }
    if (peer.state == State::ready) {
      addresses_.remove(id);
      liveness_.remove(id);
    }
  }
  peers_.clear();
  dues_.clear();
  held_.clear();
  taken_over_.clear();
  ready_ = 0;
  closed_ = true;
}

void Membership::send(Peer& peer, ZreMessage message) {
  message.sequence = ++peer.sent;
  Frames frames;
  frames.push_back(encode_zre(message));
  actions_.emplace_back(Send{peer.link, std::move(frames)});
}

void Membership::send(Peer& peer, ZreMessage message, std::string content) {
  message.sequence = ++peer.sent;
  Frames frames;
  frames.reserve(2);
  frames.push_back(encode_zre(message));
  frames.push_back(std::move(content));
  actions_.emplace_back(Send{peer.link, std::move(frames)});
}

}  // namespace dockherd::bus
