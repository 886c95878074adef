// What must hold of containers that ask for rescheduling, "services" here: of each, one runs, and
// those that it replaces are retired. As checkers.hpp: the evidence in, complaints out.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/fakes/memory_network.hpp"
#include "tests/sim/checkers.hpp"

namespace dockherd::sim {

/// One container of a service, as its daemon has it.
struct ServiceCopy {
  std::string id;
  std::string name;
  fakes::Host host = 0;
  bool running = false;
  std::vector<std::string> supersedes;  ///< Ids.
};
using ServiceCopies = std::vector<ServiceCopy>;

/// Of each service one copy runs, no more and no less.
Complaints check_runs_once(const std::set<std::string>& services, const ServiceCopies& copies);

/// The same containers run, on the same hosts: nothing was moved.
Complaints check_stays(const ServiceCopies& before, const ServiceCopies& after);

/// What a running copy supersedes is stopped, and its name says so.
Complaints check_retired(const ServiceCopies& copies);

}  // namespace dockherd::sim
