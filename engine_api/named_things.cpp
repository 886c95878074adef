#include "engine_api/named_things.hpp"

#include "base/json_reader.hpp"
#include "base/text.hpp"

namespace dockherd::engine_api {

namespace {

/// A volume's "UsageData", which only GET /system/df gives.
std::optional<std::pair<std::int64_t, std::int64_t>> usage_of(const ObjectText& object) {
  const auto usage = ObjectText::sliced(object.find("UsageData"));
  if (!usage) return std::nullopt;
  return std::pair(integer_of(usage->find("RefCount")).value_or(-1),
                   integer_of(usage->find("Size")).value_or(-1));
}

std::string with_nodes_label(std::string_view labels, const std::vector<std::string>& nodes) {
  auto object = ObjectText::sliced(labels).value_or(ObjectText());
  object.set(nodes_label, quote_json(join(nodes, ",")));
  return object.text();
}

}  // namespace

bool NamedThings::add(const std::string& hostname, std::string_view list,
                      const Identity& identity) {
  const auto elements = elements_of(list);
  if (!elements) return false;
  std::vector<ObjectText> objects;
  for (const std::string_view element : *elements) {
    auto object = ObjectText::sliced(element);
    if (!object || !string_of(object->find("Name"))) return false;
    objects.push_back(*std::move(object));
  }
  std::map<std::string, int> seen;
  for (ObjectText& object : objects) {
    const std::string known_by = identity(object);
    put(std::move(object), hostname, known_by + " " + std::to_string(++seen[known_by]));
  }
  return true;
}

void NamedThings::put(ObjectText object, const std::string& hostname, const std::string& identity) {
  const auto usage = usage_of(object);
  const auto [place, is_new] = index_.emplace(identity, things_.size());
  if (is_new) {
    things_.push_back({std::move(object), {hostname}, usage});
    return;
  }
  Thing& known = things_[place->second];
  known.nodes.push_back(hostname);
  if (!usage || !known.usage) {
    if (usage) known.usage = usage;
    return;
  }
  known.usage->first = sum_of_known(known.usage->first, usage->first);
  known.usage->second = sum_of_known(known.usage->second, usage->second);
}

std::string NamedThings::text() const {
  std::vector<std::string> elements;
  for (const Thing& thing : things_) {
    ObjectText object = thing.first;
    object.set("Labels", with_nodes_label(object.find("Labels"), thing.nodes));
    if (thing.usage) {
      object.set("UsageData", "{\"RefCount\":" + std::to_string(thing.usage->first) +
                                  ",\"Size\":" + std::to_string(thing.usage->second) + "}");
    }
    object.set("Nodes", strings_text(thing.nodes));
    elements.push_back(object.text());
  }
  return array_text(elements);
}

}  // namespace dockherd::engine_api
