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
  network_.on_departure = settings_.speak;
  faults_.without_splits = settings_.repeats;
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
  use_containers();
  check_pool();
  complete_repeats();
  check_whole_history();
  result_.trace_hash = network_.trace_hash();
  result_.verbs = verbs_.records().size();
  for (const auto& host : hosts_) result_.containers_made += host->made().size();
  result_.virtual_time = time_.elapsed();
  return result_;
}

void Simulation::form() {
  if (settings_.plant == Plant::silence) {
    for (const auto& host : hosts_) {
      host->change_settings = [](agent::NodeSettings& settings) { settings.relist_interval = 1h; };
    }
  }
  const Duration late = settings_.plant == Plant::late_start ? 1ms : 0ms;
  for (const auto& host : hosts_) {
    const Duration delay = random_.between(0ms, 1500ms) + late;
    time_.after(delay, [&host] { host->start_agent(); });
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
    if (settings_.twins && random_.chance(0.4)) faults_.make_twin();
    if (settings_.repeats && random_.chance(0.5)) verbs_.send_under_key(random_);
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
  if (settings_.plant == Plant::cut) {
    for (const auto& host : hosts_) {
      network_.cut(1, host->number());
      network_.cut(host->number(), 1);
    }
  }
  if (settings_.plant == Plant::stand_still) {
    hosts_.front()->set_frozen(true);
    verbs_.send(*hosts_.front(), "list-nodes", R"({"action":"list-nodes"})", 2500ms);
  }
  if (settings_.plant == Plant::silence) make_silent_twins();
  const TimePoint healed = time_.now();
  // The slowest verb is a bulk of ten containers over its rounds.
  if (!wait_for_answers(settings_.until_quiet)) keep("after healing", {"verbs are unanswered"});
  wait_for_views("after healing", settings_.until_quiet);
  // A create whose answer was lost counts at its node until its deadline, also when the node that
  // asked for it is gone; before that the herd is not calm.
  const auto idle = [](const auto& host) {
    return !host->alive() || host->process().docker().calls_in_flight() == 0;
  };
  time_.run_until([&] { return std::all_of(hosts_.begin(), hosts_.end(), idle); },
                  time_.now() + settings_.until_quiet);
  result_.quiet_after = time_.now() - healed;
  // Quiet is to last: what arrives late must not undo it.
  time_.run_for(3s);
  keep("3 s after quiet", views());
  result_.collisions = true_collisions().size();
}

bool Simulation::wait_for_answers(Duration limit) {
  return time_.run_until([this] { return verbs_.all_answered(); }, time_.now() + limit);
}

Directory Simulation::truth() const {
  Directory truth;
  for (const auto& host : hosts_) {
    if (!host->alive()) continue;
    for (const auto& [container, details] : host->daemon().containers()) {
      truth[container] = host->process().id();
    }
  }
  return truth;
}

Collisions Simulation::true_collisions() const {
  std::map<std::string, std::set<NodeId>> hosts;
  Collisions named;
  for (const auto& host : hosts_) {
    for (const auto& [id, container] : host->daemon().containers()) {
      hosts[container.name].insert(host->process().id());
      named[container.name].insert(id);
    }
  }
  std::erase_if(named, [&hosts](const auto& entry) { return hosts[entry.first].size() < 2; });
  return named;
}

/// Without events, and long before the whole lists are read again.
void Simulation::make_silent_twins() {
  for (const std::size_t index : {0u, 1u}) {
    hosts_[index]->daemon().preload(1, "twin-", WallTime{} + time_.elapsed());
  }
}

Complaints Simulation::views() const {
  std::set<NodeId> living;
  std::set<std::string> containers_ever;
  for (const auto& host : hosts_) {
    if (!host->alive()) return {host->hostname() + " is not alive"};
    living.insert(host->process().id());
    for (const MadeContainer& made : host->made()) containers_ever.insert(made.id);
  }
  std::map<std::string, Directory> directories;
  std::map<std::string, Endpoints> endpoints;
  std::map<std::string, std::set<NodeId>> members;
  std::map<std::string, Collisions> collisions;
  for (const auto& host : hosts_) {
    const agent::Node& node = host->process().node();
    const bus::EventBus& bus = node.event_bus();
    directories[host->hostname()] = node.containers();
    collisions[host->hostname()] = node.name_collisions();
    for (const std::string& id : containers_ever) {
      endpoints[host->hostname()][id] = bus.members(id);
    }
    std::set<NodeId>& seen = members[host->hostname()];
    seen.insert(host->process().id());
    for (const bus::PeerInfo& peer : bus.peers()) seen.insert(peer.id);
  }
  const Directory containers = truth();
  Complaints complaints;
  for (const Complaints& found :
       {check_membership(living, members), check_directories(containers, directories),
        check_endpoints(containers, endpoints), check_collisions(true_collisions(), collisions)}) {
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

Records Simulation::records_of(const std::vector<int>& numbers) const {
  Records records;
  for (const int number : numbers) records.push_back(verbs_.record(number));
  return records;
}

/// What was cut off is made by repeating it, whichever node is asked.
void Simulation::complete_repeats() {
  if (!settings_.repeats) return;
  const std::vector<int> sent = verbs_.repeat_all(any_host());
  if (!wait_for_answers(60s)) keep("repeating", {"verbs are unanswered"});
  keep("repeating", check_completed(records_of(sent)));
  wait_for_views("repeating", 10s);
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
  keep("history", check_once(records, made));
  keep("history", check_sends(network_.sends_to_lost_peers()));
}

}  // namespace dockherd::sim
