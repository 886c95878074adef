#include "tests/wire/samples/message_shape.hpp"

#include <algorithm>
#include <array>

namespace dockherd::wire {

namespace {

/// Members whose keys are data, or whose content is Docker's.
constexpr std::array<std::string_view, 10> shapeless{
    "headers", "labels",     "given",  "Response", "body.body",
    "filters", "containers", "images", "nodes",    "Containers"};

bool has_shape(const std::string& path) {
  return std::none_of(shapeless.begin(), shapeless.end(), [&](std::string_view name) {
    return path == name || path.ends_with("." + std::string(name));
  });
}

std::string below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

/// Calls `visit` with each object that stands under this value: itself, or the items of a list.
template <typename Value, typename Visit>
void for_objects(Value& value, const Visit& visit) {
  if (value.is_object()) visit(value);
  if (!value.is_array()) return;
  for (auto& item : value) {
    if (item.is_object()) visit(item);
  }
}

void collect_paths(const std::string& path, const json& value, std::set<std::string>& paths) {
  if (!has_shape(path)) return;
  for_objects(value, [&](const json& object) {
    for (const auto& [name, member] : object.items()) {
      paths.insert(below(path, name));
      collect_paths(below(path, name), member, paths);
    }
  });
}

void add_unknown(const std::string& path, json& value) {
  if (!has_shape(path)) return;
  for_objects(value, [&](json& object) {
    for (auto& [name, member] : object.items()) add_unknown(below(path, name), member);
    object[unknown_member] = json{{"since", "later"}};
  });
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string kind_of_content(const json& envelope) {
  if (!envelope.is_object()) return {};
  const std::string kind = text_of(envelope, "dockherd");
  if (kind == "notice") return "notice-" + text_of(envelope, "topic");
  if (kind == "liveness") return "liveness-" + text_of(envelope, "kind");
  const auto body = envelope.find("body");
  if (kind != "request" || body == envelope.end() || !body->is_object()) return {};
  return "request-" + text_of(*body, "action");
}

void MessageShape::learn(const json& message) {
  learn("", message);
}

void MessageShape::learn(const std::string& path, const json& value) {
  if (!has_shape(path)) return;
  for_objects(value, [&](const json& object) {
    ++objects_[path].seen;
    for (const auto& [name, member] : object.items()) {
      Member& known = objects_[path].members[name];
      ++known.seen;
      known.types.insert(member.type_name());
      learn(below(path, name), member);
    }
  });
}

std::vector<std::string> MessageShape::complaints(const json& message) const {
  std::vector<std::string> found;
  compare("", message, found);
  return found;
}

void MessageShape::compare(const std::string& path, const json& value,
                           std::vector<std::string>& found) const {
  const auto known = objects_.find(path);
  if (known == objects_.end()) return;
  for_objects(value, [&](const json& object) {
    for (const auto& [name, member] : known->second.members) {
      const std::string where = below(path, name);
      const auto here = object.find(name);
      if (here == object.end()) {
        if (member.seen == known->second.seen) found.push_back(where + " is missing");
      } else if (!member.types.contains(here->type_name())) {
        found.push_back(where + " has become " + here->type_name());
      } else {
        compare(where, *here, found);
      }
    }
  });
}

void MessageShape::strip(json& message) const {
  strip("", message);
}

void MessageShape::strip(const std::string& path, json& value) const {
  const auto known = objects_.find(path);
  if (known == objects_.end()) return;
  for_objects(value, [&](json& object) {
    for (auto it = object.begin(); it != object.end();) {
      if (!known->second.members.contains(it.key())) {
        it = object.erase(it);
        continue;
      }
      strip(below(path, it.key()), it.value());
      ++it;
    }
  });
}

std::set<std::string> member_paths(const json& message) {
  std::set<std::string> paths;
  collect_paths("", message, paths);
  return paths;
}

void add_unknown_members(json& message) {
  add_unknown("", message);
}

}  // namespace dockherd::wire
