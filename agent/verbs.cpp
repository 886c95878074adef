#include "agent/verbs.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "agent/key_labels.hpp"
#include "agent/verb_user.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "docker_client/api_version.hpp"

namespace dockherd::agent {

namespace {

using Decoder = Result<Verb> (*)(const JsonReader&, std::string_view action);

struct VerbEntry {
  std::string_view action;
  VerbOrigin origin;  // agent: unknown to clients.
  Decoder decode;
};

// NOLINTBEGIN(bugprone-macro-parentheses): a name that is declared takes none.
/// Evaluates a Result<optional<T>>, returning its error from the enclosing function.
#define DOCKHERD_READ(variable, expression)                 \
  auto variable##_result = (expression);                    \
  if (!variable##_result) return variable##_result.error(); \
  auto& variable = *variable##_result
// NOLINTEND(bugprone-macro-parentheses)

Error missing(std::string_view field, std::string_view expected) {
  return Error(errc::bad_request,
               std::string(field) + " is missing, expected " + std::string(expected))
      .at_field(std::string(field));
}

Result<std::vector<std::pair<std::string, std::string>>> read_headers(const JsonReader& request) {
  DOCKHERD_READ(object, request.object("headers"));
  std::vector<std::pair<std::string, std::string>> headers;
  if (object == nullptr) return headers;
  for (const auto& [name, value] : object->items()) {
    const auto breaks_out = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
    if (!value.is_string() || name.empty() ||
        std::any_of(name.begin(), name.end(),
                    [&](char c) { return breaks_out(c) || c == ':' || c == ' '; }) ||
        std::any_of(value.get_ref<const std::string&>().begin(),
                    value.get_ref<const std::string&>().end(), breaks_out)) {
      return Error(errc::bad_request, "headers must map header names to strings of one line; " +
                                          quote_json(name) + " does not")
          .at_field("headers");
    }
    headers.emplace_back(name, value.get<std::string>());
  }
  return headers;
}

Result<Verb> decode_create(const JsonReader& request, std::string_view action) {
  const bool raw = action == "create-raw-container";
  const auto known =
      raw ? request.only({"action", "body", "name", "instances", "start", "headers", "key"})
          : request.only({"action", "template", "image", "body", "instances", "name", "start",
                          "headers", "env", "cmd", "labels", "key"});
  if (!known) return known.error();
  CreateVerb verb;
  DOCKHERD_READ(template_name, request.string("template"));
  DOCKHERD_READ(body, request.object("body"));
  DOCKHERD_READ(instances, request.integer("instances", 1, limits::instances));
  DOCKHERD_READ(start, request.boolean("start"));
  DOCKHERD_READ(headers, read_headers(request));
  DOCKHERD_READ(key, request.string("key"));
  DOCKHERD_READ(overrides, read_overrides(request));
  if (template_name && body != nullptr) {
    return Error(errc::bad_request, "template and body exclude each other").at_field("body");
  }
  if (raw && body == nullptr) return missing("body", "Docker's create body as an object");
  if (!template_name && body == nullptr && !overrides.image) {
    return missing("template", "a template, an image or a body to create from");
  }
  verb.template_name = template_name.value_or("");
  if (body != nullptr) verb.body = *body;
  verb.overrides = std::move(overrides);
  if (instances) verb.instances = static_cast<std::uint32_t>(*instances);
  verb.start = start.value_or(false);
  verb.headers = std::move(headers);
  if (key) {
    if (auto checked = check_key(*key, "key"); !checked) return checked.error();
    verb.key = std::move(*key);
  }
  return Verb(std::move(verb));
}

using Keys = std::span<const std::string_view>;

struct ContainerEntry {
  std::string_view name;
  ContainerAction action;
  Keys keys;  // All that a request may have.
};

constexpr std::array<std::string_view, 3> plain_keys{"action", "id", "ids"};
constexpr std::array<std::string_view, 5> stop_keys{"action", "id", "ids", "timeout", "signal"};
constexpr std::array<std::string_view, 4> kill_keys{"action", "id", "ids", "signal"};
constexpr std::array<std::string_view, 5> remove_keys{"action", "id", "ids", "force", "volumes"};
constexpr std::array<std::string_view, 6> shutdown_keys{"action",  "id",     "ids",
                                                        "timeout", "signal", "volumes"};

constexpr std::array<ContainerEntry, 9> container_actions{{
    {"start-container", ContainerAction::start, plain_keys},
    {"stop-container", ContainerAction::stop, stop_keys},
    {"restart-container", ContainerAction::restart, stop_keys},
    {"kill-container", ContainerAction::kill, kill_keys},
    {"pause-container", ContainerAction::pause, plain_keys},
    {"unpause-container", ContainerAction::unpause, plain_keys},
    {"inspect-container", ContainerAction::inspect, plain_keys},
    {"delete-container", ContainerAction::remove, remove_keys},
    {"shutdown-container", ContainerAction::shutdown, shutdown_keys},
}};

const ContainerEntry* find_container_entry(std::string_view name) {
  const auto* const entry =
      std::find_if(container_actions.begin(), container_actions.end(),
                   [&](const ContainerEntry& candidate) { return candidate.name == name; });
  return entry == container_actions.end() ? nullptr : entry;
}

Result<void> read_container_options(const JsonReader& request, ContainerVerb& verb) {
  DOCKHERD_READ(timeout, request.integer("timeout", 0, longest_grace.count()));
  DOCKHERD_READ(signal, request.string("signal"));
  DOCKHERD_READ(force, request.boolean("force"));
  DOCKHERD_READ(volumes, request.boolean("volumes"));
  if (timeout) verb.timeout = static_cast<std::uint32_t>(*timeout);
  verb.signal = std::move(signal);
  verb.force = force.value_or(false);
  verb.volumes = volumes.value_or(false);
  return {};
}

Result<Verb> decode_container(const JsonReader& request, std::string_view action) {
  const ContainerEntry& entry = *find_container_entry(action);
  if (auto known = request.only(entry.keys); !known) return known.error();
  ContainerVerb verb;
  verb.action = entry.action;
  DOCKHERD_READ(id, request.string("id"));
  DOCKHERD_READ(ids, request.strings("ids", limits::ids_per_request));
  if (id && ids) {
    return Error(errc::bad_request, "id and ids exclude each other").at_field("ids");
  }
  if (!id && !ids) return missing("id", "a container's id, unique id prefix or name");
  verb.several = ids.has_value();
  verb.ids = ids ? std::move(*ids) : std::vector<std::string>{std::move(*id)};
  const std::string_view field = verb.several ? "ids" : "id";
  for (const std::string& item : verb.ids) {
    if (!item.empty() && item.size() <= 512) continue;
    return Error(errc::bad_request,
                 std::string(field) + " must be a container's id, unique id prefix or name, got " +
                     (item.empty() ? "an empty string" : "a string of over 512 bytes"))
        .at_field(std::string(field));
  }
  if (auto options = read_container_options(request, verb); !options) return options.error();
  return Verb(std::move(verb));
}

Result<std::string> read_filters(const JsonReader& request) {
  const json* filters = request.any("filters");
  if (filters == nullptr) return std::string();
  if (filters->is_object()) return dump_json(*filters);
  if (!filters->is_string()) {
    return request.wrong("filters", "Docker's filters, as in {\"label\": [\"app=web\"]}");
  }
  const auto parsed = parse_json(filters->get_ref<const std::string&>());
  if (!parsed || !parsed->is_object()) {
    return request.wrong("filters", "an object of Docker's filters, or one as text");
  }
  return dump_json(*parsed);
}

Result<Verb> decode_list(const JsonReader& request, std::string_view action) {
  if (auto known = request.only({"action", "all", "hostname", "filters", "shape"}); !known) {
    return known.error();
  }
  ListVerb verb;
  verb.images = action == "list-images";
  DOCKHERD_READ(all, request.boolean("all"));
  DOCKHERD_READ(hostname, request.string("hostname"));
  DOCKHERD_READ(filters, read_filters(request));
  DOCKHERD_READ(shape, request.string("shape"));
  if (shape && *shape != "flat" && *shape != "nodes" && *shape != "both") {
    return Error(errc::bad_request,
                 "shape must be \"flat\", \"nodes\" or \"both\", got " + quote_json(*shape))
        .at_field("shape");
  }
  verb.all = all.value_or(false);
  if (verb.all && hostname) {
    return Error(errc::bad_request, "all and hostname exclude each other").at_field("hostname");
  }
  verb.hostname = std::move(hostname);
  verb.filters = std::move(filters);
  if (shape && *shape == "flat") verb.shape = ListShape::flat;
  if (shape && *shape == "nodes") verb.shape = ListShape::nodes;
  return Verb(std::move(verb));
}

Result<Verb> decode_list_nodes(const JsonReader& request, std::string_view) {
  if (auto known = request.only({"action", "all"}); !known) return known.error();
  return Verb(ListNodesVerb{});
}

Result<Verb> decode_pool(const JsonReader& request, std::string_view action) {
  if (auto known = request.only({"action", "hostname"}); !known) return known.error();
  DOCKHERD_READ(hostname, request.string("hostname"));
  PoolVerb verb;
  verb.in_pool = action == "register";
  verb.hostname = std::move(hostname);
  return Verb(std::move(verb));
}

Result<Verb> decode_create_one(const JsonReader& request, std::string_view) {
  CreateOneVerb verb;
  DOCKHERD_READ(body, request.object("body"));
  DOCKHERD_READ(name, request.string("name"));
  DOCKHERD_READ(start, request.boolean("start"));
  DOCKHERD_READ(headers, read_headers(request));
  DOCKHERD_READ(max_load, request.integer("max_load", 0));
  DOCKHERD_READ(platform, request.string("platform"));
  DOCKHERD_READ(api_version, request.string("api_version"));
  DOCKHERD_READ(pull, request.boolean("pull"));
  DOCKHERD_READ(once, request.boolean("once"));
  DOCKHERD_READ(again, request.boolean("again"));
  if (body == nullptr) return missing("body", "Docker's create body as an object");
  verb.body = dump_json(*body);
  verb.name = std::move(name).value_or("");
  verb.start = start.value_or(false);
  verb.headers = std::move(headers);
  verb.platform = std::move(platform).value_or("");
  verb.api_version = std::move(api_version).value_or("");
  if (!verb.api_version.empty() && !docker_client::ApiVersion::parse(verb.api_version)) {
    return Error(errc::bad_request,
                 "expected a version as 1.40, got " + quote_json(verb.api_version))
        .at_field("api_version");
  }
  verb.pull = pull.value_or(true);
  verb.once = once.value_or(false);
  verb.again = again.value_or(false);
  if (max_load) verb.max_load = static_cast<std::uint64_t>(*max_load);
  return Verb(std::move(verb));
}

Result<Verb> decode_claim_name(const JsonReader& request, std::string_view) {
  DOCKHERD_READ(name, request.string("name"));
  DOCKHERD_READ(token, request.string("token"));
  if (!name || name->empty()) return missing("name", "a container's name");
  if (!token || token->empty()) return missing("token", "a token of the claim");
  ClaimNameVerb verb;
  verb.name = std::move(*name);
  verb.token = std::move(*token);
  return Verb(std::move(verb));
}

Result<Verb> decode_node_info(const JsonReader&, std::string_view) {
  return Verb(NodeInfoVerb{});
}

Result<Verb> decode_has_image(const JsonReader& request, std::string_view) {
  DOCKHERD_READ(image, request.string("image"));
  if (!image) return missing("image", "an image's name");
  HasImageVerb verb;
  verb.image = std::move(*image);
  return Verb(std::move(verb));
}

Result<Verb> decode_status_verb(const JsonReader& request, std::string_view) {
  DOCKHERD_READ(status, request.object("status"));
  if (status == nullptr) return missing("status", "a node's status");
  StatusVerb verb;
  verb.status = dump_json(*status);
  return Verb(std::move(verb));
}

Result<Verb> decode_claim_key(const JsonReader& request, std::string_view) {
  DOCKHERD_READ(key, request.string("key"));
  DOCKHERD_READ(token, request.string("token"));
  if (!key || key->empty()) return missing("key", "a key");
  if (!token || token->empty()) return missing("token", "a token of the claim");
  ClaimKeyVerb verb;
  verb.key = std::move(*key);
  verb.token = std::move(*token);
  return Verb(std::move(verb));
}

Result<Verb> decode_find_key(const JsonReader& request, std::string_view) {
  DOCKHERD_READ(key, request.string("key"));
  DOCKHERD_READ(name, request.string("of"));
  if (!key || key->empty()) return missing("key", "a key");
  FindKeyVerb verb;
  verb.key = std::move(*key);
  verb.user = std::move(name).value_or("");
  return Verb(std::move(verb));
}

Result<Verb> decode_usage(const JsonReader& request, std::string_view) {
  DOCKHERD_READ(name, request.string("of"));
  if (!name || name->empty()) return missing("of", "a user's name");
  UsageVerb verb;
  verb.user = std::move(*name);
  return Verb(std::move(verb));
}

Result<Verb> decode_claim_quota(const JsonReader& request, std::string_view) {
  DOCKHERD_READ(name, request.string("of"));
  DOCKHERD_READ(token, request.string("token"));
  DOCKHERD_READ(containers, request.integer("containers", 0));
  DOCKHERD_READ(nano_cpus, request.integer("nano_cpus", 0));
  DOCKHERD_READ(memory, request.integer("memory_bytes", 0));
  if (!name || name->empty()) return missing("of", "a user's name");
  if (!token || token->empty()) return missing("token", "a token of the claim");
  ClaimQuotaVerb verb;
  verb.user = std::move(*name);
  verb.token = std::move(*token);
  verb.containers = containers.value_or(0);
  verb.nano_cpus = nano_cpus.value_or(0);
  verb.memory_bytes = memory.value_or(0);
  return Verb(std::move(verb));
}

constexpr std::array verb_table{
    VerbEntry{"create-container", VerbOrigin::client, decode_create},
    VerbEntry{"create-raw-container", VerbOrigin::client, decode_create},
    VerbEntry{"start-container", VerbOrigin::client, decode_container},
    VerbEntry{"stop-container", VerbOrigin::client, decode_container},
    VerbEntry{"restart-container", VerbOrigin::client, decode_container},
    VerbEntry{"kill-container", VerbOrigin::client, decode_container},
    VerbEntry{"pause-container", VerbOrigin::client, decode_container},
    VerbEntry{"unpause-container", VerbOrigin::client, decode_container},
    VerbEntry{"inspect-container", VerbOrigin::client, decode_container},
    VerbEntry{"delete-container", VerbOrigin::client, decode_container},
    VerbEntry{"shutdown-container", VerbOrigin::client, decode_container},
    VerbEntry{"list-containers", VerbOrigin::client, decode_list},
    VerbEntry{"list-images", VerbOrigin::client, decode_list},
    VerbEntry{"list-nodes", VerbOrigin::client, decode_list_nodes},
    VerbEntry{"register", VerbOrigin::client, decode_pool},
    VerbEntry{"unregister", VerbOrigin::client, decode_pool},
    VerbEntry{"create-one", VerbOrigin::agent, decode_create_one},
    VerbEntry{"node-info", VerbOrigin::agent, decode_node_info},
    VerbEntry{"has-image", VerbOrigin::agent, decode_has_image},
    VerbEntry{"status", VerbOrigin::agent, decode_status_verb},
    VerbEntry{"claim-name", VerbOrigin::agent, decode_claim_name},
    VerbEntry{"usage", VerbOrigin::agent, decode_usage},
    VerbEntry{"claim-quota", VerbOrigin::agent, decode_claim_quota},
    VerbEntry{"claim-key", VerbOrigin::agent, decode_claim_key},
    VerbEntry{"find-key", VerbOrigin::agent, decode_find_key},
};

std::vector<std::string_view> client_actions() {
  std::vector<std::string_view> names;
  for (const VerbEntry& entry : verb_table) {
    if (entry.origin == VerbOrigin::client) names.push_back(entry.action);
  }
  return names;
}

#undef DOCKHERD_READ

/// Fails for a verb that no agent passes on in a user's name.
Result<void> set_user(Verb& verb, trust::Principal user) {
  return std::visit(
      [&user](auto& known) -> Result<void> {
        if constexpr (requires { known.user.reset(); }) {
          known.user = std::move(user);
          return {};
        } else {
          return Error(errc::bad_request, "user has no place in this verb").at_field("user");
        }
      },
      verb);
}

}  // namespace

Result<Verb> decode_verb(std::string_view text, VerbOrigin origin, UnknownKeys unknown) {
  auto document = parse_json_strictly(text, "body");  // Docker's, as it is.
  if (!document) return document.error();
  std::optional<trust::Principal> user;
  if (origin == VerbOrigin::agent && document->is_object()) {
    auto taken = take_user(*document);
    if (!taken) return taken.error();
    user = std::move(*taken);
  }
  auto request = JsonReader::of(*document);
  if (!request) return request.error();
  request->set_unknown_keys(unknown);
  const auto action = request->string("action");
  if (!action) return action.error();
  if (!*action) return missing("action", suggest("", client_actions()));
  const auto entry =
      std::find_if(verb_table.begin(), verb_table.end(), [&](const VerbEntry& candidate) {
        return candidate.action == **action &&
               (candidate.origin == VerbOrigin::client || origin == VerbOrigin::agent);
      });
  if (entry == verb_table.end()) {
    return Error(errc::bad_request, "unknown action " + quote_json(**action) + ", expected " +
                                        suggest(**action, client_actions()))
        .at_field("action");
  }
  auto verb = entry->decode(*request, **action);
  if (verb && user) {
    if (auto set = set_user(*verb, std::move(*user)); !set) return set.error();
  }
  return verb;
}

std::string_view action_name(ContainerAction action) {
  return std::find_if(container_actions.begin(), container_actions.end(),
                      [&](const ContainerEntry& entry) { return entry.action == action; })
      ->name;
}

bool is_container_action(std::string_view name) {
  return find_container_entry(name) != nullptr;
}

bool has_grace(ContainerAction action) {
  return action == ContainerAction::stop || action == ContainerAction::restart ||
         action == ContainerAction::shutdown;
}

std::chrono::seconds extra_time(const ContainerVerb& verb, std::chrono::seconds stop_timeout) {
  if (!has_grace(verb.action)) return std::chrono::seconds(0);
  return verb.timeout ? std::chrono::seconds(*verb.timeout) : stop_timeout;
}

std::chrono::seconds stop_timeout_of(std::string_view inspect_envelope) {
  const auto document = parse_json(inspect_envelope);
  const json* value = document ? &*document : nullptr;
  for (const char* key : {"Response", "Body", "Config", "StopTimeout"}) {
    if (value == nullptr || !value->is_object()) return default_grace;
    const auto found = value->find(key);
    value = found == value->end() ? nullptr : &*found;
  }
  if (value == nullptr || !value->is_number_integer()) return default_grace;
  const auto seconds = value->get<std::int64_t>();
  // Docker waits for ever when it is negative.
  if (seconds < 0 || seconds > longest_grace.count()) return longest_grace;
  return std::chrono::seconds(seconds);
}

}  // namespace dockherd::agent
