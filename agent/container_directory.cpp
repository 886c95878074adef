#include "agent/container_directory.hpp"

#include <algorithm>

#include "base/fnv1a.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t max_candidates = 16;

std::uint64_t sum_of(const std::string& id, const std::vector<std::string>& names) {
  std::uint64_t sum = fnv1a(fnv1a_start, id);
  for (const std::string& name : names) sum = fnv1a(fnv1a(sum, "/"), name);
  return sum;
}

}  // namespace

void ContainerDirectory::put(const NodeId& node, const std::string& id,
                             std::vector<std::string> names) {
  const Key key{id, node};
  const auto [it, inserted] = containers_.try_emplace(key);
  if (!inserted && it->second == names) return;
  OfNode& of_node = nodes_[node];
  if (inserted) {
    of_node.keys.insert(&it->first);
  } else {
    of_node.sum ^= sum_of(id, it->second);
    forget_names(key, it->second);
  }
  of_node.sum ^= sum_of(id, names);
  for (const std::string& name : names) add_name(name, key);
  it->second = std::move(names);
}

void ContainerDirectory::remove(const NodeId& node, const std::string& id) {
  const auto it = containers_.find(Key{id, node});
  if (it == containers_.end()) return;
  forget_names(it->first, it->second);
  const auto of_node = nodes_.find(node);
  of_node->second.sum ^= sum_of(id, it->second);
  of_node->second.keys.erase(&it->first);
  if (of_node->second.keys.empty()) nodes_.erase(of_node);
  containers_.erase(it);
}

void ContainerDirectory::remove_node(const NodeId& node) {
  const auto of_node = nodes_.extract(node);
  if (of_node.empty()) return;
  for (const Key* key : of_node.mapped().keys) {
    const auto it = containers_.find(*key);
    forget_names(it->first, it->second);
    containers_.erase(it);
  }
}

ContainerDirectory ContainerDirectory::take_node(const NodeId& node) {
  ContainerDirectory taken(node);
  if (const auto of_node = nodes_.find(node); of_node != nodes_.end()) {
    for (const Key* key : of_node->second.keys) taken.put(node, key->first, containers_.at(*key));
  }
  remove_node(node);
  return taken;
}

void ContainerDirectory::add_name(const std::string& name, const Key& key) {
  // It is put behind all others of that name.
  const auto it = by_name_.emplace(name, key);
  const bool shared = it != by_name_.begin() && std::prev(it)->first == name;
  if (shared && on_shared_name_) on_shared_name_(name);
}

void ContainerDirectory::forget_names(const Key& key, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    bool shared = false;
    auto [it, end] = by_name_.equal_range(name);
    while (it != end) {
      const bool mine = it->second == key;
      shared |= !mine;
      it = mine ? by_name_.erase(it) : std::next(it);
    }
    if (shared && on_shared_name_) on_shared_name_(name);
  }
}

void ContainerDirectory::add_candidate(Resolution& resolution, const Key& key,
                                       const std::vector<std::string>& names) const {
  for (ContainerLocation& known : resolution.candidates) {
    if (known.id != key.first) continue;
    if (key.second == preferred_) known.node = preferred_;
    return;
  }
  if (resolution.candidates.size() == max_candidates) {
    resolution.more = true;
  } else {
    resolution.candidates.push_back({key.first, key.second, names});
  }
}

Resolution ContainerDirectory::resolve_id(std::string_view id_prefix,
                                          const std::optional<NodeId>& on) const {
  Resolution resolution;
  for (auto it = containers_.lower_bound(Key{std::string(id_prefix), NodeId()});
       it != containers_.end() && it->first.first.starts_with(id_prefix); ++it) {
    if (on && it->first.second != *on) continue;
    add_candidate(resolution, it->first, it->second);
    if (resolution.more) break;
  }
  return resolution;
}

Resolution ContainerDirectory::resolve_name(std::string_view name,
                                            const std::optional<NodeId>& on) const {
  std::vector<const Key*> keys;
  const auto [begin, end] = by_name_.equal_range(name);
  for (auto it = begin; it != end; ++it) {
    if (!on || it->second.second == *on) keys.push_back(&it->second);
  }
  // Where there are too many, all nodes are to name the same ones.
  std::sort(keys.begin(), keys.end(), [](const Key* a, const Key* b) { return *a < *b; });
  Resolution resolution;
  for (const Key* key : keys) {
    add_candidate(resolution, *key, containers_.at(*key));
    if (resolution.more) break;
  }
  return resolution;
}

Resolution ContainerDirectory::resolve(std::string_view reference,
                                       const std::optional<NodeId>& on) const {
  if (reference.starts_with('/')) reference.remove_prefix(1);
  if (reference.empty()) return {};
  const bool may_be_id = looks_like_container_id(reference);
  if (may_be_id && reference.size() == 64) {
    Resolution resolution = resolve_id(reference, on);
    if (resolution.found()) return resolution;
  }
  Resolution resolution = resolve_name(reference, on);
  if (!resolution.candidates.empty() || !may_be_id) return resolution;
  return resolve_id(reference, on);
}

std::size_t ContainerDirectory::count(const NodeId& node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? 0 : it->second.keys.size();
}

std::uint64_t ContainerDirectory::sum(const NodeId& node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? 0 : it->second.sum;
}

bool ContainerDirectory::has(const NodeId& node, const std::string& id) const {
  return containers_.contains(Key{id, node});
}

std::map<std::string, NodeId> ContainerDirectory::owners() const {
  std::map<std::string, NodeId> owners;
  for (const auto& [key, names] : containers_) {
    const auto [it, inserted] = owners.emplace(key.first, key.second);
    if (!inserted && key.second == preferred_) it->second = preferred_;
  }
  return owners;
}

}  // namespace dockherd::agent
