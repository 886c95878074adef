#include "base/json_reader.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace dockherd {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

Error broken(std::size_t offset, const std::string& what) {
  return {errc::bad_request, "invalid JSON at byte " + std::to_string(offset) + ": " + what};
}

/// The library's message begins with its own error class; a person needs what follows.
std::string without_library_prefix(std::string_view what) {
  constexpr std::size_t longest = 300;  // It repeats the last token, which may be megabytes.
  const auto end = what.find("] ");
  return shortened(end == std::string_view::npos ? what : what.substr(end + 2), longest);
}

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// The position after the string that opens at `at`, or npos when it never closes.
std::size_t skip_string(std::string_view text, std::size_t at) {
  // Lists of a whole herd come this way: find() looks at 32 bytes at once, a loop at one.
  for (at = text.find('"', at + 1); at != std::string_view::npos; at = text.find('"', at + 1)) {
    std::size_t backslashes = 0;
    while (text[at - 1 - backslashes] == '\\') ++backslashes;  // The opening quote is none.
    if (backslashes % 2 == 0) return at + 1;
  }
  return std::string_view::npos;
}

bool is_structural(char c) {
  return c == '"' || c == '{' || c == '}' || c == '[' || c == ']' || c == ',';
}

/// The position after the value that begins at `at`, or npos when brackets or quotes do not close.
std::size_t skip_value(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (!is_structural(c)) {
      ++at;
      continue;
    }
    if (c == '"') {
      at = skip_string(text, at);
      if (at == std::string_view::npos || depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (depth == 0) {
      return at;
    }
    ++at;
  }
  return depth == 0 ? at : std::string_view::npos;
}

/// Follows a parser and notes the first key that an object has twice.
class KeyWatch {
 public:
  explicit KeyWatch(std::string_view passed_on) : passed_on_(passed_on) {}

  void see(json::parse_event_t event, const json& value) {
    if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
      open_.emplace_back();
    } else if (event == json::parse_event_t::object_end ||
               event == json::parse_event_t::array_end) {
      open_.pop_back();
    } else if (event == json::parse_event_t::key) {
      see_key(value.get_ref<const std::string&>());
    }
  }
  /// As "labels.app"; empty when there is none.
  const std::string& repeated() const { return repeated_; }

 private:
  struct Open {
    std::set<std::string> keys;  // None in a list.
    std::string last;
  };

  void see_key(const std::string& key) {
    const bool watched = open_.size() == 1 || passed_on_.empty() || open_[0].last != passed_on_;
    open_.back().last = key;
    if (!watched || open_.back().keys.insert(key).second || !repeated_.empty()) return;
    for (const Open& around : open_) {
      if (around.last.empty()) continue;
      if (!repeated_.empty()) repeated_ += '.';
      repeated_ += shortened(around.last, 100);
    }
  }

  std::string_view passed_on_;
  std::vector<Open> open_;
  std::string repeated_;
};

/// Recurses no deeper than the document nests.
std::size_t members_of(const json& value) {
  if (!value.is_structured()) return 0;
  std::size_t count = value.is_object() ? value.size() : 0;
  for (const json& item : value) count += members_of(item);
  return count;
}

/// Of all objects in `text`, which is valid JSON: each member has one colon outside of strings.
std::size_t members_in(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = skip_string(text, at);
    } else {
      count += text[at++] == ':' ? 1 : 0;
    }
  }
  return count;
}

}  // namespace

Result<void> check_json_depth(std::string_view text, std::size_t limit) {
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '"':
        at = skip_string(text, at);
        if (at == std::string_view::npos) return {};  // The parser will say so.
        --at;
        break;
      case '{':
      case '[':
        if (++depth > limit) {
          return broken(at, "nested deeper than " + std::to_string(limit) + " levels");
        }
        break;
      case '}':
      case ']':
        if (depth > 0) --depth;
        break;
      default:
        break;
    }
  }
  return {};
}

Result<json> parse_json(std::string_view text) {
  if (text.size() > limits::json_bytes) {
    return Error(errc::too_large, "JSON of " + std::to_string(text.size()) +
                                      " bytes, expected at most " +
                                      std::to_string(limits::json_bytes));
  }
  // The library takes a NUL byte for the end of the text, whatever follows it.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return broken(nul, "a NUL byte");
  }
  if (auto depth = check_json_depth(text); !depth) return depth.error();
  try {
    return json::parse(text);
  } catch (const json::exception& error) {
    return Error(errc::bad_request, "invalid JSON: " + without_library_prefix(error.what()));
  }
}

