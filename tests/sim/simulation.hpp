// One run of a whole herd from one seed: faults under random verbs, healing, then a calm herd.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/checkers.hpp"
#include "tests/sim/fault_driver.hpp"
#include "tests/sim/random_source.hpp"
#include "tests/sim/sim_host.hpp"
#include "tests/sim/verb_driver.hpp"

namespace dockherd::sim {

/// Faults that no healing undoes, for the tests of the tests: each must be complained of.
enum class Plant {
  none,
  cut,          ///< Healing leaves one host cut off.
  stand_still,  ///< An agent with a verb to answer freezes for ever.
  refusals,     ///< All daemons refuse all that would change something, once the herd is calm.
  comeback,     ///< A host that was taken out of the pool enters it again on the sly.
  silence,      ///< Two daemons get a container of the same name and tell nobody.
  late_start,   ///< Agents start a millisecond late: another history.
};

struct SimulationSettings {
  std::uint64_t seed = 1;
  Duration faults = std::chrono::seconds(12);       ///< How long faults are made.
  Duration until_quiet = std::chrono::seconds(45);  ///< After healing; more is a complaint.
  int calm_rounds = 5;                              ///< Of bulks and single creates.
  /// Also creates sent at once through several nodes must leave the herd even; otherwise it is
  /// enough that those that follow one after the other even it out.
  bool strict_at_once = false;
  /// Instead of random faults and verbs: links are reset twice, a second apart, nothing else.
  bool only_double_resets = false;
  /// Creates are also sent under keys, and repeated. Without splits: an agent that starts anew in
  /// one cannot know what there is on the other side (docs/reliability.md).
  bool repeats = false;
  /// Containers of the same few names are made on all hosts, whatever the herd knows of them.
  bool twins = false;
  Plant plant = Plant::none;
  /// May change what hosts say, as agents of other releases would say it.
  std::function<void(fakes::Host from, fakes::Host to, bus::Frames& frames)> speak;
  /// Told every message, verb and fault, for a person.
  std::function<void(const std::string&)> tracer;
};

struct SimulationResult {
  std::uint64_t trace_hash = 0;
  Complaints complaints;
  std::size_t hosts = 0;
  std::size_t verbs = 0;
  std::size_t containers_made = 0;
  std::size_t collisions = 0;  ///< Names that containers of several hosts had after healing.
  Duration quiet_after{};      ///< From healing until every view was right.
  Duration virtual_time{};
};

class Simulation {
 public:
  explicit Simulation(SimulationSettings settings);

  SimulationResult run();

 private:
  void form();
  void make_trouble();
  void reset_links_twice();
  void heal_and_wait();
  void complete_repeats();
  void check_whole_history();

  // The calm herd, in simulation_calm.cpp.
  void empty_the_herd();
  void stay_calm();
  void create_calmly(const std::string& phase, int at_once, bool check_counts);
  void even_out(const std::string& phase);
  void use_containers();
  void list_containers(const std::string& phase);
  void check_pool();
  void compare_pool(const std::string& phase, const SimHost* out);
  void restart(SimHost& host);

  /// Every container, by the daemons.
  Directory truth() const;
  /// Names that containers of several hosts have, by the daemons.
  Collisions true_collisions() const;
  void make_silent_twins();
  /// What is wrong with the nodes' views at this moment.
  Complaints views() const;
  /// Until `views` has no complaint, or `limit`; then its complaints are kept under `phase`.
  void wait_for_views(const std::string& phase, Duration limit);
  bool wait_for_answers(Duration limit);
  void keep(const std::string& phase, const Complaints& complaints);
  Records records_of(const std::vector<int>& numbers) const;
  std::map<std::string, std::size_t> counts() const;
  std::map<std::string, std::size_t> shares_of(int verb) const;
  SimHost& any_host() { return *hosts_[random_.below(hosts_.size())]; }

  SimulationSettings settings_;
  RandomSource random_;
  fakes::VirtualTime time_;
  fakes::MemoryNetwork network_;
  std::vector<std::unique_ptr<SimHost>> hosts_;
  VerbDriver verbs_;
  FaultDriver faults_;
  SimulationResult result_;
};

}  // namespace dockherd::sim
