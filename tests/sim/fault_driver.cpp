#include "tests/sim/fault_driver.hpp"

#include <algorithm>
#include <iterator>

namespace dockherd::sim {

using namespace std::chrono_literals;

FaultDriver::FaultDriver(fakes::VirtualTime& time, fakes::MemoryNetwork& network, Hosts& hosts,
                         VerbDriver& verbs, RandomSource random)
    : time_(time), network_(network), hosts_(hosts), verbs_(verbs), random_(std::move(random)) {}

void FaultDriver::later(Duration delay, std::function<void()> action) {
  time_.after(delay, [this, round = round_, action = std::move(action)] {
    if (round == round_) action();
  });
}

void FaultDriver::say(const std::string& what) {
  if (network_.tracer) network_.tracer(std::to_string(time_.elapsed().count()) + " FAULT " + what);
}

void FaultDriver::spoil_datagrams() {
  network_.settings().datagram_loss = random_.chance(0.5) ? 0.3 : 0.05;
  network_.settings().datagram_duplication = 0.1;
  network_.settings().datagram_lateness = 0.2;
}

void FaultDriver::make_one() {
  using Maker = void (FaultDriver::*)(SimHost&);
  static const std::vector<Maker> makers{
      &FaultDriver::end_agent,   &FaultDriver::end_agent,   &FaultDriver::stop_agent,
      &FaultDriver::freeze,      &FaultDriver::cut_pair,    &FaultDriver::isolate,
      &FaultDriver::break_links, &FaultDriver::delay,       &FaultDriver::take_daemon_down,
      &FaultDriver::slow_daemon, &FaultDriver::fail_daemon, &FaultDriver::break_some_link_twice};
  // Those that put no agent out of the others' reach for longer than its restart takes.
  static const std::vector<Maker> short_makers{
      &FaultDriver::end_agent,   &FaultDriver::stop_agent,
      &FaultDriver::freeze,      &FaultDriver::break_links,
      &FaultDriver::delay,       &FaultDriver::take_daemon_down,
      &FaultDriver::slow_daemon, &FaultDriver::fail_daemon,
      &FaultDriver::fail_daemon, &FaultDriver::break_some_link_twice};
  const Maker maker = random_.pick(without_splits ? short_makers : makers);
  (this->*maker)(any_host());
}

void FaultDriver::end_agent(SimHost& host) {
  const bool power = random_.chance(0.4);
  const Duration back = random_.between(50ms, 5s);
  if (!host.alive() || (without_splits && !all_are_well())) return;
  say(host.hostname() + (power ? " loses power" : " agent killed"));
  verbs_.note_end(host);
  host.end_agent(power ? Ending::power_off : Ending::killed);
  start_again(host, back);
}

void FaultDriver::stop_agent(SimHost& host) {
  const Duration back = random_.between(50ms, 3s);
  if (!host.alive() || host.stopping() || host.frozen()) return;
  if (without_splits && !all_are_well()) return;
  say(host.hostname() + " agent stops");
  verbs_.note_end(host);  // It may answer still, but owes no success.
  host.stop_agent([this, &host, back] { start_again(host, back); });
}

/// All live, and have for long enough to have told each other what they know.
bool FaultDriver::all_are_well() {
  const bool all_alive = std::all_of(hosts_.begin(), hosts_.end(), [](const auto& host) {
    return host->alive() && !host->stopping() && !host->frozen();
  });
  if (!all_alive) well_since_ = time_.now();
  return all_alive && time_.now() - well_since_ > 3s;
}

void FaultDriver::start_again(SimHost& host, Duration after) {
  later(after, [this, &host] {
    if (host.alive()) return;
    say(host.hostname() + " agent starts");
    host.start_agent();
    well_since_ = time_.now();
  });
}

void FaultDriver::freeze(SimHost& host) {
  const Duration duration =
      random_.chance(0.6) ? random_.between(50ms, 600ms) : random_.between(600ms, 5s);
  if (!host.alive() || host.frozen()) return;
  say(host.hostname() + " freezes for " + std::to_string(duration / 1ms) + " ms");
  host.set_frozen(true);
  verbs_.note_freeze(host, duration);
  later(duration, [this, &host, run = host.incarnation()] {
    if (run != host.incarnation()) return;
    say(host.hostname() + " thaws");
    host.set_frozen(false);
  });
}

void FaultDriver::cut_pair(SimHost& host) {
  SimHost& other = any_host();
  const bool both_ways = random_.chance(0.5);
  const Duration duration = random_.between(100ms, 8s);
  if (&host == &other) return;
  const fakes::Host a = host.number();
  const fakes::Host b = other.number();
  say("cut " + std::to_string(a) + (both_ways ? "<>" : ">") + std::to_string(b));
  network_.cut(a, b);
  if (both_ways) network_.cut(b, a);
  later(duration, [this, a, b] {
    say("heal " + std::to_string(a) + "<>" + std::to_string(b));
    network_.heal(a, b);
    network_.heal(b, a);
  });
}

void FaultDriver::isolate(SimHost& host) {
  const Duration duration = random_.between(200ms, 8s);
  const fakes::Host from = host.number();
  say("isolate " + host.hostname());
  for (const auto& other : hosts_) {
    if (other->number() == from) continue;
    network_.cut(from, other->number());
    network_.cut(other->number(), from);
  }
  later(duration, [this, from] {
    say("rejoin " + std::to_string(from));
    for (const auto& other : hosts_) {
      network_.heal(from, other->number());
      network_.heal(other->number(), from);
    }
  });
}

void FaultDriver::break_links(SimHost& host) {
  SimHost& other = any_host();
  if (&host == &other) return;
  say("reset " + host.hostname() + " " + other.hostname());
  network_.break_link(host.number(), other.number());
  if (random_.chance(0.5)) network_.break_link(other.number(), host.number());
}

void FaultDriver::break_link_twice() {
  const fakes::Host from = any_host().number();
  const fakes::Host to = any_host().number();
  const Duration apart = random_.between(600ms, 1'600ms);
  if (from == to) return;
  const auto reset = [this, from, to] {
    say("reset " + std::to_string(from) + ">" + std::to_string(to));
    network_.break_link(from, to);
  };
  reset();
  later(apart, reset);
}

void FaultDriver::delay(SimHost& host) {
  const Duration extra = random_.between(20ms, 800ms);
  say(host.hostname() + " delayed by " + std::to_string(extra / 1ms) + " ms");
  network_.delay(host.number(), extra);
  later(random_.between(300ms, 3s), [this, &host] { network_.delay(host.number(), 0ms); });
}

void FaultDriver::take_daemon_down(SimHost& host) {
  if (random_.chance(0.3)) {
    say(host.hostname() + " daemon restarts");
    host.restart_daemon();
    return;
  }
  say(host.hostname() + " daemon down");
  host.set_daemon_up(false);
  later(random_.between(100ms, 5s), [&host] { host.set_daemon_up(true); });
}

void FaultDriver::slow_daemon(SimHost& host) {
  const int factor = random_.between(2, 60);
  say(host.hostname() + " daemon slow x" + std::to_string(factor));
  host.slow_daemon(factor);
  later(random_.between(500ms, 5s), [&host] { host.slow_daemon(1); });
}

void FaultDriver::fail_daemon(SimHost& host) {
  say(host.hostname() + " daemon fails and loses answers");
  host.fail_daemon_randomly(0.2, 0.2);
  later(random_.between(500ms, 5s), [&host] { host.fail_daemon_randomly(0, 0); });
}

WallTime FaultDriver::wall_now() const {
  return WallTime{} + std::chrono::seconds(1'767'225'600) + time_.elapsed();
}

void FaultDriver::make_twin() {
  SimHost& host = any_host();
  const std::string name = "twin-" + std::to_string(random_.between(1, 4));
  if (!host.daemon_up()) return;
  if (host.daemon().create(name, "busybox:latest", wall_now())) {
    say(host.hostname() + " has " + name);
  }
  time_.touch_all();
}

void FaultDriver::meddle_with_containers() {
  SimHost& host = any_host();
  if (!host.daemon_up()) return;
  const WallTime now = wall_now();
  const auto& containers = host.daemon().containers();
  if (random_.chance(0.5) || containers.empty()) {
    const auto id =
        host.daemon().create("by-hand-" + std::to_string(++meddled_), "busybox:latest", now);
    if (id && random_.chance(0.5)) host.daemon().start(*id, now);
  } else {
    const auto chosen = std::next(containers.begin(),
                                  static_cast<std::ptrdiff_t>(random_.below(containers.size())));
    const std::string id = chosen->first;
    if (random_.chance(0.7)) {
      host.daemon().remove(id, now);
    } else {
      host.daemon().exit(id, 1, now);
    }
  }
  time_.touch_all();
}

void FaultDriver::heal() {
  say("heal all");
  ++round_;
  network_.settings().datagram_loss = 0;
  network_.settings().datagram_duplication = 0;
  network_.settings().datagram_lateness = 0;
  network_.heal_all();
  for (const auto& host : hosts_) {
    network_.delay(host->number(), 0ms);
    host->heal_daemon();
    if (host->frozen()) host->set_frozen(false);
    if (!host->alive()) host->start_agent();
  }
}

}  // namespace dockherd::sim
