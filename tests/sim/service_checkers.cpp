#include "tests/sim/service_checkers.hpp"

#include <algorithm>
#include <map>

namespace dockherd::sim {

namespace {

std::string describe(const ServiceCopy& copy) {
  return copy.name + " (" + copy.id.substr(0, 12) + " on host" + std::to_string(copy.host) + ")";
}

/// Host by id.
std::map<std::string, fakes::Host> running(const ServiceCopies& copies) {
  std::map<std::string, fakes::Host> found;
  for (const ServiceCopy& copy : copies) {
    if (copy.running) found[copy.id] = copy.host;
  }
  return found;
}

}  // namespace

Complaints check_runs_once(const std::set<std::string>& services, const ServiceCopies& copies) {
  Complaints complaints;
  for (const std::string& service : services) {
    std::string where;
    int count = 0;
    for (const ServiceCopy& copy : copies) {
      if (!copy.running || copy.name != service) continue;
      ++count;
      where += " " + describe(copy);
    }
    if (count == 1) continue;
    complaints.push_back(service + " runs " + std::to_string(count) + " times:" + where);
  }
  return complaints;
}

Complaints check_stays(const ServiceCopies& before, const ServiceCopies& after) {
  Complaints complaints;
  const auto was = running(before);
  const auto is = running(after);
  for (const ServiceCopy& copy : before) {
    if (copy.running && !is.contains(copy.id)) {
      complaints.push_back(describe(copy) + " does not run any more");
    }
  }
  for (const ServiceCopy& copy : after) {
    if (copy.running && !was.contains(copy.id)) {
      complaints.push_back(describe(copy) + " was not there before");
    }
  }
  return complaints;
}

Complaints check_retired(const ServiceCopies& copies) {
  Complaints complaints;
  for (const ServiceCopy& newer : copies) {
    if (!newer.running) continue;
    for (const ServiceCopy& old : copies) {
      const auto& ids = newer.supersedes;
      if (std::find(ids.begin(), ids.end(), old.id) == ids.end()) continue;
      if (old.running) {
        complaints.push_back(describe(old) + " still runs beside " + describe(newer));
      } else if (old.name != newer.name + "-superseded-" + old.id.substr(0, 12)) {
        complaints.push_back(describe(old) + " does not say that it is superseded");
      }
    }
  }
  return complaints;
}

}  // namespace dockherd::sim
