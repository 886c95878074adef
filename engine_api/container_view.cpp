#include "engine_api/container_view.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <queue>

#include "base/json_reader.hpp"
#include "engine_api/network_id.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::int64_t second_nano = 1'000'000'000;
constexpr std::string_view nano_member = "\"CreatedNano\":";

/// Appends what follows a comma unless it is the first.
void append_element(std::string& text, std::string_view element) {
  if (text.back() != '[' && text.back() != '{') text += ',';
  text += element;
}

/// ["/web","/db/alias"] as ["/h1/web","/h1/db/alias"].
std::string prefixed_names(std::string_view names, std::string_view prefix) {
  const auto elements = slice_json_array(names);
  if (!elements) return std::string(names);
  std::string text = "[";
  for (const std::string_view name : *elements) {
    if (name.starts_with("\"/")) {
      append_element(text, prefix);
      text += name.substr(1);
    } else {
      append_element(text, name);
    }
  }
  return text + "]";
}

std::string labels_with_node(std::string_view labels, std::string_view node) {
  const auto members = slice_json_object(labels);
  std::string text = "{";
  if (members) {
    for (const auto& [key, value] : *members) {
      if (key == node_label) continue;  // The container's own claim.
      append_element(text, "\"");
      text.append(key).append("\":").append(value);
    }
  }
  append_element(text, "\"");
  return text.append(node_label).append("\":").append(quote_json(node)).append("}");
}

bool is_any_address(std::string_view quoted) {
  return quoted == "\"0.0.0.0\"" || quoted == "\"::\"";
}

/// A list of objects in which `key` holds an address: all-addresses become `ip`. dockerd publishes
/// on 0.0.0.0 and on :: and lists both; the second is dropped when it would be the same again.
std::string with_address(std::string_view list, std::string_view key, const std::string& ip) {
  const auto elements = slice_json_array(list);
  if (ip.empty() || !elements) return std::string(list);
  std::vector<std::string> shown;
  for (const std::string_view element : *elements) {
    auto port = ObjectText::sliced(element);
    if (!port || !is_any_address(port->find(key))) {
      shown.emplace_back(element);
      continue;
    }
    port->set(key, quote_json(ip));
    std::string text = port->text();
    if (std::find(shown.begin(), shown.end(), text) == shown.end()) {
      shown.push_back(std::move(text));
    }
  }
  return array_text(shown);
}

/// {"80/tcp":[{"HostIp":…,"HostPort":…}],"90/tcp":null}.
std::string ports_with_address(std::string_view ports, const std::string& ip) {
  const auto members = slice_json_object(ports);
  if (!members) return std::string(ports);
  std::string text = "{";
  for (const auto& [key, value] : *members) {
    append_element(text, "\"");
    text.append(key).append("\":").append(with_address(value, "HostIp", ip));
  }
  return text + "}";
}

/// {"web":{"NetworkID":…}} with the ids that the herd shows for these networks.
std::string networks_with_ids(std::string_view networks) {
  const auto members = slice_json_object(networks);
  if (!members) return std::string(networks);
  std::string text = "{";
  for (const auto& [key, value] : *members) {
    append_element(text, "\"");
    text.append(key).append("\":");
    const auto name = string_of("\"" + std::string(key) + "\"");
    auto endpoint = ObjectText::sliced(value);
    if (name && endpoint && endpoint->find("NetworkID").size() > 2) {
      endpoint->set("NetworkID", quote_json(herd_network_id(*name)));
      text += endpoint->text();
    } else {
      text += value;
    }
  }
  return text + "}";
}

/// Of a list's entry: {"Networks":{…}}.
std::string settings_with_ids(std::string_view settings) {
  auto object = ObjectText::sliced(settings);
  if (!object || object->find("Networks").size() <= 2) return std::string(settings);
  object->set("Networks", networks_with_ids(object->find("Networks")));
  return object->text();
}

/// The prefix that names get, with the quote that opens them: "/h1.
std::string name_prefix(const NodeView& node) {
  std::string prefix = quote_json("/" + node.name);
  prefix.pop_back();
  return prefix;
}

}  // namespace

