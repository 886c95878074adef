// Which node owns which container, over the whole herd: full id, name or unique id prefix -> node.
// Pure: told by docker_watcher (this node) and peer_watcher (all others). Must not know verbs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/ids.hpp"

namespace dockherd::agent {

/// A container as the directory knows it.
struct ContainerLocation {
  std::string id;  ///< 64 hexadecimal digits.
  NodeId node;
  std::vector<std::string> names;  ///< Without the leading slash; usually one.
};

/// What a reference given by a user leads to.
struct Resolution {
  /// Empty: unknown. One: found. Several: ambiguous; by id, then node, at most 16 of them.
  std::vector<ContainerLocation> candidates;
  bool more = false;  ///< There are others besides the candidates.

  bool found() const { return candidates.size() == 1; }
};

/// One view, one thread. A container id that several agents report (several agents beside one
/// daemon) counts for each of them and resolves to the preferred one.
class ContainerDirectory {
 public:
  /// `preferred`: the node chosen when several own the same id: this node.
  explicit ContainerDirectory(NodeId preferred) : preferred_(preferred) {}

  void put(const NodeId& node, const std::string& id, std::vector<std::string> names);
  void remove(const NodeId& node, const std::string& id);
  void remove_node(const NodeId& node);
  /// The same, and what the node had as a directory of its own.
  ContainerDirectory take_node(const NodeId& node);

  /// As Docker resolves: the full id, else a name, else a unique prefix of an id. `on` limits the
  /// search to one node ("h2/web").
  Resolution resolve(std::string_view reference,
                     const std::optional<NodeId>& on = std::nullopt) const;

  /// Containers of exactly that name, anywhere; the first 16 by id.
  Resolution named(std::string_view name) const { return resolve_name(name, std::nullopt); }

  /// Containers of one node, running or not.
  std::size_t count(const NodeId& node) const;
  std::size_t size() const { return containers_.size(); }
  bool has(const NodeId& node, const std::string& id) const;
  /// One number for all containers of a node with their names: two directories that have the same
  /// of a node have the same number.
  std::uint64_t sum(const NodeId& node) const;

  /// Is told each name that several containers have, or had, when others have it than before. It
  /// looks at the directory later: this one is being changed.
  void on_shared_name(std::function<void(const std::string& name)> listener) {
    on_shared_name_ = std::move(listener);
  }

  /// Full id -> owner (the preferred one where there are several).
  std::map<std::string, NodeId> owners() const;

 private:
  using Key = std::pair<std::string, NodeId>;  // Ordered by id, so that a prefix is a range.
  using Containers = std::map<Key, std::vector<std::string>>;

  Resolution resolve_id(std::string_view id_prefix, const std::optional<NodeId>& on) const;
  Resolution resolve_name(std::string_view name, const std::optional<NodeId>& on) const;
  void add_candidate(Resolution& resolution, const Key& key,
                     const std::vector<std::string>& names) const;
  void add_name(const std::string& name, const Key& key);
  void forget_names(const Key& key, const std::vector<std::string>& names);

  NodeId preferred_;
  Containers containers_;
  std::multimap<std::string, Key, std::less<>> by_name_;
  std::function<void(const std::string& name)> on_shared_name_;
  // What one node has: its keys in containers_, which stay where they are, so that a node that
  // joins or is lost costs as much as it has and not as much as the herd has. Tables that are never
  // walked where the order would show.
  struct OfNode {
    std::unordered_set<const Key*> keys;
    std::uint64_t sum = 0;  // Of all, in any order: each is put in and taken out by XOR.
  };
  std::unordered_map<NodeId, OfNode> nodes_;
};

}  // namespace dockherd::agent
