#include "engine_api/create_rules.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/limits.hpp"

namespace dockherd::engine_api {

namespace {

using Texts = std::vector<std::string>;

struct Kind {
  std::string_view prefix;
  std::string_view label;
};

constexpr std::array kinds{
    Kind{"constraint:", "com.docker.swarm.constraints"},
    Kind{"affinity:", "com.docker.swarm.affinities"},
    Kind{"whitelist:", "com.docker.swarm.whitelists"},
    Kind{"reschedule:", "com.docker.swarm.reschedule-policies"},
};
constexpr std::size_t constraint = 0;
constexpr std::size_t affinity = 1;
constexpr std::size_t whitelist = 2;
constexpr std::size_t reschedule = 3;

/// Expressions as written, by kind.
using TextsByKind = std::array<Texts, kinds.size()>;

json* member(json& object, std::string_view name) {
  return const_cast<json*>(find_member(object, name));
}

std::string* string_member(json& object, std::string_view name) {
  json* value = member(object, name);
  return value != nullptr && value->is_string() ? value->get_ptr<std::string*>() : nullptr;
}

/// The strings of a list; what is no string is passed over.
std::vector<std::string*> strings_of(json& object, std::string_view name) {
  std::vector<std::string*> strings;
  json* list = member(object, name);
  if (list == nullptr || !list->is_array()) return strings;
  for (json& item : *list) {
    if (item.is_string()) strings.push_back(item.get_ptr<std::string*>());
  }
  return strings;
}

void add_once(Texts& texts, std::string_view text) {
  if (!text.empty() && std::find(texts.begin(), texts.end(), text) == texts.end()) {
    texts.emplace_back(text);
  }
}

// Rules.

std::optional<std::size_t> kind_of(std::string_view text) {
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    if (text.starts_with(kinds[kind].prefix)) return kind;
  }
  return std::nullopt;
}

Result<void> read_stored(const json& labels, TextsByKind& texts) {
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    const auto label = labels.find(kinds[kind].label);
    if (label == labels.end() || !label->is_string()) continue;
    const auto list = parse_json(label->get_ref<const std::string&>());
    const bool understood =
        list.has_value() && list->is_array() &&
        std::all_of(list->begin(), list->end(), [](const json& item) { return item.is_string(); });
    if (!understood) {
      return Error(errc::bad_request, "label " + std::string(kinds[kind].label) +
                                          ": expected a JSON list of expressions");
    }
    for (const json& item : *list) add_once(texts[kind], item.get_ref<const std::string&>());
  }
  return {};
}

/// {"constraint:node": "=h2"} is what the docker command makes of --label constraint:node==h2.
void take_from_labels(json& labels, TextsByKind& texts) {
  for (auto label = labels.begin(); label != labels.end();) {
    const auto kind = kind_of(label.key());
    if (!kind || !label->is_string()) {
      ++label;
      continue;
    }
    std::string text = label.key().substr(kinds[*kind].prefix.size());
    const auto& value = label->get_ref<const std::string&>();
    if (!value.empty()) text += "=" + value;
    texts[*kind].push_back(std::move(text));
    label = labels.erase(label);
  }
}

void take_from_env(json& env, TextsByKind& texts) {
  json left = json::array();
  for (json& item : env) {
    const auto kind = item.is_string() ? kind_of(item.get_ref<const std::string&>()) : std::nullopt;
    if (kind) {
      const auto& text = item.get_ref<const std::string&>();
      texts[*kind].push_back(text.substr(kinds[*kind].prefix.size()));
    } else {
      left.push_back(std::move(item));
    }
  }
  env = std::move(left);
}

/// A body whose Labels are no object is refused by the daemon.
void store(json& body, const TextsByKind& texts) {
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    if (texts[kind].empty()) continue;
    json* labels = member(body, "Labels");
    if (labels == nullptr) labels = &body["Labels"];
    if (labels->is_null()) *labels = json::object();
    if (!labels->is_object()) return;
    (*labels)[std::string(kinds[kind].label)] = dump_json(json(texts[kind]));
  }
}

Result<TextsByKind> take_rules(json& body) {
  TextsByKind found;
  if (json* labels = member(body, "Labels"); labels != nullptr && labels->is_object()) {
    if (auto stored = read_stored(*labels, found); !stored) return stored.error();
    take_from_labels(*labels, found);
  }
  if (json* env = member(body, "Env"); env != nullptr && env->is_array()) {
    take_from_env(*env, found);
  }
  std::size_t count = 0;
  TextsByKind texts;
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    count += found[kind].size();
    if (count > limits::rules) {
      return Error(errc::bad_request,
                   "more than " + std::to_string(limits::rules) + " placement rules");
    }
    // An empty one stays, to be refused.
    for (std::string& text : found[kind]) {
      if (std::find(texts[kind].begin(), texts[kind].end(), text) == texts[kind].end()) {
        texts[kind].push_back(std::move(text));
      }
    }
  }
  return texts;
}

Result<std::vector<RuleExpression>> parse_rules(const TextsByKind& texts, std::size_t kind) {
  const auto bars =
      kind == whitelist ? RuleExpression::Bars::alternatives : RuleExpression::Bars::text;
  std::vector<RuleExpression> rules;
  for (const std::string& text : texts[kind]) {
    auto rule = RuleExpression::parse(text, bars);
    if (!rule) {
      Error wrong = rule.error();
      wrong.message = std::string(kinds[kind].prefix) + " " + wrong.message;
      return wrong;
    }
    rules.push_back(std::move(*rule));
  }
  return rules;
}

