// Which node serves which endpoint (ZRE group). State without I/O; must not know sessions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/ids.hpp"

namespace dockherd::bus {

/// Purpose: group -> members and node -> groups, both from memory. The text of a group is held
/// once, whatever the number of its members. Everything that it returns is sorted, so that the
/// order of its hash tables never shows.
/// Owner: Membership.
class AddressTable {
 public:
  /// False when the node is a member already.
  bool join(const std::string& group, const NodeId& node);
  /// False when the node is no member.
  bool leave(const std::string& group, const NodeId& node);
  /// The node leaves all its groups.
  void remove(const NodeId& node);

  bool is_member(const std::string& group, const NodeId& node) const;
  /// By id. The reference holds until the next change.
  const std::vector<NodeId>& members(const std::string& group) const;
  std::vector<std::string> groups_of(const NodeId& node) const;
  std::size_t group_count(const NodeId& node) const;

 private:
  // Nodes of an unordered_map keep their address, so a member's list can point at the keys.
  using GroupMap = std::unordered_map<std::string, std::vector<NodeId>>;

  GroupMap groups_;
  std::unordered_map<NodeId, std::unordered_set<const std::string*>> nodes_;
};

}  // namespace dockherd::bus
