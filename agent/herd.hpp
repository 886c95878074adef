// What a node knows and reaches, handed by reference to the services that act on it. No behaviour
// of its own beyond short look-ups and the counts of creates under way.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <string>

#include "agent/container_directory.hpp"
#include "agent/name_collisions.hpp"
#include "agent/node.hpp"
#include "agent/node_table.hpp"
#include "agent/placement.hpp"
#include "base/clock.hpp"
#include "base/task_group.hpp"
#include "bus/event_bus.hpp"

namespace dockherd::agent {

/// Creates under way on one node. One whose container shows in the directory already, because the
/// daemon's event came before its answer, is not counted twice.
class CreatesUnderWay {
 public:
  void begin() { ++hidden_; }
  void end() { --(shown_ > 0 ? shown_ : hidden_); }
  /// A container is about to be put into the directory that was not there.
  void note_shown() {
    if (hidden_ == 0) return;
    --hidden_;
    ++shown_;
  }
  /// Not in the directory yet.
  std::size_t hidden() const { return hidden_; }
  bool none() const { return hidden_ == 0 && shown_ == 0; }

 private:
  std::size_t hidden_ = 0;
  std::size_t shown_ = 0;
};

/// Owned by Node; outlives every service. One thread only.
struct Herd {
  Herd(const NodePorts& ports, NodeSettings node_settings, bus::BusSettings bus_settings)
      : settings(std::move(node_settings)),
        endpoint(ports.transport.endpoint()),
        clock(ports.clock),
        users(ports.users),
        log(get_logger("agent")),
        random(settings.random_seed),
        tasks(ports.executor, log),
        bus(ports.executor, ports.clock, ports.transport, ports.discoveries,
            std::move(bus_settings), settings.random_seed ^ 0x9e3779b97f4a7c15ULL,
            get_logger("bus")),
        directory(settings.id) {}

  const NodeId& self() const { return settings.id; }
  NodeStatus& own_status() { return *nodes.find(settings.id); }

  /// False in the first moments after the start: the daemon has neither answered nor failed to.
  bool daemon_asked() const {
    const NodeStatus& status = *nodes.find(settings.id);
    return status.daemon_up || !status.daemon_error.empty();
  }

  /// A node's hostname, or the first digits of its id when its status has not arrived yet.
  std::string hostname_of(const NodeId& node) const {
    const NodeStatus* status = nodes.find(node);
    return status != nullptr ? status->hostname : node.short_hex();
  }

  /// What other nodes should know of this one.
  std::string own_sum() { return view_sum(directory.sum(self()), encode_status(own_status())); }

  /// Nodes that take new containers, with the containers that each has or is about to get from us.
  Loads loads_in_pool() const {
    Loads loads = agent::loads_in_pool(nodes, directory);
    for (const auto& [node, creates] : assigned_) {
      if (const auto it = loads.find(node); it != loads.end()) it->second += creates.hidden();
    }
    return loads;
  }

  /// A create is given to a node, and has ended. In between the node counts as having one more;
  /// from the moment its container shows in the directory that one is not counted twice.
  void assign(const NodeId& node) { assigned_[node].begin(); }
  void release(const NodeId& node) {
    const auto it = assigned_.find(node);
    it->second.end();
    if (it->second.none()) assigned_.erase(it);
  }
  /// Puts a container, or its new names, into the directory.
  void put(const NodeId& node, const std::string& id, const std::vector<std::string>& names) {
    directory.put(node, id, names);
    if (!on_name_seen) return;
    for (const std::string& name : names) on_name_seen(name);
  }

  /// A container is about to be put into the directory that was not there.
  void note_new_container(const NodeId& node) {
    if (const auto it = assigned_.find(node); it != assigned_.end()) it->second.note_shown();
    if (node == self()) creating_here.note_shown();
  }

  NodeSettings settings;
  std::string endpoint;  ///< Of the bus, as peers are told it.
  Clock& clock;
  const trust::UserBook* users;  ///< Null: of a herd that knows none.
  Logger log;
  std::mt19937_64 random;
  TaskGroup tasks;
  bus::EventBus bus;
  ContainerDirectory directory;
  /// Longer than it takes the words of two nodes to overtake each other on their way to a third.
  NameCollisions name_collisions{std::chrono::milliseconds(500)};
  NodeTable nodes;
  std::function<void(const std::string& name)>
      on_name_seen;  ///< In any node's part of the directory.
  std::function<void(const CollisionChange& change)> on_name_collision;
  CreatesUnderWay creating_here;  ///< By this node's own daemon, whoever asked.
  TimePoint started{};
  bool stopping = false;  ///< Takes no more work for peers.

 private:
  std::map<NodeId, CreatesUnderWay> assigned_;  // Asked for by this node.
};

}  // namespace dockherd::agent
