#include "bus/liveness.hpp"

#include <algorithm>

namespace dockherd::bus {

namespace {

using std::chrono::milliseconds;
using Kind = LivenessControl::Kind;

/// A link that nothing uses is probed this much more seldom than the neighbour. It costs a
/// sixteenth of the idle traffic, and only the rare one-sided session is found by it.
constexpr int slow_probe_periods = 16;
/// How many of the next ones in the ring are probed when one is silent.
constexpr std::size_t company = 8;
constexpr std::size_t askers_per_peer = 64;
/// So many PINGs in a row that were not answered, by a peer that lives, make its link suspect.
constexpr unsigned unanswered_for_new_link = 3;
/// The pause before such a peer is probed again grows up to so many periods.
constexpr unsigned longest_pause_periods = 16;
/// A foreign peer that was said to leave: PING until it is believed. Longer than for agents, since
/// nobody can be asked about it.
constexpr milliseconds foreign_probe_timeout{2'000};

/// An event loop is never quite on time.
constexpr milliseconds usual_lateness{5};
/// From here on it stood still: every running time is extended, each time that it happens.
constexpr milliseconds standstill{100};
/// What was sent to us meanwhile gets this long to be read.
constexpr milliseconds reading_time{50};

}  // namespace

Liveness::Liveness(LivenessSettings settings, NodeId self, std::uint64_t seed)
    : settings_(settings), self_(self), random_(seed), slow_cursor_(self) {}

void Liveness::add(const NodeId& id, bool is_agent, TimePoint now) {
  remove(id);
  const auto it = records_.try_emplace(id).first;
  it->second.is_agent = is_agent;
  it->second.last_heard = it->second.vouched = now;
  if (!is_agent) return set_deadline(it, now + settings_.evasive);
  if (agents_++ == 0) slow_due_ = now + slow_probe_periods * settings_.probe_period;
}

void Liveness::remove(const NodeId& id) {
  const auto it = records_.find(id);
  if (it == records_.end()) return;
  drop_deadline(it);
  if (it->second.is_agent && --agents_ == 0) slow_due_ = TimePoint::max();
  records_.erase(it);
}

void Liveness::heard(const NodeId& id, TimePoint now) {
  allow_for_standstill(now);
  const auto it = records_.find(id);
  if (it == records_.end()) return;
  it->second.last_heard = now;
  if (it->second.phase != Phase::watched) clear(it, now);
  for (const NodeId& asker : std::exchange(it->second.askers, {})) {
    tell(asker, Kind::alive, id, it->second.incarnation);
  }
}

void Liveness::answered(const NodeId& id, TimePoint now) {
  heard(id, now);
  const auto it = records_.find(id);
  if (it == records_.end() || !it->second.ping_sent) return;
  it->second.round_trip = now - *it->second.ping_sent;
  it->second.ping_sent.reset();
  it->second.unanswered = 0;
  if (it->second.is_agent && it->second.phase == Phase::watched) drop_deadline(it);
}

void Liveness::control(const NodeId& from, const LivenessControl& control, TimePoint now) {
  allow_for_standstill(now);
  switch (control.kind) {
    case Kind::probe:
      return on_probe_request(from, control.node, now);
    case Kind::alive:
      return on_alive(control, now);
    case Kind::suspect:
    case Kind::lost:
      return on_accusation(from, control, now);
  }
}

void Liveness::on_probe_request(const NodeId& from, const NodeId& node, TimePoint now) {
  const auto it = records_.find(node);
  if (it == records_.end()) return;
  if (it->second.askers.size() < askers_per_peer) it->second.askers.push_back(from);
  ping(it, now);
}

void Liveness::on_alive(const LivenessControl& control, TimePoint now) {
  if (control.node == self_) return;
  const auto it = records_.find(control.node);
  if (it == records_.end()) {
    actions_.emplace_back(Vouched{control.node});
    return;
  }
  it->second.incarnation = std::max(it->second.incarnation, control.incarnation);
  it->second.vouched = now;
  if (it->second.phase != Phase::watched) clear(it, now);
}

void Liveness::on_accusation(const NodeId& from, const LivenessControl& control, TimePoint now) {
  if (control.node == self_) return refute(control.incarnation);
  const auto it = records_.find(control.node);
  if (it == records_.end()) return;
  Record& record = it->second;
  const bool final = control.kind == Kind::lost;
  // Refuted since; with a session begun anew its incarnation is forgotten. Asked again, the accuser
  // hears of it when there is an answer.
  if (!final && control.incarnation < record.incarnation) {
    return on_probe_request(from, control.node, now);
  }
  if (final && record.phase == Phase::watched &&
      now - record.last_heard <= settings_.probe_period) {
    return tell(from, Kind::alive, control.node, record.incarnation);
  }
  if (final && record.phase == Phase::suspected) return declare_lost(it);
  if (record.askers.size() < askers_per_peer) record.askers.push_back(from);
  (final ? record.condemned : record.accused_by_other) = true;
  if (record.phase == Phase::watched) probe(it, now);
}

void Liveness::refute(std::uint64_t accused_incarnation) {
  if (accused_incarnation >= incarnation_) incarnation_ = accused_incarnation + 1;
  tell_all_agents(Kind::alive, self_, incarnation_);
}

void Liveness::doubt(const NodeId& id, TimePoint now) {
  const auto it = records_.find(id);
  if (it != records_.end() && it->second.phase == Phase::watched) probe(it, now);
}

void Liveness::tick(TimePoint now) {
  allow_for_standstill(now);
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    judge(records_.find(deadlines_.begin()->second), now);
  }
  watch_neighbour(now);
  probe_slowly(now);
}

TimePoint Liveness::next_deadline() const {
  const TimePoint phases = deadlines_.empty() ? TimePoint::max() : deadlines_.begin()->first;
  return std::min({phases, neighbour_due(), slow_due_});
}

std::optional<Duration> Liveness::round_trip(const NodeId& id) const {
  const auto it = records_.find(id);
  return it == records_.end() ? std::nullopt : it->second.round_trip;
}

bool Liveness::suspects(const NodeId& id) const {
  const auto it = records_.find(id);
  return it != records_.end() && it->second.phase == Phase::suspected;
}

void Liveness::allow_for_standstill(TimePoint now) {
  if (deadlines_.empty() || now - deadlines_.begin()->first <= usual_lateness) return;
  const Duration lateness = now - deadlines_.begin()->first;
  const bool stood_still = lateness >= standstill;
  for (auto it = records_.begin(); it != records_.end(); ++it) {
    Record& record = it->second;
    if (!record.has_deadline) continue;
    if (stood_still) {
      if (!record.is_agent) record.last_heard = std::min(now, record.last_heard + lateness);
      set_deadline(it, record.deadline + lateness + reading_time);
    } else if (record.deadline <= now && !record.extended) {
      // Once for each phase: on a busy machine every tick is a little late.
      set_deadline(it, now + lateness);
      record.extended = true;
    }
  }
}

void Liveness::judge(Records::iterator it, TimePoint now) {
  Record& record = it->second;
  if (!record.is_agent) return look_at_foreign(it, now);
  switch (record.phase) {
    case Phase::watched:
      return probe(it, now);  // It lives, but has not answered us.
    case Phase::probing:
      if (record.condemned) return declare_lost(it);
      if (record.accused_by_other) return suspect(it, now);
      ask_others(it, now);
      return probe_company_of(it->first, now);
    case Phase::asking:
      record.accused_by_us = !record.accused_by_other;
      return suspect(it, now);
    case Phase::suspected:
      return declare_lost(it);
  }
}

void Liveness::look_at_foreign(Records::iterator it, TimePoint now) {
  Record& record = it->second;
  const Duration silent = now - record.last_heard;
  if (record.phase == Phase::probing || silent >= settings_.expired) return declare_lost(it);
  if (silent < settings_.evasive) return set_deadline(it, record.last_heard + settings_.evasive);
  ping(it, now);
  set_deadline(it, std::min(now + settings_.evasive, record.last_heard + settings_.expired));
}

Liveness::Records::const_iterator Liveness::neighbour() const {
  if (agents_ == 0) return records_.end();
  const auto start = records_.upper_bound(self_);
  const auto fits = [](const Records::value_type& each) {
    return each.second.is_agent &&
           (each.second.phase == Phase::watched || each.second.phase == Phase::probing);
  };
  const auto after = std::find_if(start, records_.end(), fits);
  if (after != records_.end()) return after;
  const auto before = std::find_if(records_.begin(), start, fits);
  return before == start ? records_.end() : before;
}

TimePoint Liveness::neighbour_due() const {
  const auto it = neighbour();
  if (it == records_.end() || it->second.phase == Phase::probing) return TimePoint::max();
  return std::max(it->second.last_heard, it->second.vouched) + settings_.probe_period;
}

void Liveness::watch_neighbour(TimePoint now) {
  if (neighbour_due() <= now) probe(records_.find(neighbour()->first), now);
}

void Liveness::probe_slowly(TimePoint now) {
  if (slow_due_ > now) return;
  slow_due_ = now + slow_probe_periods * settings_.probe_period;
  for (std::size_t looked_at = 0; looked_at < records_.size(); ++looked_at) {
    auto it = records_.upper_bound(slow_cursor_);
    if (it == records_.end()) it = records_.begin();
    slow_cursor_ = it->first;
    const bool heard_lately = now - it->second.last_heard < settings_.probe_period;
    if (!it->second.is_agent || it->second.phase != Phase::watched || heard_lately) continue;
    return probe(it, now);
  }
}

void Liveness::probe(Records::iterator it, TimePoint now) {
  enter(it, Phase::probing,
        now + (it->second.is_agent ? settings_.probe_timeout : Duration(foreign_probe_timeout)));
  count_unanswered(it, now);
  ping(it, now);
}

void Liveness::count_unanswered(Records::iterator it, TimePoint now) {
  Record& record = it->second;
  if (!record.is_agent || !record.ping_sent) return;
  if (now - *record.ping_sent < settings_.probe_timeout) return;
  if (++record.unanswered % unanswered_for_new_link != 0) return;
  record.ping_sent.reset();  // It is lost with the link.
  actions_.emplace_back(RenewLink{it->first});
}

void Liveness::probe_company_of(const NodeId& silent, TimePoint now) {
  auto it = records_.upper_bound(silent);
  std::size_t probed = 0;
  for (std::size_t looked_at = 1; looked_at < records_.size() && probed < company; ++looked_at) {
    if (it == records_.end()) it = records_.begin();
    const bool heard_lately = now - it->second.last_heard < settings_.probe_period;
    if (it->second.is_agent && it->second.phase == Phase::watched && !heard_lately) {
      probe(it, now);
      ++probed;
    }
    ++it;
  }
}

void Liveness::ask_others(Records::iterator it, TimePoint now) {
  std::vector<NodeId> others;
  for (const auto& [id, record] : records_) {
    if (record.is_agent && record.phase == Phase::watched) others.push_back(id);
  }
  const std::size_t wanted = std::min(settings_.indirect_probes, others.size());
  for (std::size_t i = 0; i < wanted; ++i) {
    std::swap(others[i], others[i + random_() % (others.size() - i)]);
    tell(others[i], Kind::probe, it->first, it->second.incarnation);
  }
  enter(it, Phase::asking, wanted == 0 ? now : now + settings_.probe_timeout);
}

void Liveness::suspect(Records::iterator it, TimePoint now) {
  enter(it, Phase::suspected, now + settings_.suspicion);
  // The suspect is told as well: it may hear us while we do not hear it.
  if (it->second.accused_by_us) tell_all_agents(Kind::suspect, it->first, it->second.incarnation);
}

void Liveness::declare_lost(Records::iterator it) {
  const NodeId node = it->first;
  const std::uint64_t incarnation = it->second.incarnation;
  const bool ours = it->second.accused_by_us;
  std::string reason = "it was silent";
  if (it->second.condemned) reason = "it was silent, others gave it up";
  remove(node);
  actions_.emplace_back(DeclareLost{node, std::move(reason)});
  if (ours) tell_all_agents(Kind::lost, node, incarnation);
}

void Liveness::clear(Records::iterator it, TimePoint now) {
  Record& record = it->second;
  record.phase = Phase::watched;
  record.accused_by_us = record.accused_by_other = record.condemned = record.extended = false;
  if (!record.is_agent) return set_deadline(it, record.last_heard + settings_.evasive);
  if (!record.ping_sent) return drop_deadline(it);
  const unsigned periods = std::min(1 + record.unanswered, longest_pause_periods);
  set_deadline(it, now + periods * settings_.probe_period);
}

void Liveness::enter(Records::iterator it, Phase phase, TimePoint deadline) {
  it->second.phase = phase;
  it->second.extended = false;
  set_deadline(it, deadline);
}

void Liveness::set_deadline(Records::iterator it, TimePoint deadline) {
  drop_deadline(it);
  it->second.deadline = deadline;
  it->second.has_deadline = true;
  deadlines_.emplace(deadline, it->first);
}

void Liveness::drop_deadline(Records::iterator it) {
  if (!std::exchange(it->second.has_deadline, false)) return;
  deadlines_.erase({it->second.deadline, it->first});
}

void Liveness::ping(Records::iterator it, TimePoint now) {
  // With two on the way the first answer belongs to the first.
  if (!it->second.ping_sent) it->second.ping_sent = now;
  actions_.emplace_back(SendPing{it->first});
}

void Liveness::tell(const NodeId& to, Kind kind, const NodeId& node, std::uint64_t incarnation) {
  actions_.emplace_back(Tell{to, LivenessControl{kind, node, incarnation}});
}

void Liveness::tell_all_agents(Kind kind, const NodeId& node, std::uint64_t incarnation) {
  for (const auto& [id, record] : records_) {
    if (record.is_agent) tell(id, kind, node, incarnation);
  }
}

}  // namespace dockherd::bus
