#include "engine_api/object_text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/json_reader.hpp"

namespace dockherd::engine_api {

std::optional<ObjectText> ObjectText::sliced(std::string_view text) {
  const auto slices = slice_json_object(text);
  if (!slices) return std::nullopt;
  ObjectText object;
  object.members_.reserve(slices->size() + 2);
  for (const auto& [key, value] : *slices) {
    object.members_.push_back({std::string(key), value, std::nullopt});
  }
  return object;
}

std::optional<ObjectText> ObjectText::parsed(std::string_view text) {
  if (!is_embeddable_json(text)) return std::nullopt;
  return sliced(text);
}

std::vector<ObjectText::Member>::iterator ObjectText::last_of(std::string_view key) {
  const auto found = std::find_if(members_.rbegin(), members_.rend(),
                                  [key](const Member& member) { return member.key == key; });
  return found == members_.rend() ? members_.end() : std::prev(found.base());
}

std::string_view ObjectText::find(std::string_view key) const {
  const auto found = std::find_if(members_.rbegin(), members_.rend(),
                                  [key](const Member& member) { return member.key == key; });
  return found == members_.rend() ? std::string_view() : found->value();
}

std::vector<std::string_view> ObjectText::keys() const {
  std::vector<std::string_view> keys;
  for (const Member& member : members_) {
    if (std::find(keys.begin(), keys.end(), member.key) == keys.end()) keys.push_back(member.key);
  }
  return keys;
}

void ObjectText::set(std::string_view key, std::string value) {
  if (const auto found = last_of(key); found != members_.end()) {
    found->own = std::move(value);
  } else {
    members_.push_back({std::string(key), {}, std::move(value)});
  }
}

void ObjectText::set_before(std::string_view other, std::string_view key, std::string value) {
  // All of them: one that was left behind `other` would count.
  std::erase_if(members_, [key](const Member& member) { return member.key == key; });
  members_.insert(last_of(other), {std::string(key), {}, std::move(value)});
}

std::string ObjectText::text() const {
  std::size_t size = 2;
  for (const Member& member : members_) size += member.key.size() + member.value().size() + 4;
  std::string text;
  text.reserve(size);
  text += '{';
  for (const Member& member : members_) {
    if (text.size() > 1) text += ',';
    text.append(1, '"').append(member.key).append("\":").append(member.value());
  }
  text += '}';
  return text;
}

bool is_embeddable_json(std::string_view text) {
  if (text.size() <= limits::json_bytes) return parse_json(text).has_value();
  // A list of very many things: each of them is within the limit. Recurses no deeper than that of
  // depth allows.
  if (!check_json_depth(text)) return false;
  if (const auto elements = slice_json_array(text)) {
    return std::all_of(elements->begin(), elements->end(), is_embeddable_json);
  }
  const auto members = slice_json_object(text);
  return members && std::all_of(members->begin(), members->end(), [](const JsonMember& member) {
           return is_embeddable_json('"' + std::string(member.key) + '"') &&
                  is_embeddable_json(member.value);
         });
}

std::optional<std::string> string_of(std::string_view value) {
  if (value.empty() || value.front() != '"') return std::nullopt;
  const auto parsed = parse_json(value);
  if (!parsed || !parsed->is_string()) return std::nullopt;
  return parsed->get<std::string>();
}

std::optional<std::int64_t> integer_of(std::string_view value) {
  std::int64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, number);
  if (value.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

std::optional<std::vector<std::string_view>> elements_of(std::string_view value) {
  while (value.ends_with('\n')) value.remove_suffix(1);
  if (value == "null") return std::vector<std::string_view>();
  auto elements = slice_json_array(value);
  if (!elements || !std::all_of(elements->begin(), elements->end(), is_embeddable_json))
    return std::nullopt;
  return *std::move(elements);
}

std::string array_text(const std::vector<std::string>& elements) {
  std::size_t size = 2;
  for (const std::string& element : elements) size += element.size() + 1;
  std::string text;
  text.reserve(size);
  text += '[';
  for (const std::string& element : elements) {
    if (text.size() > 1) text += ',';
    text += element;
  }
  text += ']';
  return text;
}

std::string strings_text(const std::vector<std::string>& strings) {
  std::vector<std::string> quoted;
  quoted.reserve(strings.size());
  for (const std::string& string : strings) quoted.push_back(quote_json(string));
  return array_text(quoted);
}

std::int64_t saturated_sum(std::int64_t left, std::int64_t right) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(left, right, &sum)) return sum;
  return left < 0 ? std::numeric_limits<std::int64_t>::min()
                  : std::numeric_limits<std::int64_t>::max();
}

std::int64_t sum_of_known(std::int64_t left, std::int64_t right) {
  if (left < 0) return right;
  return right < 0 ? left : saturated_sum(left, right);
}

}  // namespace dockherd::engine_api
