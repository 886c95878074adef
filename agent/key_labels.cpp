#include "agent/key_labels.hpp"

#include <algorithm>
#include <charconv>

#include "base/fnv1a.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t key_bytes = 128;

std::string hex(std::uint64_t number) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += digits[(number >> shift) & 15];
  return text;
}

/// In any case of its letters, as a daemon finds it; to be changed.
json* labels_of(json& body) {
  return const_cast<json*>(find_member(body, "Labels"));
}

std::string value_of(const std::map<std::string, std::string>& labels, const char* label) {
  const auto found = labels.find(label);
  return found == labels.end() ? std::string() : found->second;
}

}  // namespace

Result<void> check_key(std::string_view key, std::string_view field) {
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!key.empty() && key.size() <= key_bytes && printable) return {};
  return Error(errc::bad_request, std::string(field) +
                                      " must be 1 to 128 printable characters of ASCII without "
                                      "spaces, got " +
                                      quote_json(key.substr(0, key_bytes)))
      .at_field(std::string(field));
}

std::string request_mark(std::string_view request) {
  return hex(fnv1a(fnv1a_start, request));
}

void put_mark(json& body, const KeyMark& mark) {
  json* given = labels_of(body);
  if (given == nullptr) given = &(body["Labels"] = json::object());
  if (!given->is_object()) *given = json::object();
  json& labels = *given;
  labels[key_label] = mark.key;
  labels[item_label] = std::to_string(mark.item);
  labels[user_label] = mark.user;
  labels[request_label] = mark.request;
}

void drop_mark(json& body) {
  json* labels = labels_of(body);
  if (labels == nullptr || !labels->is_object()) return;
  for (const char* label : {key_label, item_label, user_label, request_label}) {
    labels->erase(label);
  }
}

std::optional<KeyMark> mark_in(const std::map<std::string, std::string>& labels) {
  KeyMark mark;
  mark.key = value_of(labels, key_label);
  mark.user = value_of(labels, user_label);
  mark.request = value_of(labels, request_label);
  const std::string item = value_of(labels, item_label);
  const auto number = std::from_chars(item.data(), item.data() + item.size(), mark.item);
  const bool whole = number.ec == std::errc() && number.ptr == item.data() + item.size();
  if (mark.key.empty() || !whole || mark.item == 0) return std::nullopt;
  return mark;
}

std::optional<KeyMark> mark_in_body(const json& body) {
  const json* given = find_member(body, "Labels");
  if (given == nullptr || !given->is_object()) return std::nullopt;
  std::map<std::string, std::string> labels;
  for (const auto& [label, value] : given->items()) {
    if (value.is_string()) labels.emplace(label, value.get<std::string>());
  }
  return mark_in(labels);
}

std::string name_for(const KeyMark& mark) {
  const std::string item = std::to_string(mark.item);
  return "once-" + hex(fnv1a(fnv1a_start, mark.user + "/" + mark.key + "/" + item));
}

}  // namespace dockherd::agent
