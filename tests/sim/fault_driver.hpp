// Makes faults in a simulated herd, and undoes them. Must not judge what the herd makes of them.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tests/sim/random_source.hpp"
#include "tests/sim/sim_host.hpp"
#include "tests/sim/verb_driver.hpp"

namespace dockherd::sim {

/// Purpose: one fault at each call of make_one(), undone by itself some seconds later; heal()
/// undoes all at once and brings every agent and daemon back.
class FaultDriver {
 public:
  using Hosts = std::vector<std::unique_ptr<SimHost>>;

  FaultDriver(fakes::VirtualTime& time, fakes::MemoryNetwork& network, Hosts& hosts,
              VerbDriver& verbs, RandomSource random);

  /// Datagrams are lost, doubled and late from now until heal().
  void spoil_datagrams();
  void make_one();
  /// The same link is reset twice, about a second apart: its ends begin anew while they still do.
  void break_link_twice();
  /// Somebody uses the docker command on one of the hosts.
  void meddle_with_containers();
  /// The same, and gives a container one of a few names, whoever else has it.
  void make_twin();
  void heal();

  /// No directions are cut and no hosts isolated.
  bool without_splits = false;

 private:
  bool all_are_well();
  void later(Duration delay, std::function<void()> action);
  void say(const std::string& what);
  WallTime wall_now() const;
  SimHost& any_host() { return *hosts_[random_.below(hosts_.size())]; }

  void end_agent(SimHost& host);
  void stop_agent(SimHost& host);
  void freeze(SimHost& host);
  void cut_pair(SimHost& host);
  void isolate(SimHost& host);
  void break_links(SimHost& host);
  void break_some_link_twice(SimHost&) { break_link_twice(); }
  void delay(SimHost& host);
  void take_daemon_down(SimHost& host);
  void slow_daemon(SimHost& host);
  void fail_daemon(SimHost& host);
  void start_again(SimHost& host, Duration after);

  fakes::VirtualTime& time_;
  fakes::MemoryNetwork& network_;
  Hosts& hosts_;
  VerbDriver& verbs_;
  RandomSource random_;
  int meddled_ = 0;
  int round_ = 0;  // Undoing belongs to one; heal() begins the next.
  TimePoint well_since_{};
};

}  // namespace dockherd::sim
