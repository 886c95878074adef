// What this node knows of every node of the herd: pool, daemon, versions, and whom it has lost.
// Pure: told by docker_watcher (this node) and peer_watcher (the others).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "engine_api/herd_port.hpp"

namespace dockherd::agent {

class ContainerDirectory;

/// What a node says of itself (notice "status") and shows in list-nodes.
struct NodeStatus {
  std::string hostname;
  std::string address;         ///< HTTP, "ADDRESS:PORT": where clients call.
  std::string agents_address;  ///< Where other agents call; empty: as clients do.
  std::string version;         ///< Of the agent.
  bool in_pool = true;         ///< Takes new containers.
  bool daemon_up = false;      ///< Its daemon answered last time.
  std::string daemon_error;    ///< Why it did not.
  std::string docker_version;
  std::string docker_api_version;
  bool insecure = false;
  std::int64_t cpus = 0;  ///< What its daemon says of the host; 0 and empty: not known yet.
  std::int64_t memory_bytes = 0;
  std::map<std::string, std::string> labels;  ///< The daemon's.
  engine_api::EngineFacts facts;

  bool operator==(const NodeStatus&) const = default;

  /// Where this agent calls that one.
  const std::string& called_at() const { return agents_address.empty() ? address : agents_address; }

  /// For list-nodes: "in the pool", "out of the pool" or "daemon down".
  std::string state() const;
};

std::string encode_status(const NodeStatus& status);
Result<NodeStatus> decode_status(const std::string& text);

/// What a node has told of itself as one number, 16 hexadecimal digits: its containers
/// (ContainerDirectory::sum) and the text of its status. Whoever knows the same of it has the same.
std::string view_sum(std::uint64_t containers, std::string_view status);

/// A host that was here and is gone without a goodbye.
struct LostNode {
  std::string hostname;
  std::string reason;
  TimePoint since;
  std::shared_ptr<const ContainerDirectory> containers;  ///< That it had; may be null.
};

class NodeTable {
 public:
  /// Inserts or replaces. A hostname that comes back is no longer lost.
  void put(const NodeId& node, NodeStatus status);
  /// The node is gone; with a reason it is remembered as lost, without one it said goodbye.
  void remove(const NodeId& node, const std::optional<std::string>& lost_because, TimePoint now,
              std::shared_ptr<const ContainerDirectory> containers = nullptr);

  const NodeStatus* find(const NodeId& node) const;
  NodeStatus* find(const NodeId& node);
  /// Nodes of that hostname; usually one.
  std::vector<NodeId> named(const std::string& hostname) const;
  const std::map<NodeId, NodeStatus>& nodes() const { return nodes_; }

  /// Lost within the last hour, oldest first, at most 256.
  std::vector<LostNode> lost(TimePoint now) const;
  /// The first of these that had a container of this id, name or prefix of an id.
  std::optional<LostNode> lost_with(std::string_view reference, TimePoint now) const;

 private:
  std::map<NodeId, NodeStatus> nodes_;
  std::map<std::string, LostNode> lost_;
};

}  // namespace dockherd::agent
