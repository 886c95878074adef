// One host of the simulated herd: a daemon that outlives everything, and an agent that may die and
// start again. Must not know why anything is done to it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/node.hpp"
#include "tests/fakes/fake_docker.hpp"
#include "tests/fakes/memory_network.hpp"
#include "tests/fakes/virtual_clock.hpp"

namespace dockherd::sim {

/// How an agent ends.
enum class Ending {
  killed,     ///< SIGKILL: its connections close.
  power_off,  ///< The host is gone without a word. (Its daemon keeps its containers.)
};

/// A container as its daemon once made it.
struct MadeContainer {
  std::string id;
  std::string verb;  ///< Label sim.verb, empty when not made by a verb of the simulation.
  TimePoint made;
  TimePoint gone = TimePoint::max();
};

/// One run of an agent: complete, above the ports.
class SimProcess {
 public:
  SimProcess(fakes::VirtualTime& time, fakes::MemoryNetwork& network, fakes::DaemonModel& daemon,
             fakes::Host number, agent::NodeSettings settings,
             const trust::UserBook* users = nullptr);
  ~SimProcess();
  SimProcess(const SimProcess&) = delete;
  SimProcess& operator=(const SimProcess&) = delete;

  agent::Node& node() { return *node_; }
  fakes::FakeDocker& docker() { return docker_; }
  asio::io_context& context() { return context_; }
  /// For what is to run in this process.
  asio::any_io_executor executor() { return executor_; }
  const NodeId& id() const { return id_; }

  /// No more of it is heard; its peers notice as `ending` says.
  void vanish(Ending ending);

 private:
  fakes::VirtualTime& time_;
  fakes::MemoryNetwork& network_;
  fakes::Host number_;
  NodeId id_;
  fakes::VirtualContext context_;
  fakes::MortalExecutor executor_;
  fakes::VirtualClock clock_;
  fakes::FakeDocker docker_;
  fakes::MemoryTransport transport_;
  fakes::MemoryDiscovery discovery_;
  std::unique_ptr<agent::Node> node_;
};

class SimHost {
 public:
  SimHost(fakes::VirtualTime& time, fakes::MemoryNetwork& network, fakes::Host number,
          std::uint64_t seed);
  ~SimHost();
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  fakes::Host number() const { return number_; }
  const std::string& hostname() const { return hostname_; }
  bool alive() const { return process_ != nullptr; }
  bool stopping() const { return stopping_; }
  bool frozen() const { return frozen_; }
  SimProcess& process() { return *process_; }
  fakes::DaemonModel& daemon() { return daemon_; }

  /// A new agent with empty state and a new id.
  void start_agent();
  void end_agent(Ending ending);
  /// As SIGTERM: ends when its goodbye is said. `ended` may be empty.
  void stop_agent(std::function<void()> ended);
  void set_frozen(bool frozen);

  /// The daemon's own faults; a new agent meets the daemon as it is.
  void set_daemon_up(bool up);
  bool daemon_up() const { return daemon_up_; }
  void restart_daemon();
  void slow_daemon(double factor);
  void fail_daemon_randomly(double failure, double loss);
  void heal_daemon();

  /// Is given the settings of each agent before it starts.
  std::function<void(agent::NodeSettings&)> change_settings;
  /// Who may call the agents that start from now on; null: they ask nobody. Outlives them.
  const trust::UserBook* users = nullptr;

  /// Every container that the daemon ever made, in that order.
  const std::vector<MadeContainer>& made() const { return made_; }
  /// Counts starts of agents here; tells one run from another.
  int incarnation() const { return incarnation_; }

 private:
  void note_event(const fakes::ModelEvent& event);
  void apply_daemon_faults();

  fakes::VirtualTime& time_;
  fakes::MemoryNetwork& network_;
  fakes::Host number_;
  std::string hostname_;
  std::mt19937_64 random_;
  fakes::DaemonModel daemon_;
  bool daemon_up_ = true;
  double slowness_ = 1;
  double failure_ = 0;
  double loss_ = 0;
  bool frozen_ = false;
  bool stopping_ = false;
  int incarnation_ = 0;
  std::vector<MadeContainer> made_;
  std::unique_ptr<SimProcess> process_;
};

}  // namespace dockherd::sim
