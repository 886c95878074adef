// The calm half of a simulation: no faults any more, and every promise is to be kept to the letter.
#include "base/json_reader.hpp"
#include "tests/sim/simulation.hpp"

namespace dockherd::sim {

using namespace std::chrono_literals;

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
  if (settings_.plant == Plant::refusals) {
    for (const auto& host : hosts_) host->fail_daemon_randomly(1, 0);
  }
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
  }
  keep(phase, check_successes(records_of(sent)));
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

/// Verbs about containers that exist, by id, by name and by prefix, through any node.
void Simulation::use_containers() {
  verbs_.send_create(any_host(), 6, true);
  wait_for_answers(40s);
  for (const std::string by : {"id", "name", "prefix"}) {
    const std::string phase = "by " + by;
    std::vector<fakes::ModelContainer> containers;
    for (const auto& host : hosts_) {
      for (const auto& [id, container] : host->daemon().containers()) {
        containers.push_back(container);
      }
    }
    if (containers.empty()) return keep(phase, {"there is no container"});
    const fakes::ModelContainer chosen = random_.pick(containers);
    json request{{"action", "inspect-container"}, {"id", chosen.id}};
    if (by == "name") request["id"] = chosen.name;
    if (by == "prefix") request["id"] = chosen.id.substr(0, 12);
    const int inspection = verbs_.send(any_host(), "inspect-container", dump_json(request), 2500ms);
    wait_for_answers(5s);
    keep(phase, check_inspection(verbs_.record(inspection), chosen.id));
    list_containers(phase);
    request["action"] = "delete-container";
    request["force"] = true;
    const int deletion = verbs_.send(any_host(), "delete-container", dump_json(request), 2500ms);
    wait_for_answers(5s);
    keep(phase, check_deletion(verbs_.record(deletion), chosen.id, truth()));
    list_containers(phase + ", deleted");
    wait_for_views(phase + ", deleted", 1s);
  }
}

void Simulation::list_containers(const std::string& phase) {
  const int list = verbs_.send(any_host(), "list-containers",
                               R"({"action":"list-containers","all":true})", 2500ms);
  wait_for_answers(5s);
  keep(phase, check_list(verbs_.record(list), truth()));
}

void Simulation::check_pool() {
  const std::size_t chosen = random_.below(hosts_.size());
  SimHost& out = *hosts_[chosen];
  const auto change = [&](const std::string& action) {
    const json request{{"action", action}, {"hostname", out.hostname()}};
    const int verb = verbs_.send(any_host(), action, dump_json(request), 2500ms);
    wait_for_answers(5s);
    return verb;
  };
  const int leaving = change("unregister");
  if (settings_.plant == Plant::comeback) change("register");
  const int bulk = verbs_.send_create(any_host(), static_cast<int>(hosts_.size()) * 2, false);
  wait_for_answers(20s);
  keep("pool", check_successes(records_of({leaving, bulk})));
  keep("pool", check_left_out(out.hostname(), shares_of(bulk)));
  compare_pool("pool", &out);
  restart(*hosts_[(chosen + 1) % hosts_.size()]);
  compare_pool("pool, another agent restarted", &out);
  restart(out);
  compare_pool("pool, its agent restarted", nullptr);
  wait_for_views("at the end", 2s);
}

/// Every node is to say that all hosts but `out` are in the pool.
void Simulation::compare_pool(const std::string& phase, const SimHost* out) {
  std::map<std::string, std::string> states;
  std::map<std::string, int> asked;
  for (const auto& host : hosts_) {
    states[host->hostname()] = host.get() == out ? "out of the pool" : "in the pool";
    asked[host->hostname()] =
        verbs_.send(*host, "list-nodes", R"({"action":"list-nodes"})", 2500ms);
  }
  wait_for_answers(5s);
  std::map<std::string, std::string> answers;
  for (const auto& [hostname, number] : asked) answers[hostname] = verbs_.record(number).body;
  keep(phase, check_pool_views(states, answers));
}

void Simulation::restart(SimHost& host) {
  verbs_.note_end(host);
  host.end_agent(Ending::killed);
  time_.run_for(random_.between(50ms, 1s));
  host.start_agent();
  wait_for_views(host.hostname() + " restarted", 2s);
}

}  // namespace dockherd::sim
