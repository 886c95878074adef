#include "tests/sim/simulation.hpp"

#include <algorithm>

#include "base/json_reader.hpp"

namespace dockherd::sim {

using namespace std::chrono_literals;

namespace {

fakes::NetworkSettings network_settings(std::uint64_t seed) {
  fakes::NetworkSettings settings;
  settings.random_seed = seed;
  return settings;
}

}  // namespace

Simulation::Simulation(SimulationSettings settings)
    : settings_(std::move(settings)),
      random_(settings_.seed),
      network_(time_, network_settings(random_.draw())),
      verbs_(time_, network_, hosts_),
      faults_(time_, network_, hosts_, verbs_, RandomSource(random_.draw())) {
  network_.tracer = settings_.tracer;
  const int count = random_.between(2, 7);
  for (int number = 1; number <= count; ++number) {
    hosts_.push_back(std::make_unique<SimHost>(time_, network_, number, random_.draw()));
  }
  result_.hosts = hosts_.size();
}

SimulationResult Simulation::run() {
  form();
  settings_.only_double_resets ? reset_links_twice() : make_trouble();
  heal_and_wait();
  empty_the_herd();
  stay_calm();
  check_pool();
  check_whole_history();
  result_.trace_hash = network_.trace_hash();
  result_.verbs = verbs_.records().size();
  for (const auto& host : hosts_) result_.containers_made += host->made().size();
  result_.virtual_time = time_.elapsed();
  return result_;
}

void Simulation::form() {
  for (const auto& host : hosts_) {
    time_.after(random_.between(0ms, 1500ms), [&host] { host->start_agent(); });
  }
  time_.run_for(1500ms);
  wait_for_views("forming", 5s);
}

void Simulation::make_trouble() {
  const TimePoint end = time_.now() + settings_.faults;
  faults_.spoil_datagrams();
  TimePoint next_fault = time_.now() + random_.between(100ms, 1500ms);
  while (time_.now() < end) {
    time_.run_for(random_.between(20ms, 400ms));
    if (random_.chance(0.7)) verbs_.send_random(random_);
    if (random_.chance(0.3)) faults_.meddle_with_containers();
    if (time_.now() >= next_fault) {
      faults_.make_one();
      next_fault = time_.now() + random_.between(50ms, 2500ms);
    }
  }
}

/// Each pair of resets is followed by calm, in which no other fault, change or answer can hide what
/// they have left behind.
void Simulation::reset_links_twice() {
  for (int round = 1; round <= 6; ++round) {
    faults_.meddle_with_containers();
    time_.run_for(2s);
    faults_.break_link_twice();
    time_.run_for(6s);
    keep("after double reset " + std::to_string(round), views());
  }
}

void Simulation::heal_and_wait() {
  faults_.heal();
  if (settings_.plant_cut) network_.cut(1, 2);
  const TimePoint healed = time_.now();
  // The slowest verb is a bulk of ten containers over its rounds.
  if (!wait_for_answers(settings_.until_quiet)) keep("after healing", {"verbs are unanswered"});
  wait_for_views("after healing", settings_.until_quiet);
  // A create whose answer was lost counts at its node until its deadline, also when the node that
  // asked for it is gone; before that the herd is not calm.
  const auto idle = [](const auto& host) {
    return host->process().docker().calls_in_flight() == 0;
  };
  time_.run_until([&] { return std::all_of(hosts_.begin(), hosts_.end(), idle); },
                  time_.now() + settings_.until_quiet);
  result_.quiet_after = time_.now() - healed;
  // Quiet is to last: what arrives late must not undo it.
  time_.run_for(3s);
  keep("3 s after quiet", views());
}

bool Simulation::wait_for_answers(Duration limit) {
  return time_.run_until([this] { return verbs_.all_answered(); }, time_.now() + limit);
}

Complaints Simulation::views() const {
  Directory truth;
  std::set<NodeId> living;
  std::map<std::string, Directory> directories;
  std::map<std::string, std::set<NodeId>> members;
  Complaints complaints;
  for (const auto& host : hosts_) {
    if (!host->alive()) return {host->hostname() + " is not alive"};
    const NodeId id = host->process().id();
    living.insert(id);
    for (const auto& [container, details] : host->daemon().containers()) truth[container] = id;
  }
  for (const auto& host : hosts_) {
    const agent::Node& node = host->process().node();
    directories[host->hostname()] = node.containers();
    std::set<NodeId>& seen = members[host->hostname()];
    seen.insert(host->process().id());
    for (const bus::PeerInfo& peer : node.event_bus().peers()) seen.insert(peer.id);
  }
  for (const Complaints& found :
       {check_membership(living, members), check_directories(truth, directories)}) {
    complaints.insert(complaints.end(), found.begin(), found.end());
  }
  return complaints;
}

void Simulation::wait_for_views(const std::string& phase, Duration limit) {
  const TimePoint end = time_.now() + limit;
  while (!views().empty() && time_.now() < end) time_.run_for(100ms);
  keep(phase, views());
}

void Simulation::keep(const std::string& phase, const Complaints& complaints) {
  for (const std::string& complaint : complaints) {
    result_.complaints.push_back(phase + ": " + complaint);
  }
}

void Simulation::empty_the_herd() {
  const WallTime now = WallTime{} + std::chrono::seconds(1'767'225'600) + time_.elapsed();
  for (const auto& host : hosts_) {
    std::vector<std::string> ids;
    for (const auto& [id, container] : host->daemon().containers()) ids.push_back(id);
    for (const std::string& id : ids) host->daemon().remove(id, now);
    verbs_.send(any_host(), "register",
                dump_json(json{{"action", "register"}, {"hostname", host->hostname()}}), 2500ms);
  }
  time_.touch_all();
  wait_for_answers(5s);
  wait_for_views("emptied", 2s);
}

std::map<std::string, std::size_t> Simulation::counts() const {
  std::map<std::string, std::size_t> counts;
  for (const auto& host : hosts_) counts[host->hostname()] = host->daemon().containers().size();
  return counts;
}

std::map<std::string, std::size_t> Simulation::shares_of(int verb) const {
  std::map<std::string, std::size_t> shares;
  for (const auto& host : hosts_) {
    std::size_t& share = shares[host->hostname()];
    for (const MadeContainer& made : host->made()) {
      if (made.verb == std::to_string(verb)) ++share;
    }
  }
  return shares;
}

void Simulation::stay_calm() {
  for (int round = 1; round <= settings_.calm_rounds; ++round) {
    const std::string phase = "calm round " + std::to_string(round);
    if (round % 2 == 1) {
      create_calmly(phase, 1, true);
    } else {
      create_calmly(phase + ", at once", random_.between(2, 6), settings_.strict_at_once);
      even_out(phase + ", evened out");
    }
  }
}

void Simulation::create_calmly(const std::string& phase, int at_once, bool check_counts) {
  std::vector<int> sent;
  for (int i = 0; i < at_once; ++i) {
    const int instances = random_.chance(0.4) ? 0 : random_.between(1, 20);
    sent.push_back(verbs_.send_create(any_host(), instances, random_.chance(0.3)));
    if (random_.chance(0.3)) time_.run_for(random_.between(0ms, 30ms));
  }
  wait_for_answers(40s);
  for (const int number : sent) {
    const VerbRecord& record = verbs_.record(number);
    keep(phase, check_shares(number, record.asked, shares_of(number)));
    if (record.status != 200) {
      keep(phase, {"a create on a calm herd got " + std::to_string(record.status) + ": " +
                   record.body.substr(0, 500)});
    }
  }
  if (check_counts) keep(phase, check_balance(counts()));
}

void Simulation::even_out(const std::string& phase) {
  // Whatever creates at once have left uneven, a few single ones after each other mend.
  for (std::size_t i = 0; i < 2 * hosts_.size(); ++i) {
    verbs_.send_create(any_host(), 0, false);
    wait_for_answers(20s);
  }
  keep(phase, check_balance(counts()));
}

void Simulation::check_pool() {
  SimHost& out = any_host();
  const int verb =
      verbs_.send(any_host(), "unregister",
                  dump_json(json{{"action", "unregister"}, {"hostname", out.hostname()}}), 2500ms);
  wait_for_answers(5s);
  const int bulk = verbs_.send_create(any_host(), static_cast<int>(hosts_.size()) * 2, false);
  std::map<std::string, int> asked;
  for (const auto& host : hosts_) {
    asked[host->hostname()] =
        verbs_.send(*host, "list-nodes", R"({"action":"list-nodes"})", 2500ms);
  }
  wait_for_answers(20s);
  std::map<std::string, std::string> answers;
  for (const auto& [hostname, number] : asked) answers[hostname] = verbs_.record(number).body;
  keep("pool", check_pool_views(answers));
  if (verbs_.record(verb).status != 200) {
    keep("pool", {"unregister got " + verbs_.record(verb).body});
  }
  if (const auto shares = shares_of(bulk); shares.at(out.hostname()) > 0) {
    keep("pool", {"a host out of the pool got containers: " + dump_json(json(shares))});
  }
  wait_for_views("at the end", 2s);
}

void Simulation::check_whole_history() {
  Records records;
  for (const auto& [number, record] : verbs_.records()) records.push_back(*record);
  MadeByVerb made;
  for (const auto& host : hosts_) {
    for (const MadeContainer& container : host->made()) {
      if (!container.verb.empty()) made[container.verb].push_back(container);
    }
  }
  keep("history", check_answers(records));
  keep("history", check_accounts(records, made));
  keep("history", check_sends(network_.sends_to_lost_peers()));
}

}  // namespace dockherd::sim
