// A large herd of complete agents on virtual time, each beside a daemon with containers. Must not
// know what is measured.
//
// In a herd of a thousand with 100 containers each, every agent keeps 100,000 of them: 75 MB an
// agent, as it should, but a thousand agents in one process would take 75 GB. So only some agents
// are complete listeners. The others are the same program and send all that an agent sends, but the
// containers of others are taken out of what reaches them; sessions, liveness and verdicts are not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/random_source.hpp"
#include "tests/sim/sim_host.hpp"

namespace dockherd::sim {

struct ScaleSettings {
  std::size_t agents = 10;
  std::size_t containers_each = 100;
  std::size_t complete = 10;  ///< Agents that hear of all containers; the first ones.
  std::uint64_t seed = 1;
};

/// What was sent and computed up to a moment.
struct Spent {
  double messages = 0;  ///< Of all agents.
  double bytes = 0;     ///< The same; payload without headers of ZMTP, TCP and IP, and beacons.
  double cpu = 0;       ///< Seconds, of the complete agents; the network's part is not in it.
};

/// Hosts are numbered from 1.
class ScaleHerd {
 public:
  explicit ScaleHerd(ScaleSettings settings);

  std::size_t size() const { return hosts_.size(); }
  std::size_t complete() const { return settings_.complete; }
  SimHost& host(std::size_t number) { return *hosts_[number - 1]; }

  /// A new agent beside that daemon.
  void start(std::size_t number);
  /// Each at a random time within `within`, at the end of which this returns.
  void start_all(Duration within);

  /// Each living agent counts as many members as there are living agents.
  bool whole() const;
  /// The same, and they are the right ones.
  bool exactly_whole() const;
  /// No living agent sees any of these (but themselves).
  bool lost_by_all(const std::vector<NodeId>& gone) const;
  /// Every complete agent's directory has exactly the containers that the daemons have.
  bool directories_are_right() const;
  /// What is wrong with them, for a person.
  std::string wrong_in_directories() const;
  /// Every complete agent knows who serves the container; or that nobody does.
  bool all_know(const std::string& container, bool there) const;
  /// Members that living agents miss, summed.
  std::size_t members_missing() const;

  Spent spent() const;
  WallTime wall_now() const;

  fakes::VirtualTime time;
  fakes::MemoryNetwork network;

 private:
  std::map<std::string, NodeId> truth() const;
  bool is_complete(fakes::Host host) const {
    return static_cast<std::size_t>(host) <= settings_.complete;
  }

  ScaleSettings settings_;
  RandomSource random_;
  std::vector<std::unique_ptr<SimHost>> hosts_;
};

}  // namespace dockherd::sim