Result<json> parse_json_strictly(std::string_view text, std::string_view passed_on) {
  auto document = parse_json(text);
  // Only a member that went lost makes it worth following the parser, which costs as much again.
  if (!document || members_of(*document) == members_in(text)) return document;
  KeyWatch watch(passed_on);
  document = json::parse(text, [&watch](int, json::parse_event_t event, const json& value) {
    watch.see(event, value);
    return true;
  });
  if (watch.repeated().empty()) return document;
  return Error(errc::bad_request, "the key " + quote_json(watch.repeated()) + " is given twice")
      .at_field(watch.repeated());
}

std::string dump_json(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string quote_json(std::string_view text) {
  // Nearly all that is quoted is printable ASCII; a document of its own would cost ten times more.
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
  if (!plain) return dump_json(json(text));
  std::string quoted;
  quoted.reserve(text.size() + 2);
  return quoted.append(1, '"').append(text).append(1, '"');
}

std::string describe_type(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case json::value_t::number_float:
      return "the fraction " + value.dump();
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return "the number " + value.dump();
    default:
      return "something else";
  }
}

const json* find_member(const json& body, std::string_view name) {
  if (!body.is_object()) return nullptr;
  if (const auto exact = body.find(name); exact != body.end()) return &*exact;
  for (auto it = body.begin(); it != body.end(); ++it) {
    if (same_letters(it.key(), name)) return &it.value();
  }
  return nullptr;
}

Result<JsonReader> JsonReader::of(const json& value, std::string where) {
  if (!value.is_object()) {
    std::string name = where;
    if (!name.empty() && name.back() == '.') name.pop_back();
    return Error(errc::bad_request, (name.empty() ? std::string("the request") : name) +
                                        " must be an object, got " + describe_type(value))
        .at_field(name);
  }
  return JsonReader(value, std::move(where));
}

const json* JsonReader::any(std::string_view key) const {
  const auto it = value_->find(key);
  return it == value_->end() || it->is_null() ? nullptr : &*it;
}

Error JsonReader::wrong(std::string_view key, std::string_view expected) const {
  const json* value = any(key);
  const std::string name = where_ + std::string(key);
  return Error(errc::bad_request, name + " must be " + std::string(expected) + ", got " +
                                      (value == nullptr ? "nothing" : describe_type(*value)))
      .at_field(name);
}