std::string herd_list_entry(std::string_view entry, const NodeView& node, NameStyle style) {
  const auto members = slice_json_object(entry);
  if (!members) return std::string(entry);
  std::string text;
  text.reserve(entry.size() + 2 * node.name.size() + 64);
  text += '{';
  bool labelled = false;
  for (const auto& [key, value] : *members) {
    append_element(text, "\"");
    text.append(key).append("\":");
    if (key == "Names" && style == NameStyle::node_prefixed) {
      text += prefixed_names(value, name_prefix(node));
    } else if (key == "Ports" && value.size() > 2) {
      text += with_address(value, "IP", node.ip);
    } else if (key == "Labels") {
      text += labels_with_node(value, node.name);
      labelled = true;
    } else if (key == "NetworkSettings") {
      text += settings_with_ids(value);
    } else {
      text += value;
    }
  }
  if (!labelled) {
    append_element(text, "\"Labels\":");
    text += labels_with_node("{}", node.name);
  }
  return text + "}";
}

std::string herd_inspection(std::string_view body, const NodeView& node) {
  auto inspection = ObjectText::sliced(body);
  if (!inspection || inspection->find("Id").empty()) return std::string(body);
  inspection->set_before("Name", "Node", node_object(node));
  if (auto network = ObjectText::sliced(inspection->find("NetworkSettings"))) {
    if (const std::string_view ports = network->find("Ports"); !ports.empty()) {
      network->set("Ports", ports_with_address(ports, node.ip));
    }
    if (const std::string_view networks = network->find("Networks"); networks.size() > 2) {
      network->set("Networks", networks_with_ids(networks));
    }
    inspection->set("NetworkSettings", network->text());
  }
  return inspection->text() + (body.ends_with('\n') ? "\n" : "");
}

std::int64_t created_of(std::string_view entry) {
  // Inside of a JSON string a quote has a backslash before it, so this is a key; and when no other
  // object was opened before, it is one of the entry's own. So dockerd writes it.
  constexpr std::string_view key = ",\"Created\":";
  if (const auto at = entry.find(key);
      at != std::string_view::npos && entry.substr(1, at).find('{') == std::string_view::npos) {
    const std::string_view rest = entry.substr(at + key.size());
    if (const auto created = integer_of(rest.substr(0, rest.find_first_of(",} ")))) {
      return *created;
    }
  }
  const auto object = ObjectText::sliced(entry);
  return object ? integer_of(object->find("Created")).value_or(0) : 0;
}

std::string with_created_nano(std::string entry, std::int64_t nano) {
  if (entry.size() < 3) return entry;
  const std::int64_t created = created_of(entry);
  if (created < 0 || nano / second_nano < created) return entry;
  if (nano / second_nano > created) nano = created * second_nano + (second_nano - 1);
  entry.insert(1, std::string(nano_member) + std::to_string(nano) + ",");
  return entry;
}

std::int64_t created_nano_of(std::string_view entry) {
  if (entry.size() > nano_member.size() && entry.substr(1).starts_with(nano_member)) {
    std::int64_t nano = 0;
    const std::string_view digits = entry.substr(1 + nano_member.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), nano);
    return nano;
  }
  // No daemon's clock is beyond; of what is, the order does not matter.
  constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max() / second_nano;
  return std::clamp(created_of(entry), -latest, latest) * second_nano;
}

Merged merge_lists(std::span<const ListOfHost> lists, std::optional<std::size_t> limit) {
  struct Head {
    std::int64_t created;
    std::size_t list;
    bool operator<(const Head& other) const {  // The queue gives the greatest first.
      return created != other.created ? created < other.created : list > other.list;
    }
  };
  Merged merged;
  std::vector<std::vector<std::string_view>> entries;
  std::vector<std::size_t> next(lists.size(), 0);
  std::priority_queue<Head> heads;
  std::size_t bytes = 3;
  for (const ListOfHost& list : lists) {
    auto sliced = slice_json_array(list.entries == "null" ? "[]" : list.entries);
    if (!sliced) merged.left_out.push_back(list.hostname);
    entries.push_back(sliced ? *std::move(sliced) : std::vector<std::string_view>());
    if (entries.back().empty()) continue;
    bytes += list.entries.size();
    heads.push({created_nano_of(entries.back().front()), entries.size() - 1});
  }
  if (!limit) merged.body.reserve(bytes);
  merged.body += '[';
  for (std::size_t shown = 0; !heads.empty() && shown < limit.value_or(shown + 1); ++shown) {
    const std::size_t list = heads.top().list;
    heads.pop();
    append_element(merged.body, entries[list][next[list]]);
    if (++next[list] < entries[list].size()) {
      heads.push({created_nano_of(entries[list][next[list]]), list});
    }
  }
  merged.body += "]\n";
  return merged;
}

}  // namespace dockherd::engine_api
