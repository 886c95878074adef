#include "engine_api/merge_networks.hpp"

#include <list>
#include <optional>
#include <set>
#include <utility>

#include "base/json_reader.hpp"
#include "engine_api/named_things.hpp"
#include "engine_api/network_id.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

/// What makes networks of two hosts the same one.
std::string identity_of(const ObjectText& network) {
  const auto scope = string_of(network.find("Scope"));
  if (scope && *scope != "local") return "id " + std::string(network.find("Id"));
  return "name " + std::string(network.find("Name"));
}

bool is_object_or_nothing(std::string_view text) {
  return text.empty() || text == "null" || ObjectText::sliced(text).has_value();
}

/// {"ID":{"Name":…}} with the host in each.
std::string with_node(std::string_view container, const std::string& hostname) {
  auto object = ObjectText::sliced(container);
  if (!object) return std::string(container);
  object->set("Node", quote_json(hostname));
  return object->text();
}

void add_containers(ObjectText& all, std::string_view containers, const std::string& hostname) {
  const auto object = ObjectText::sliced(containers);
  if (!object) return;
  for (const std::string_view id : object->keys()) {
    all.set(id, with_node(object->find(id), hostname));
  }
}

/// The list of a host with the herd's ids. A daemon may have several networks of one name: of these
/// the herd knows the first only, and the others have their own ids.
std::string with_herd_ids(std::string_view list) {
  const auto elements = elements_of(list);
  if (!elements) return std::string(list);
  std::set<std::string> seen;
  std::vector<std::string> shown;
  for (const std::string_view element : *elements) {
    const auto object = ObjectText::sliced(element);
    const std::string name(object ? object->find("Name") : std::string_view());
    const bool first = seen.insert(name).second;
    shown.push_back(first ? with_herd_network_id(element) : std::string(element));
  }
  return array_text(shown);
}

}  // namespace

Merged merge_networks(std::span<const HostAnswer> answers) {
  NamedThings networks;
  std::list<std::string> shown;  // What is added is borrowed.
  auto left_out = take_good_answers(answers, NotFound::is_a_failure, [&](const HostAnswer& answer) {
    return networks.add(answer.hostname, shown.emplace_back(with_herd_ids(answer.body)),
                        identity_of);
  });
  if (left_out.size() == answers.size()) return nothing_merged(answers);
  return merged_into(networks.text(), std::move(left_out));
}

Merged merge_network_inspections(std::span<const HostAnswer> answers) {
  std::optional<ObjectText> network;
  ObjectText containers;
  std::vector<std::string> nodes;
  auto left_out = take_good_answers(answers, NotFound::may_lack_it, [&](const HostAnswer& answer) {
    auto object = ObjectText::parsed(answer.body);
    if (!object || !string_of(object->find("Id"))) return false;
    if (!is_object_or_nothing(object->find("Containers"))) return false;
    add_containers(containers, object->find("Containers"), answer.hostname);
    nodes.push_back(answer.hostname);
    if (!network) network = std::move(object);
    return true;
  });
  if (!network) return nothing_found(answers);
  if (!containers.keys().empty()) network->set("Containers", containers.text());
  network->set("Nodes", strings_text(nodes));
  return merged_into(with_herd_network_id(network->text()), std::move(left_out));
}

}  // namespace dockherd::engine_api
