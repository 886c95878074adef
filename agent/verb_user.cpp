#include "agent/verb_user.hpp"

#include "trust/users.hpp"

namespace dockherd::agent {

Result<std::optional<trust::Principal>> take_user(json& verb) {
  if (!verb.contains("user") && !verb.contains("role")) return std::optional<trust::Principal>();
  const auto reader = JsonReader::of(verb);
  if (!reader) return reader.error();
  const auto name = reader->string("user");
  if (!name) return name.error();
  const auto role_text = reader->string("role");
  if (!role_text) return role_text.error();
  const auto role = trust::role_from_string(role_text->value_or(""));
  if (!*name || !trust::is_user_name(**name) || !role) {
    return reader->wrong("user", "a user's name beside his role");
  }
  verb.erase("user");
  verb.erase("role");
  return std::optional(trust::Principal{**name, *role});
}

void put_user(json& verb, const std::optional<trust::Principal>& user) {
  if (!user || user->name.empty()) return;
  verb["user"] = user->name;
  verb["role"] = to_string(user->role);
}

}  // namespace dockherd::agent
