// The users file: who may use the herd, as JSON that people and `dockherd token` write.
//
//   {"users": {"ann": {"role": "operator",
//                      "tokens": [{"id": "t1", "sha256": "…", "created": "2026-11-29T15:00:00Z"}],
//                      "quota": {"containers": 10, "cpus": 4.0, "memory": "8g"},
//                      "allow": {"mounts": ["/srv/data"]}}}}
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "trust/users.hpp"

namespace dockherd::trust {

/// Unknown keys, wrong types and values out of range are errors (bad_config) that name the place.
Result<Users> parse_users(std::string_view text);

/// The same of a file. One that others than its owner may write is refused: who can write it is an
/// admin.
Result<Users> read_users_file(const std::filesystem::path& file);

/// As parse_users() reads it; what is at its default is left out.
std::string render_users(const Users& users);

/// Puts a whole new file in the place of the old one, so that no reader ever sees half of it. Its
/// mode stays; a new one has 0600.
Result<void> write_users_file(const std::filesystem::path& file, const Users& users);

}  // namespace dockherd::trust