/// One of the two that Classic Swarm knew.
Result<std::string> parse_policy(const Texts& policies) {
  if (policies.empty()) return std::string();
  if (policies.size() > 1) {
    return Error(errc::bad_request, "reschedule: expected one policy, got \"" + policies[0] +
                                        "\" and \"" + policies[1] + "\"");
  }
  if (policies[0] != "off" && policies[0] != "on-node-failure") {
    return Error(errc::bad_request,
                 "reschedule: \"" + policies[0] + "\": expected \"off\" or \"on-node-failure\"");
  }
  return policies[0];
}

// Other containers.

/// Notes the container that `text` names in [begin, end), and leaves its name without the node.
void take_reference(std::string& text, std::size_t begin, std::size_t end, Texts& references) {
  while (begin < end && text[begin] == '/') ++begin;  // "/web", as inspections write it.
  const std::string reference = text.substr(begin, end - begin);
  add_once(references, reference);
  const std::size_t slash = reference.rfind('/');
  if (slash != std::string::npos) text.erase(begin, slash + 1);
}

/// "NAME:the rest" or "NAME".
void take_head(std::string& text, Texts& references) {
  take_reference(text, 0, std::min(text.find(':'), text.size()), references);
}

void read_shared(json& host_config, Texts& dependencies) {
  constexpr std::string_view container = "container:";
  for (const char* name : {"NetworkMode", "IpcMode", "PidMode"}) {
    std::string* mode = string_member(host_config, name);
    if (mode == nullptr || !mode->starts_with(container)) continue;
    take_reference(*mode, container.size(), mode->size(), dependencies);
  }
  for (std::string* from : strings_of(host_config, "VolumesFrom")) take_head(*from, dependencies);
  for (std::string* link : strings_of(host_config, "Links")) take_head(*link, dependencies);
}

// Volumes and networks.

/// What can stand before the colon of a bind besides a path.
bool is_volume_name(std::string_view text) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return letter_or_digit(c) || c == '_' || c == '.' || c == '-';
         });
}

bool is_local(const std::string* driver) {
  return driver == nullptr || driver->empty() || *driver == "local";
}

void read_mount(json& mount, Texts& volumes) {
  const std::string* type = string_member(mount, "Type");
  const std::string* source = string_member(mount, "Source");
  if (type == nullptr || *type != "volume" || source == nullptr) return;
  json* options = member(mount, "VolumeOptions");
  json* driver = options == nullptr ? nullptr : member(*options, "DriverConfig");
  if (driver == nullptr || is_local(string_member(*driver, "Name"))) add_once(volumes, *source);
}

void read_volumes(json& host_config, Texts& volumes) {
  if (is_local(string_member(host_config, "VolumeDriver"))) {
    for (const std::string* bind : strings_of(host_config, "Binds")) {
      const std::size_t colon = bind->find(':');
      if (colon == std::string::npos) continue;
      const std::string_view source = std::string_view(*bind).substr(0, colon);
      if (is_volume_name(source)) add_once(volumes, source);
    }
  }
  json* mounts = member(host_config, "Mounts");
  if (mounts == nullptr || !mounts->is_array()) return;
  for (json& mount : *mounts) read_mount(mount, volumes);
}

void add_network(Texts& networks, std::string_view name) {
  if (name.starts_with("container:")) return;
  for (const std::string_view every_daemons : {"default", "bridge", "host", "none"}) {
    if (name == every_daemons) return;
  }
  add_once(networks, name);
}

void read_endpoints(json& body, CreateRules& rules) {
  json* networking = member(body, "NetworkingConfig");
  json* endpoints = networking == nullptr ? nullptr : member(*networking, "EndpointsConfig");
  if (endpoints == nullptr || !endpoints->is_object()) return;
  for (auto endpoint = endpoints->begin(); endpoint != endpoints->end(); ++endpoint) {
    add_network(rules.networks, endpoint.key());
    for (std::string* link : strings_of(*endpoint, "Links")) {
      take_head(*link, rules.soft_dependencies);
    }
  }
}

}  // namespace

Result<CreateRules> read_create_rules(json& body) {
  auto texts = take_rules(body);
  if (!texts) return texts.error();
  CreateRules rules;
  const std::initializer_list<std::pair<std::size_t, std::vector<RuleExpression>*>> targets = {
      {constraint, &rules.constraints},
      {affinity, &rules.affinities},
      {whitelist, &rules.whitelists}};
  for (const auto& [kind, target] : targets) {
    auto parsed = parse_rules(*texts, kind);
    if (!parsed) return parsed.error();
    *target = std::move(*parsed);
  }
  auto policy = parse_policy((*texts)[reschedule]);
  if (!policy) return policy.error();
  rules.reschedule_policy = std::move(*policy);
  store(body, *texts);

  if (const std::string* image = string_member(body, "Image")) rules.image = *image;
  if (json* host_config = member(body, "HostConfig")) {
    rules.reservation = reservation_of(*host_config);
    read_shared(*host_config, rules.dependencies);
    read_volumes(*host_config, rules.volumes);
    if (const std::string* mode = string_member(*host_config, "NetworkMode")) {
      add_network(rules.networks, *mode);
    }
  }
  read_endpoints(body, rules);
  return rules;
}

std::string replaced_container(const json& body, std::string_view name) {
  constexpr std::string_view label = "com.docker.compose.replace";
  constexpr std::size_t id_digits = 12;
  const json* labels = find_member(body, "Labels");
  const std::string_view digits = name.substr(0, id_digits);
  const bool says_so = labels != nullptr && labels->is_object() && labels->contains(label);
  if (!says_so || name.size() <= id_digits || name[id_digits] != '_') return {};
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return {};
  return std::string(digits);
}

}  // namespace dockherd::engine_api