Result<std::optional<std::string>> JsonReader::string(std::string_view key) const {
  const json* value = any(key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return wrong(key, "a string");
  return std::optional<std::string>(value->get_ref<const std::string&>());
}

Result<std::optional<bool>> JsonReader::boolean(std::string_view key) const {
  const json* value = any(key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_boolean()) return wrong(key, "true or false");
  return std::optional<bool>(value->get<bool>());
}

Result<std::optional<std::int64_t>> JsonReader::integer(std::string_view key, std::int64_t low,
                                                        std::int64_t high) const {
  const json* value = any(key);
  if (value == nullptr) return std::optional<std::int64_t>();
  const auto expected = [&] {
    return low == std::numeric_limits<std::int64_t>::min() &&
                   high == std::numeric_limits<std::int64_t>::max()
               ? std::string("a whole number")
               : "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  };
  if (value->is_number_unsigned()) {
    const auto number = value->get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return wrong(key, expected());
    }
  } else if (!value->is_number_integer()) {
    return wrong(key, expected());
  }
  const auto number = value->get<std::int64_t>();
  if (number < low || number > high) return wrong(key, expected());
  return std::optional<std::int64_t>(number);
}

Result<std::optional<std::vector<std::string>>> JsonReader::strings(std::string_view key,
                                                                    std::size_t max_items) const {
  const json* value = any(key);
  if (value == nullptr) return std::optional<std::vector<std::string>>();
  if (!value->is_array()) return wrong(key, "a list of strings");
  if (value->size() > max_items) {
    return Error(errc::bad_request, where_ + std::string(key) + " must have at most " +
                                        std::to_string(max_items) + " items, got " +
                                        std::to_string(value->size()))
        .at_field(where_ + std::string(key));
  }
  std::vector<std::string> items;
  items.reserve(value->size());
  for (const json& item : *value) {
    if (!item.is_string()) {
      return Error(errc::bad_request,
                   where_ + std::string(key) + " must be a list of strings, item " +
                       std::to_string(items.size() + 1) + " is " + describe_type(item))
          .at_field(where_ + std::string(key));
    }
    items.push_back(item.get_ref<const std::string&>());
  }
  return std::optional<std::vector<std::string>>(std::move(items));
}

Result<const json*> JsonReader::object(std::string_view key) const {
  const json* value = any(key);
  if (value != nullptr && !value->is_object()) return wrong(key, "an object");
  return value;
}

Result<void> JsonReader::only(std::span<const std::string_view> known) const {
  if (unknown_ == UnknownKeys::ignored) return {};
  for (const auto& [key, value] : value_->items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string name = where_ + shortened(key, 100);
    return Error(errc::bad_request,
                 "unknown key " + quote_json(name) + ", expected " +
                     suggest(key, std::vector<std::string_view>(known.begin(), known.end())))
        .at_field(name);
  }
  return {};
}

Result<std::vector<JsonMember>> slice_json_object(std::string_view text) {
  std::vector<JsonMember> members;
  std::size_t at = 0;
  const auto skip_space = [&] {
    while (at < text.size() && is_space(text[at])) ++at;
  };
  skip_space();
  if (at >= text.size() || text[at] != '{') return broken(at, "expected '{'");
  ++at;
  skip_space();
  bool closed = at < text.size() && text[at] == '}';
  while (!closed) {
    if (at >= text.size() || text[at] != '"') return broken(at, "expected a key");
    const std::size_t key_end = skip_string(text, at);
    if (key_end == std::string_view::npos) return broken(at, "the key does not end");
    const std::string_view key = text.substr(at + 1, key_end - at - 2);
    at = key_end;
    skip_space();
    if (at >= text.size() || text[at] != ':') return broken(at, "expected ':'");
    ++at;
    skip_space();
    const std::size_t value_begin = at;
    at = skip_value(text, at);
    if (at == std::string_view::npos) return broken(value_begin, "the value does not end");
    std::size_t value_end = at;
    while (value_end > value_begin && is_space(text[value_end - 1])) --value_end;
    if (value_end == value_begin) return broken(value_begin, "expected a value");
    members.push_back({key, text.substr(value_begin, value_end - value_begin)});
    skip_space();
    if (at >= text.size()) return broken(at, "expected ',' or '}'");
    if (text[at] == '}') {
      closed = true;
    } else if (text[at] == ',') {
      ++at;
      skip_space();
    } else {
      return broken(at, "expected ',' or '}'");
    }
  }
  ++at;
  skip_space();
  if (at != text.size()) return broken(at, "something follows the object");
  return members;
}

Result<std::vector<std::string_view>> slice_json_array(std::string_view text) {
  std::vector<std::string_view> elements;
  std::size_t at = 0;
  const auto skip_space = [&] {
    while (at < text.size() && is_space(text[at])) ++at;
  };
  skip_space();
  if (at >= text.size() || text[at] != '[') return broken(at, "expected '['");
  ++at;
  skip_space();
  bool closed = at < text.size() && text[at] == ']';
  while (!closed) {
    const std::size_t begin = at;
    at = skip_value(text, at);
    if (at == std::string_view::npos) return broken(begin, "the element does not end");
    std::size_t end = at;
    while (end > begin && is_space(text[end - 1])) --end;
    if (end == begin) return broken(begin, "expected an element");
    elements.push_back(text.substr(begin, end - begin));
    skip_space();
    if (at >= text.size()) return broken(at, "expected ',' or ']'");
    if (text[at] != ']' && text[at] != ',') return broken(at, "expected ',' or ']'");
    closed = text[at] == ']';
    if (!closed) ++at;
    if (!closed) skip_space();
  }
  ++at;
  skip_space();
  if (at != text.size()) return broken(at, "something follows the list");
  return elements;
}

bool is_json(std::string_view text) {
  return json::accept(text);
}

}  // namespace dockherd
