#include "trust/principal.hpp"

namespace dockherd::trust {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::viewer:
      return "viewer";
    case Role::operator_:
      return "operator";
    case Role::admin:
      break;
  }
  return "admin";
}

std::optional<Role> role_from_string(std::string_view text) {
  for (const Role role : {Role::viewer, Role::operator_, Role::admin}) {
    if (text == to_string(role)) return role;
  }
  return std::nullopt;
}

}  // namespace dockherd::trust
