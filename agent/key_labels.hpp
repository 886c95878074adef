// What a container that was created under an Idempotency-Key carries, so that a repeat finds it:
// the daemons are the truth, also about what was done. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

inline constexpr const char* key_label = "dockherd.idempotency-key";
inline constexpr const char* item_label = "dockherd.idempotency-item";
inline constexpr const char* user_label = "dockherd.idempotency-user";
inline constexpr const char* request_label = "dockherd.idempotency-request";

/// Of one container.
struct KeyMark {
  std::string key;
  std::uint32_t item = 1;  ///< Of the bulk, from 1.
  std::string user;        ///< Whose key it is; keys of different users are different keys.
  std::string request;     ///< Stands for what was asked: another request under the key is a fault.

  bool operator==(const KeyMark&) const = default;
};

/// 1 to 128 printable characters of ASCII. The error's field is `field`.
Result<void> check_key(std::string_view key, std::string_view field);

/// Of the text of a request, 16 hexadecimal digits.
std::string request_mark(std::string_view request);

/// Into the labels of a create body.
void put_mark(json& body, const KeyMark& mark);
/// Takes away what looks like a mark: nobody may write one himself.
void drop_mark(json& body);
/// Nothing when the container was not created under a key.
std::optional<KeyMark> mark_in(const std::map<std::string, std::string>& labels);

/// The same of a create body, or of the Config of an inspection.
std::optional<KeyMark> mark_in_body(const json& body);

/// The name of a container that has none of its own: the same at each try, so that the daemon
/// itself refuses to make a second one.
std::string name_for(const KeyMark& mark);

}  // namespace dockherd::agent
