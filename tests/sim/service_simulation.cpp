#include "tests/sim/service_simulation.hpp"

#include <algorithm>

#include "agent/reschedule_rules.hpp"
#include "agent/specification_keeper.hpp"
#include "agent/superseded_watcher.hpp"
#include "base/json_reader.hpp"
#include "bus/envelope.hpp"

namespace dockherd::sim {

using namespace std::chrono_literals;

namespace {

constexpr Duration until_known = 3s;  // Specifications are told, and keepers chosen anew.
/// A loss is noticed and borne (4 s), three keepers have their turns (20 s), and what a daemon
/// refused is tried again every 5 s.
constexpr Duration until_moved = 60s;
/// Where it is in doubt whether a copy was made, for two minutes more.
constexpr Duration until_moved_in_doubt = 300s;
constexpr Duration until_retired = 60s;

fakes::NetworkSettings network_of(std::uint64_t seed) {
  fakes::NetworkSettings settings;
  settings.random_seed = seed;
  return settings;
}

}  // namespace

ServiceSimulation::ServiceSimulation(ServiceSettings settings)
    : settings_(std::move(settings)),
      random_(settings_.seed),
      network_(time_, network_of(random_.draw())) {
  network_.tracer = settings_.tracer;
  network_.on_departure = [this](fakes::Host, fakes::Host, bus::Frames& frames) {
    plant_loss_of(frames);
  };
  const int count = random_.between(3, 7);
  for (int number = 1; number <= count; ++number) {
    hosts_.push_back(std::make_unique<SimHost>(time_, network_, number, random_.draw()));
    if (settings_.plant != ServicePlant::impatient) continue;
    host(number).change_settings = [](agent::NodeSettings& node) { node.reschedule_after = 0ms; };
  }
}

/// In its place the receiver gets a notice that means nothing.
void ServiceSimulation::plant_loss_of(bus::Frames& frames) const {
  const bool untold = settings_.plant == ServicePlant::untold;
  if ((!untold && settings_.plant != ServicePlant::unheard) || frames.size() < 2) return;
  const auto topic = quote_json(untold ? agent::topic_specification : agent::topic_superseded);
  if (frames[1].find("\"topic\":" + topic) == std::string::npos) return;
  frames[1] = bus::encode_notice("nothing", "{}");
}

ServiceResult ServiceSimulation::run() {
  for (const auto& each : hosts_) each->start_agent();
  time_.run_for(3s);
  place_services();
  for (int round = 1; round <= settings_.rounds; ++round) {
    const std::string phase = "round " + std::to_string(round);
    time_.run_for(until_known);
    const int kind = random_.between(1, 8);
    if (settings_.plant == ServicePlant::impatient || kind == 1) {
      stay_away_shortly(phase + ", away for a moment");
    } else if (kind == 2) {
      stop_politely(phase + ", stopped");
    } else if (kind <= 4) {
      split(phase + ", split");
    } else {
      lose_hosts(phase + ", lost", false);
    }
  }
  time_.run_for(until_known);
  if (settings_.plant != ServicePlant::impatient) lose_hosts("at the end, lost for good", true);
  result_.trace_hash = network_.trace_hash();
  return result_;
}

void ServiceSimulation::say(const std::string& what) {
  if (network_.tracer) network_.tracer(std::to_string(time_.elapsed().count()) + " FAULT " + what);
}

void ServiceSimulation::make_copy(SimHost& host, const std::string& name) {
  const WallTime now = WallTime{} + std::chrono::seconds(1'767'225'600) + time_.elapsed();
  json body{{"Image", "busybox:latest"}};
  if (services_.contains(name)) body["Labels"]["reschedule:on-node-failure"] = "";
  host.daemon().handle("POST", "/containers/create?name=" + name, dump_json(body), now);
  host.daemon().handle("POST", "/containers/" + name + "/start", "", now);
  time_.touch_all();
}

void ServiceSimulation::place_services() {
  const int count = random_.between(2, 6);
  for (int number = 1; number <= count; ++number) {
    services_.insert("service" + std::to_string(number));
    make_copy(*random_.pick(hosts_), "service" + std::to_string(number));
    // One that does not ask for anything stays where it is, whatever happens.
    make_copy(*random_.pick(hosts_), "plain" + std::to_string(number));
  }
}

// ---- what happens to the herd

void ServiceSimulation::lose(SimHost& host) {
  const int kind = random_.between(1, 3);
  say(host.hostname() + " is lost");
  if (kind == 3) {
    host.set_frozen(true);
  } else {
    host.end_agent(kind == 1 ? Ending::power_off : Ending::killed);
  }
}

void ServiceSimulation::bring_back(SimHost& host) {
  say(host.hostname() + " returns");
  if (host.alive()) {
    host.set_frozen(false);
  } else {
    host.start_agent();
  }
}

void ServiceSimulation::lose_hosts(const std::string& phase, bool for_good) {
  const ServiceCopies before = copies(all());
  // Two may die with a service's owner: at most three, and not all that could act.
  const auto most = std::min<std::size_t>(3, hosts_.size() / 2);
  const Hosts lost = some_hosts(1 + random_.below(most));
  Hosts left = all();
  for (const fakes::Host number : lost) left.erase(number);
  for (const fakes::Host number : lost) {
    lose(host(number));
    // One after the other, unless those that are left could act in between only.
    if (acts(left) && random_.chance(0.3)) time_.run_for(random_.between(0ms, 3s));
  }
  const bool rough = random_.chance(0.4);
  set_daemons_rough(left, rough);
  if (settings_.plant == ServicePlant::second) {
    time_.run_for(until_moved);
    for (const fakes::Host number : left) make_copy(host(number), *services_.begin());
  }
  check_side(phase, left, before);
  set_daemons_rough(left, false);
  if (for_good) return;
  for (const fakes::Host number : lost) bring_back(host(number));
  check_whole(phase + " and back");
}

void ServiceSimulation::split(const std::string& phase) {
  const ServiceCopies before = copies(all());
  const Hosts one = some_hosts(1 + random_.below(hosts_.size() - 1));
  Hosts other = all();
  for (const fakes::Host number : one) other.erase(number);
  say("split");
  for (const fakes::Host a : one) {
    for (const fakes::Host b : other) {
      network_.cut(a, b);
      network_.cut(b, a);
    }
  }
  // First the side that acts: the other has then had as long to do nothing.
  const bool one_acts = acts(one);
  check_side(phase, one_acts ? one : other, before);
  check_side(phase, one_acts ? other : one, before);
  say("heal");
  network_.heal_all();
  check_whole(phase + " and healed");
}

void ServiceSimulation::stay_away_shortly(const std::string& phase) {
  const ServiceCopies before = copies(all());
  for (int times = random_.between(1, 3); times > 0; --times) {
    SimHost& chosen = *random_.pick(hosts_);
    chosen.end_agent(Ending::killed);
    time_.run_for(random_.between(600ms, 1'500ms));
    chosen.start_agent();
    time_.run_for(until_known);
  }
  time_.run_for(20s);
  for (const std::string& complaint : check_stays(before, copies(all()))) {
    result_.complaints.push_back(phase + ": " + complaint);
  }
}

void ServiceSimulation::stop_politely(const std::string& phase) {
  const ServiceCopies before = copies(all());
  SimHost& chosen = *random_.pick(hosts_);
  chosen.stop_agent({});
  time_.run_for(random_.between(20s, 40s));
  for (const std::string& complaint : check_stays(before, copies(all()))) {
    result_.complaints.push_back(phase + ": " + complaint);
  }
  chosen.start_agent();
  check_whole(phase + " and back");
}

void ServiceSimulation::set_daemons_rough(const Hosts& hosts, bool rough) {
  for (const fakes::Host number : hosts) {
    host(number).fail_daemon_randomly(rough ? 0.2 : 0, rough ? 0.1 : 0);
  }
}

// ---- what is promised

void ServiceSimulation::wait_for(const std::string& phase, const std::function<Complaints()>& check,
                                 Duration limit) {
  const TimePoint end = time_.now() + limit;
  while (!check().empty() && time_.now() < end) time_.run_for(500ms);
  if (check().empty()) time_.run_for(5s);  // It is to last.
  for (const std::string& complaint : check()) {
    result_.complaints.push_back(phase + ": " + complaint);
  }
}

void ServiceSimulation::check_side(const std::string& phase, const Hosts& side,
                                   const ServiceCopies& before) {
  if (acts(side)) {
    wait_for(
        phase, [&] { return check_runs_once(services_, copies(side)); }, until_moved_in_doubt);
    for (const ServiceCopy& copy : copies(side)) {
      if (copy.running && !copy.supersedes.empty()) ++result_.moved;
    }
    return;
  }
  ServiceCopies here;
  for (const ServiceCopy& copy : before) {
    if (side.contains(copy.host)) here.push_back(copy);
  }
  time_.run_for(30s);
  for (const std::string& complaint : check_stays(here, copies(side))) {
    result_.complaints.push_back(phase + ", the lesser side: " + complaint);
  }
}

void ServiceSimulation::check_whole(const std::string& phase) {
  wait_for(
      phase,
      [this] {
        const ServiceCopies now = copies(all());
        Complaints complaints = check_runs_once(services_, now);
        const Complaints retired = check_retired(now);
        complaints.insert(complaints.end(), retired.begin(), retired.end());
        return complaints;
      },
      until_retired);
}

ServiceCopies ServiceSimulation::copies(const Hosts& hosts) const {
  ServiceCopies found;
  for (const auto& each : hosts_) {
    if (!hosts.contains(each->number())) continue;
    for (const auto& [id, container] : each->daemon().containers()) {
      ServiceCopy copy;
      copy.id = id;
      copy.name = container.name;
      copy.host = each->number();
      copy.running = container.state == fakes::ContainerState::running;
      const auto label = container.labels.find(agent::supersedes_label);
      if (label != container.labels.end()) {
        copy.supersedes = agent::superseded_ids(label->second);
      }
      found.push_back(std::move(copy));
    }
  }
  return found;
}

bool ServiceSimulation::acts(const Hosts& side) const {
  if (2 * side.size() != hosts_.size()) return 2 * side.size() > hosts_.size();
  return side.contains(1);
}

ServiceSimulation::Hosts ServiceSimulation::all() const {
  Hosts numbers;
  for (const auto& each : hosts_) numbers.insert(each->number());
  return numbers;
}

ServiceSimulation::Hosts ServiceSimulation::some_hosts(std::size_t count) {
  Hosts chosen;
  while (chosen.size() < count) chosen.insert(random_.pick(hosts_)->number());
  return chosen;
}

}  // namespace dockherd::sim
