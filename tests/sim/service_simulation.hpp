// One run of a herd with services, containers that ask for rescheduling, from one seed: hosts are
// lost and return, the herd is split and heals, agents are away for a moment.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/random_source.hpp"
#include "tests/sim/service_checkers.hpp"
#include "tests/sim/sim_host.hpp"

namespace dockherd::sim {

/// Faults of the herd itself, each to be complained of.
enum class ServicePlant {
  none,
  untold,     ///< Nobody is told what a service needs.
  unheard,    ///< Nobody is told what is superseded.
  impatient,  ///< What is away for a moment is taken for lost.
  second,     ///< Somebody starts a second copy by hand.
};

struct ServiceSettings {
  std::uint64_t seed = 1;
  int rounds = 3;
  ServicePlant plant = ServicePlant::none;
  std::function<void(const std::string&)> tracer;
};

struct ServiceResult {
  std::uint64_t trace_hash = 0;
  Complaints complaints;
  std::size_t moved = 0;  ///< Copies made because hosts were lost or split off.
};

class ServiceSimulation {
 public:
  explicit ServiceSimulation(ServiceSettings settings);

  ServiceResult run();

 private:
  using Hosts = std::set<fakes::Host>;

  void place_services();
  void lose_hosts(const std::string& phase, bool for_good);
  void split(const std::string& phase);
  void stay_away_shortly(const std::string& phase);
  void stop_politely(const std::string& phase);

  void lose(SimHost& host);
  void bring_back(SimHost& host);
  /// What is promised of those hosts while the others cannot be seen.
  void check_side(const std::string& phase, const Hosts& side, const ServiceCopies& before);
  /// All hosts are together again.
  void check_whole(const std::string& phase);
  void wait_for(const std::string& phase, const std::function<Complaints()>& check, Duration limit);
  void set_daemons_rough(const Hosts& hosts, bool rough);
  void make_copy(SimHost& host, const std::string& name);
  void plant_loss_of(bus::Frames& frames) const;
  void say(const std::string& what);

  ServiceCopies copies(const Hosts& hosts) const;
  /// More than half of all, or half of them and the first one by name.
  bool acts(const Hosts& side) const;
  Hosts all() const;
  Hosts some_hosts(std::size_t count);
  SimHost& host(fakes::Host number) { return *hosts_[static_cast<std::size_t>(number - 1)]; }

  ServiceSettings settings_;
  RandomSource random_;
  fakes::VirtualTime time_;
  fakes::MemoryNetwork network_;
  std::vector<std::unique_ptr<SimHost>> hosts_;
  std::set<std::string> services_;
  ServiceResult result_;
};

}  // namespace dockherd::sim
