#include "engine_api/create_rules.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
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

/// Texts in the order in which they came, each once. What was there is looked up in a set, so that
/// a long list costs no more than its length.
class DistinctTexts {
 public:
  void add(std::string_view text) {
    if (!text.empty() && seen_.emplace(text).second) texts_.emplace_back(text);
  }
  Texts take() { return std::move(texts_); }

 private:
  Texts texts_;
  std::set<std::string, std::less<>> seen_;
};

// Sizes. One thread reads all bodies, so none may be a long piece of work.

constexpr std::size_t longest_list = 1'000;

Result<void> judge_size(const json* value, const std::string& place) {
  if (value == nullptr || !value->is_structured() || value->size() <= longest_list) return {};
  return Error(errc::bad_request, place + ": expected at most " + std::to_string(longest_list) +
                                      " members, got " + std::to_string(value->size()))
      .at_field(place);
}

Result<void> judge_endpoint_sizes(const json& body) {
  const json* networking = find_member(body, "NetworkingConfig");
  const json* endpoints =
      networking == nullptr ? nullptr : find_member(*networking, "EndpointsConfig");
  if (endpoints == nullptr || !endpoints->is_object()) return {};
  const std::string place = "NetworkingConfig.EndpointsConfig";
  if (auto fits = judge_size(endpoints, place); !fits) return fits;
  std::size_t links = 0;
  for (const auto& [name, endpoint] : endpoints->items()) {
    const json* of_one = find_member(endpoint, "Links");
    if (of_one != nullptr && of_one->is_array()) links += of_one->size();
  }
  if (links <= longest_list) return {};
  return Error(errc::bad_request, place + ".Links: expected at most " +
                                      std::to_string(longest_list) + " of all networks, got " +
                                      std::to_string(links))
      .at_field(place + ".Links");
}

Result<void> judge_sizes(const json& body) {
  if (const json* host_config = find_member(body, "HostConfig")) {
    for (const char* name : {"Binds", "Mounts", "VolumesFrom", "Links"}) {
      const std::string place = std::string("HostConfig.") + name;
      if (auto fits = judge_size(find_member(*host_config, name), place); !fits) return fits;
    }
    if (claims_too_many_ports(*host_config)) {
      return Error(errc::bad_request, "HostConfig.PortBindings: expected at most " +
                                          std::to_string(most_claimed_ports) +
                                          " ports of the host, ranges counted in full")
          .at_field("HostConfig.PortBindings");
    }
  }
  return judge_endpoint_sizes(body);
}

// Rules.

std::optional<std::size_t> kind_of(std::string_view text) {
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    if (text.starts_with(kinds[kind].prefix)) return kind;
  }
  return std::nullopt;
}

Error too_many_rules() {
  return Error(errc::bad_request,
               "more than " + std::to_string(limits::rules) + " placement rules");
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
    if (list->size() > limits::rules) return too_many_rules();
    DistinctTexts stored;
    for (const json& item : *list) stored.add(item.get_ref<const std::string&>());
    texts[kind] = stored.take();
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
    if (count > limits::rules) return too_many_rules();
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
void take_reference(std::string& text, std::size_t begin, std::size_t end,
                    DistinctTexts& references) {
  while (begin < end && text[begin] == '/') ++begin;  // "/web", as inspections write it.
  const std::string reference = text.substr(begin, end - begin);
  references.add(reference);
  const std::size_t slash = reference.rfind('/');
  if (slash != std::string::npos) text.erase(begin, slash + 1);
}

/// "NAME:the rest" or "NAME".
void take_head(std::string& text, DistinctTexts& references) {
  take_reference(text, 0, std::min(text.find(':'), text.size()), references);
}

void read_shared(json& host_config, DistinctTexts& dependencies) {
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

void read_mount(json& mount, DistinctTexts& volumes) {
  const std::string* type = string_member(mount, "Type");
  const std::string* source = string_member(mount, "Source");
  if (type == nullptr || *type != "volume" || source == nullptr) return;
  json* options = member(mount, "VolumeOptions");
  json* driver = options == nullptr ? nullptr : member(*options, "DriverConfig");
  if (driver == nullptr || is_local(string_member(*driver, "Name"))) volumes.add(*source);
}

void read_volumes(json& host_config, DistinctTexts& volumes) {
  if (is_local(string_member(host_config, "VolumeDriver"))) {
    for (const std::string* bind : strings_of(host_config, "Binds")) {
      const std::size_t colon = bind->find(':');
      if (colon == std::string::npos) continue;
      const std::string_view source = std::string_view(*bind).substr(0, colon);
      if (is_volume_name(source)) volumes.add(source);
    }
  }
  json* mounts = member(host_config, "Mounts");
  if (mounts == nullptr || !mounts->is_array()) return;
  for (json& mount : *mounts) read_mount(mount, volumes);
}

void add_network(DistinctTexts& networks, std::string_view name) {
  if (name.starts_with("container:")) return;
  for (const std::string_view every_daemons : {"default", "bridge", "host", "none"}) {
    if (name == every_daemons) return;
  }
  networks.add(name);
}

void read_endpoints(json& body, DistinctTexts& networks, DistinctTexts& linked) {
  json* networking = member(body, "NetworkingConfig");
  json* endpoints = networking == nullptr ? nullptr : member(*networking, "EndpointsConfig");
  if (endpoints == nullptr || !endpoints->is_object()) return;
  for (auto endpoint = endpoints->begin(); endpoint != endpoints->end(); ++endpoint) {
    add_network(networks, endpoint.key());
    for (std::string* link : strings_of(*endpoint, "Links")) take_head(*link, linked);
  }
}

}  // namespace

Result<CreateRules> read_create_rules(json& body) {
  if (auto fits = judge_sizes(body); !fits) return fits.error();
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
  DistinctTexts dependencies, soft_dependencies, volumes, networks;
  if (json* host_config = member(body, "HostConfig")) {
    rules.reservation = reservation_of(*host_config);
    read_shared(*host_config, dependencies);
    read_volumes(*host_config, volumes);
    if (const std::string* mode = string_member(*host_config, "NetworkMode")) {
      add_network(networks, *mode);
    }
  }
  read_endpoints(body, networks, soft_dependencies);
  rules.dependencies = dependencies.take();
  rules.soft_dependencies = soft_dependencies.take();
  rules.volumes = volumes.take();
  rules.networks = networks.take();
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
