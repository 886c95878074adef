#include "agent/reschedule_rules.hpp"

#include <algorithm>

#include "base/fnv1a.hpp"
#include "trust/users.hpp"

namespace dockherd::agent {

namespace {

constexpr const char* policies_label = "com.docker.swarm.reschedule-policies";
constexpr std::string_view policy = "on-node-failure";
constexpr std::size_t longest_list_of_superseded = 8;
constexpr std::size_t id_digits = 64;

/// What an endpoint has by the user's wish; the rest of it is the daemon's.
constexpr const char* endpoint_members[] = {"IPAMConfig", "Links", "Aliases", "DriverOpts"};

std::string text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const json& object_in(const json& object, const char* key) {
  static const json empty = json::object();
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : empty;
}

/// The daemon adds the id's first digits to the aliases itself.
json aliases_without(const json& aliases, const std::string& id) {
  json kept = json::array();
  if (!aliases.is_array()) return kept;
  for (const json& alias : aliases) {
    const bool of_id = alias.is_string() && id.starts_with(alias.get_ref<const std::string&>());
    if (!of_id) kept.push_back(alias);
  }
  return kept;
}

json endpoints_of(const json& inspection, const std::string& id) {
  json endpoints = json::object();
  for (const auto& [network, settings] :
       object_in(object_in(inspection, "NetworkSettings"), "Networks").items()) {
    json endpoint = json::object();
    for (const char* member : endpoint_members) {
      const auto found = settings.find(member);
      if (found != settings.end() && !found->is_null()) endpoint[member] = *found;
    }
    if (endpoint.contains("Aliases"))
      endpoint["Aliases"] = aliases_without(endpoint["Aliases"], id);
    endpoints[network] = std::move(endpoint);
  }
  return endpoints;
}

/// With the container itself as the last that the new one supersedes.
std::string superseding(const json& labels, const std::string& id) {
  std::vector<std::string> ids = superseded_ids(text_in(labels, supersedes_label));
  if (ids.size() >= longest_list_of_superseded) ids.erase(ids.begin());
  ids.push_back(id);
  std::string text;
  for (const std::string& one : ids) text += (text.empty() ? "" : ",") + one;
  return text;
}

}  // namespace

bool asks_for_rescheduling(const std::map<std::string, std::string>& labels) {
  if (labels.contains("reschedule:" + std::string(policy))) return true;
  const auto stored = labels.find(policies_label);
  if (stored == labels.end()) return false;
  const auto list = parse_json(stored->second);
  return list && list->is_array() && std::find(list->begin(), list->end(), policy) != list->end();
}

void drop_supersedes(json& body) {
  auto* labels = const_cast<json*>(find_member(body, "Labels"));
  if (labels != nullptr && labels->is_object()) labels->erase(supersedes_label);
}

Result<Specification> specification_of(const json& inspection) {
  if (!inspection.is_object() || !object_in(inspection, "Config").contains("Image")) {
    return Error(errc::bad_request, "Config.Image is missing").at_field("Config.Image");
  }
  Specification specification;
  specification.id = text_in(inspection, "Id");
  specification.name = text_in(inspection, "Name");
  if (specification.name.starts_with('/')) specification.name.erase(0, 1);
  const json& state = object_in(inspection, "State");
  const std::string status = text_in(state, "Status");
  specification.runs = status == "running" || status == "restarting" || status == "paused";

  json body = object_in(inspection, "Config");
  if (specification.id.starts_with(text_in(body, "Hostname"))) body.erase("Hostname");
  body.erase("MacAddress");
  json labels = object_in(body, "Labels");
  labels[supersedes_label] = superseding(labels, specification.id);
  body["Labels"] = std::move(labels);
  body["HostConfig"] = object_in(inspection, "HostConfig");
  // Where cgroups are of version 1 a daemon writes "host" when nothing was asked for. An operator
  // who may not ask for it would be refused at the new host.
  json& host_config = body["HostConfig"];
  if (body["Labels"].contains(trust::owner_label) &&
      text_in(host_config, "CgroupnsMode") == "host") {
    host_config.erase("CgroupnsMode");
  }
  // The daemon's own lists, unless the user has emptied them.
  for (const char* paths : {"MaskedPaths", "ReadonlyPaths"}) {
    const auto found = host_config.find(paths);
    if (found != host_config.end() && !found->empty()) host_config.erase(found);
  }
  body["NetworkingConfig"]["EndpointsConfig"] = endpoints_of(inspection, specification.id);
  specification.body = dump_json(body);
  return specification;
}

std::string encode_specification(const Specification& specification) {
  json keepers = json::array();
  for (const NodeId& keeper : specification.keepers) keepers.push_back(keeper.hex());
  return dump_json(json{{"id", specification.id},
                        {"name", specification.name},
                        {"body", specification.body},
                        {"runs", specification.runs},
                        {"keepers", std::move(keepers)}});
}

Result<Specification> decode_specification(const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto reader = JsonReader::of(*document);
  if (!reader) return reader.error();
  Specification specification;
  const auto id = reader->string("id");
  const auto name = reader->string("name");
  const auto body = reader->string("body");
  const auto runs = reader->boolean("runs");
  const auto keepers = reader->strings("keepers", specification_keepers);
  if (!id || !*id || (*id)->size() != id_digits || !looks_like_container_id(**id)) {
    return Error(errc::bad_request, "id must be a container's id").at_field("id");
  }
  if (!name) return name.error();
  if (!body) return body.error();
  if (!runs) return runs.error();
  if (!keepers) return keepers.error();
  specification.id = **id;
  specification.name = name->value_or("");
  specification.body = body->value_or("");
  specification.runs = runs->value_or(false);
  for (const std::string& keeper : keepers->value_or(std::vector<std::string>())) {
    const auto node = NodeId::from_hex(keeper);
    if (!node) return Error(errc::bad_request, "keepers must be ids of nodes").at_field("keepers");
    specification.keepers.push_back(*node);
  }
  return specification;
}

std::vector<NodeId> keepers_of(const std::string& container, std::vector<NodeId> agents) {
  const auto weight = [&container](const NodeId& agent) {
    return fnv1a(fnv1a(fnv1a_start, container), agent.raw());
  };
  std::sort(agents.begin(), agents.end(), [&](const NodeId& a, const NodeId& b) {
    return std::pair(weight(a), a) > std::pair(weight(b), b);
  });
  if (agents.size() > specification_keepers) agents.resize(specification_keepers);
  return agents;
}

bool may_reschedule(const std::vector<std::string>& here, const std::vector<std::string>& lost) {
  if (here.size() != lost.size()) return here.size() > lost.size();
  if (here.empty()) return false;
  return *std::min_element(here.begin(), here.end()) < *std::min_element(lost.begin(), lost.end());
}

std::vector<std::string> superseded_ids(std::string_view label) {
  std::vector<std::string> ids;
  while (!label.empty() && ids.size() < longest_list_of_superseded) {
    const auto comma = label.find(',');
    const std::string_view id = label.substr(0, comma);
    if (id.size() == id_digits && looks_like_container_id(id)) ids.emplace_back(id);
    label = comma == label.npos ? std::string_view() : label.substr(comma + 1);
  }
  return ids;
}

}  // namespace dockherd::agent
