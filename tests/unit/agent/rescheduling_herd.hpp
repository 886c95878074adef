// A small herd whose containers ask to run again elsewhere when their host is lost.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/reschedule_rules.hpp"
#include "tests/unit/agent/small_herd.hpp"

namespace dockherd::agent {

/// Purpose: what tests of rescheduling plant and look at. Owned by the test.
class ReschedulingHerd : public SmallHerd {
 public:
  using SmallHerd::SmallHerd;

  /// A running container that asks for rescheduling; `body` beside its image and policy.
  std::string run_asking(int number, const std::string& name, json body = json::object()) {
    body["Labels"]["com.docker.swarm.reschedule-policies"] = R"(["on-node-failure"])";
    return run(number, name, std::move(body));
  }

  /// Long enough for its owner to have told the keepers.
  void settle() { time().run_for(std::chrono::seconds(3)); }

  /// Hosts whose agents are there and that run a container of this name, one entry for each.
  std::vector<int> places(const std::string& name) {
    std::vector<int> places;
    for (int number = 1; number <= size(); ++number) {
      if (!host(number).alive()) continue;
      for (const auto& [id, container] : host(number).daemon().containers()) {
        const bool runs = container.state == fakes::ContainerState::running;
        if (runs && container.name == name) places.push_back(number);
      }
    }
    return places;
  }

  /// That daemon's container of this name, in whatever state; null when it has none.
  const fakes::ModelContainer* container(int number, const std::string& name) {
    for (const auto& [id, container] : host(number).daemon().containers()) {
      if (container.name == name) return &container;
    }
    return nullptr;
  }

  /// Containers that the daemons of these hosts have ever made.
  std::size_t made_ever(const std::vector<int>& numbers) {
    std::size_t made = 0;
    for (const int number : numbers) made += host(number).made().size();
    return made;
  }

  /// The hosts of the agents that keep a container's specification, in the order in which they act.
  std::vector<int> keepers(const std::string& id, int owner) {
    std::map<NodeId, int> numbers;
    std::vector<NodeId> agents;
    for (int number = 1; number <= size(); ++number) {
      if (number == owner || !host(number).alive()) continue;
      agents.push_back(host(number).process().id());
      numbers[agents.back()] = number;
    }
    std::vector<int> keepers;
    for (const NodeId& keeper : keepers_of(id, agents)) keepers.push_back(numbers.at(keeper));
    return keepers;
  }
};

}  // namespace dockherd::agent
