// Bearer tokens: what a user shows to be known. Made here once, and kept as hashes only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "trust/users.hpp"

namespace dockherd::trust {

/// What every token begins with, so that one that has got into a file or a log is recognized.
inline constexpr std::string_view token_prefix = "dht_";

/// "dht_" and 64 hexadecimal digits: 256 bits of the system's random numbers.
std::string new_token();

/// SHA-256, as hexadecimal digits. A token has full entropy, so a plain hash is as good as a slow
/// one.
std::string hash_of(std::string_view token);

/// Whose token it is. Compares with the hash of every token of every user, each in constant time,
/// whichever fits: how long it takes says nothing about them.
std::optional<Principal> user_of_token(const Users& users, std::string_view token);

/// "Bearer TOKEN" (RFC 6750, 2.1): TOKEN. Nothing for any other scheme.
std::optional<std::string_view> bearer_token(std::string_view authorization);

}  // namespace dockherd::trust
