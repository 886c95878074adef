// The only place that parses JSON from outside. nlohmann's own getters convert silently (4.7 reads
// as int 4, -1 as 4294967295) and deep nesting overflows the stack; here both are errors that name
// the field.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace dockherd {

using nlohmann::json;

/// A document within limits::json_bytes and limits::json_depth, or an error that says where it
/// breaks. Of a key that an object has several times the last value counts, as with dockerd. Never
/// throws.
Result<json> parse_json(std::string_view text);

/// The same for what is written for this program: a key that an object has twice is an error whose
/// `field` names it. What stands under `passed_on`, a key of the outermost object, is somebody
/// else's and not looked at.
Result<json> parse_json_strictly(std::string_view text, std::string_view passed_on = {});

/// Fails when brackets nest deeper than `limit`. Looks at brackets outside strings only; says
/// nothing else about validity.
Result<void> check_json_depth(std::string_view text, std::size_t limit = limits::json_depth);

/// Text of a document; invalid UTF-8 is replaced, never thrown on.
std::string dump_json(const json& value);

/// The text as a quoted JSON string; invalid UTF-8 is replaced.
std::string quote_json(std::string_view text);

/// "a string", "an object"…: for error messages.
std::string describe_type(const json& value);

/// The member of one of Docker's bodies by that name, as a daemon finds it: in any case of its
/// letters. Null when there is none, or `body` is no object.
const json* find_member(const json& body, std::string_view name);

/// What is made of members that nobody here knows: a mistake where a person wrote them, and news
/// where a program of a newer version did.
enum class UnknownKeys { refused, ignored };

/// Reads typed fields of one object. Absent (or null) fields give nothing; a field of the wrong
/// type or out of range is an error whose `field` names it. Borrows the object.
class JsonReader {
 public:
  /// Fails when `value` is not an object. `where` prefixes field names ("docker.").
  static Result<JsonReader> of(const json& value, std::string where = "");

  /// `ignored`: only() is content with any key.
  void set_unknown_keys(UnknownKeys unknown) { unknown_ = unknown; }

  Result<std::optional<std::string>> string(std::string_view key) const;
  Result<std::optional<bool>> boolean(std::string_view key) const;
  /// Whole numbers within [low, high] only.
  Result<std::optional<std::int64_t>> integer(
      std::string_view key, std::int64_t low = std::numeric_limits<std::int64_t>::min(),
      std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;
  Result<std::optional<std::vector<std::string>>> strings(std::string_view key,
                                                          std::size_t max_items) const;
  /// Borrowed; null pointer when absent.
  Result<const json*> object(std::string_view key) const;
  /// Borrowed; null pointer when absent. Any type.
  const json* any(std::string_view key) const;

  /// Fails on the first key that is not among `known`, naming it and the nearest known one.
  Result<void> only(std::span<const std::string_view> known) const;
  Result<void> only(std::initializer_list<std::string_view> known) const {
    return only(std::span<const std::string_view>(known.begin(), known.size()));
  }

  /// An error about `key`: "FIELD must be EXPECTED, got ...".
  Error wrong(std::string_view key, std::string_view expected) const;

 private:
  JsonReader(const json& value, std::string where) : value_(&value), where_(std::move(where)) {}

  const json* value_;
  std::string where_;
  UnknownKeys unknown_ = UnknownKeys::refused;
};

/// One member of an object, by its raw text.
struct JsonMember {
  std::string_view key;    ///< As written between the quotes; escapes are not decoded.
  std::string_view value;  ///< As written, without surrounding white space.
};

/// The members of the object `text`, as slices of it, without building a document: for passing a
/// large value on as it is. Checks structure at the top level and bracket balance below, not every
/// token: for text that was, or will be, parsed by someone else.
Result<std::vector<JsonMember>> slice_json_object(std::string_view text);

/// The elements of the list `text`, likewise.
Result<std::vector<std::string_view>> slice_json_array(std::string_view text);

/// Whether it is one JSON document of any size and depth. Makes nothing of it.
bool is_json(std::string_view text);

}  // namespace dockherd
