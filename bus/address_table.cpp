#include "bus/address_table.hpp"

#include <algorithm>

namespace dockherd::bus {

bool AddressTable::join(const std::string& group, const NodeId& node) {
  const auto it = groups_.try_emplace(group).first;
  auto& members = it->second;
  const auto place = std::lower_bound(members.begin(), members.end(), node);
  if (place != members.end() && *place == node) return false;
  members.insert(place, node);
  nodes_[node].insert(&it->first);
  return true;
}

bool AddressTable::leave(const std::string& group, const NodeId& node) {
  const auto it = groups_.find(group);
  if (it == groups_.end()) return false;
  const auto place = std::lower_bound(it->second.begin(), it->second.end(), node);
  if (place == it->second.end() || *place != node) return false;
  it->second.erase(place);
  const auto of_node = nodes_.find(node);
  of_node->second.erase(&it->first);
  if (of_node->second.empty()) nodes_.erase(of_node);
  if (it->second.empty()) groups_.erase(it);
  return true;
}

void AddressTable::remove(const NodeId& node) {
  const auto of_node = nodes_.find(node);
  if (of_node == nodes_.end()) return;
  for (const std::string* group : of_node->second) {
    const auto it = groups_.find(*group);
    std::erase(it->second, node);
    if (it->second.empty()) groups_.erase(it);
  }
  nodes_.erase(of_node);
}

bool AddressTable::is_member(const std::string& group, const NodeId& node) const {
  const auto& found = members(group);
  return std::binary_search(found.begin(), found.end(), node);
}

const std::vector<NodeId>& AddressTable::members(const std::string& group) const {
  static const std::vector<NodeId> none;
  const auto it = groups_.find(group);
  return it == groups_.end() ? none : it->second;
}

std::vector<std::string> AddressTable::groups_of(const NodeId& node) const {
  std::vector<std::string> groups;
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return groups;
  groups.reserve(it->second.size());
  for (const std::string* group : it->second) groups.push_back(*group);
  std::sort(groups.begin(), groups.end());
  return groups;
}

std::size_t AddressTable::group_count(const NodeId& node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? 0 : it->second.size();
}

}  // namespace dockherd::bus
