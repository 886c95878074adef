// Who calls, and what kind of user that is. Plain values; must not know how it was found out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dockherd::trust {

/// Ordered: each may do what those before it may.
enum class Role {
  viewer,     ///< Reads.
  operator_,  ///< Also makes containers, and acts on those that are his own.
  admin,      ///< Everything.
};

/// "viewer", "operator", "admin".
std::string_view to_string(Role role);
std::optional<Role> role_from_string(std::string_view text);

/// One user. Without a name: whoever reaches an agent that asks nobody who he is.
struct Principal {
  Principal() = default;
  Principal(std::string user, Role rights) : name(std::move(user)), role(rights) {}

  std::string name;
  Role role = Role::admin;

  bool is_admin() const { return role == Role::admin; }
  bool operator==(const Principal&) const = default;
};

}  // namespace dockherd::trust
