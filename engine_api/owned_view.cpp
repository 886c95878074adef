#include "engine_api/owned_view.hpp"

#include "engine_api/list_query.hpp"
#include "engine_api/object_text.hpp"
#include "trust/users.hpp"

namespace dockherd::engine_api {

namespace {

std::string owner_in(std::string_view labels) {
  const auto object = ObjectText::sliced(labels);
  return object ? string_of(object->find(trust::owner_label)).value_or("") : "";
}

/// A list within an object, narrowed.
void narrow_list(ObjectText& object, std::string_view key, const std::string& owner) {
  const std::string_view list = object.find(key);
  if (!list.empty() && list != "null") object.set(key, only_owned(list, owner));
}

}  // namespace

std::string owner_of(std::string_view object) {
  const auto thing = ObjectText::sliced(object);
  if (!thing) return {};
  const auto config = ObjectText::sliced(thing->find("Config"));
  return owner_in(config ? config->find("Labels") : thing->find("Labels"));
}

bool is_predefined_network(std::string_view name) {
  return name == "bridge" || name == "host" || name == "none";
}

std::string only_owned(std::string_view list, const std::string& owner) {
  std::vector<std::string> kept;
  for (const std::string_view element :
       elements_of(list).value_or(std::vector<std::string_view>())) {
    const auto thing = ObjectText::sliced(element);
    // Only networks have a scope and an id.
    const bool is_network = thing && !thing->find("Scope").empty() && !thing->find("Id").empty();
    const bool is_everybodys =
        is_network && is_predefined_network(string_of(thing->find("Name")).value_or(""));
    if (is_everybodys) {
      // Daemons list them with everybody's containers for clients before API 1.28.
      ObjectText shown = *thing;
      if (!shown.find("Containers").empty()) shown.set("Containers", "{}");
      kept.push_back(shown.text());
    } else if (owner_of(element) == owner) {
      kept.emplace_back(element);
    }
  }
  return array_text(kept);
}

std::string volumes_of(std::string_view answer, const std::string& owner) {
  auto object = ObjectText::sliced(answer);
  if (!object) return "{}";
  narrow_list(*object, "Volumes", owner);
  return object->text() + "\n";
}

std::string disk_usage_of(std::string_view answer, const std::string& owner) {
  auto object = ObjectText::sliced(answer);
  if (!object) return "{}";
  for (const std::string_view key : {"Containers", "Volumes", "BuildCache"}) {
    narrow_list(*object, key, owner);
  }
  return object->text() + "\n";
}

std::string with_containers(std::string_view network, const std::set<std::string>& ids) {
  auto object = ObjectText::sliced(network);
  if (!object) return "{}";
  const auto all = ObjectText::sliced(object->find("Containers"));
  ObjectText shown;
  if (all) {
    for (const std::string_view id : all->keys()) {
      if (ids.contains(std::string(id))) shown.set(id, std::string(all->find(id)));
    }
  }
  object->set("Containers", shown.text());
  return object->text() + "\n";
}

Result<Query> narrowed(const Query& query, const std::string& owner) {
  auto filters = read_filters(query_value(query, "filters").value_or(""));
  if (!filters) return filters.error();
  (*filters)["label"][std::string(trust::owner_label) + "=" + owner] = true;
  Query own;
  for (const auto& field : query) {
    if (field.first != "filters") own.push_back(field);
  }
  own.emplace_back("filters", dump_json(*filters));
  return own;
}

bool is_owned(const std::vector<HostAnswer>& answers, const std::string& owner) {
  bool found = false;
  for (const HostAnswer& answer : answers) {
    if (answer.status != 200) continue;
    if (owner_of(answer.body) != owner) return false;
    found = true;
  }
  return found;
}

std::string no_such_container(std::string_view reference) {
  const auto slash = reference.find('/', 1);
  if (slash != reference.npos) reference.remove_prefix(slash + 1);
  return "No such container: " + std::string(reference);
}

}  // namespace dockherd::engine_api
