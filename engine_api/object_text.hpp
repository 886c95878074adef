// JSON of others as text: a few members change, all else stays as it was written, order included.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dockherd::engine_api {

/// An object by the texts of its members. Borrows the text that it was made of; what is set is its
/// own. Keys are compared as written, so they are to be plain ones without escapes.
class ObjectText {
 public:
  /// The object `{}`.
  ObjectText() = default;
  /// Looks at the outermost level only; nothing when `text` is no object there.
  static std::optional<ObjectText> sliced(std::string_view text);
  /// The same for text that is parsed first, so that only valid JSON gets through.
  static std::optional<ObjectText> parsed(std::string_view text);

  /// The value's text; empty when there is none. Of a key given twice the last one counts.
  std::string_view find(std::string_view key) const;
  std::vector<std::string_view> keys() const;

  /// Puts the JSON text `value` in the place of the key's value, or at the end.
  void set(std::string_view key, std::string value);
  /// Puts the member before `other`, or at the end when that is not there; any that was there goes.
  void set_before(std::string_view other, std::string_view key, std::string value);

  std::string text() const;

 private:
  struct Member {
    std::string key;  ///< Without quotes.
    std::string_view borrowed;
    std::optional<std::string> own;

    std::string_view value() const { return own ? std::string_view(*own) : borrowed; }
  };

  std::vector<Member>::iterator last_of(std::string_view key);

  std::vector<Member> members_;
};

/// Whether it can stand in a document: valid JSON within the limit of depth, of which no string is
/// beyond that of bytes.
bool is_embeddable_json(std::string_view text);

/// The string that the JSON text is; nothing for any other type.
std::optional<std::string> string_of(std::string_view value);

/// The whole number that the JSON text is; nothing for any other type, or beyond 64 bits.
std::optional<std::int64_t> integer_of(std::string_view value);

/// The elements of a list, each valid JSON; none for `null`. Nothing when the text is something
/// else.
std::optional<std::vector<std::string_view>> elements_of(std::string_view value);

/// "[a,b]" of texts that are JSON already.
std::string array_text(const std::vector<std::string>& elements);

/// ["a","b"] of plain strings.
std::string strings_text(const std::vector<std::string>& strings);

/// Held at the ends of the range: sizes that a daemon makes up must not overflow.
std::int64_t saturated_sum(std::int64_t left, std::int64_t right);

/// Both are amounts of which -1 says "not computed": the sum of those that are known.
std::int64_t sum_of_known(std::int64_t left, std::int64_t right);

}  // namespace dockherd::engine_api
