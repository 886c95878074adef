#include "engine_api/careful_prune.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "docker_client/api_version.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/list_query.hpp"
#include "engine_api/made_everywhere.hpp"
#include "engine_api/merge_prune.hpp"

namespace dockherd::engine_api {

namespace {

struct Thing {
  std::string name;
  json labels = json::object();
  bool used = false;
  bool prunable = true;  ///< Daemons take things of its kind away when they prune.
};

/// Networks tell their containers in lists up to this version.
constexpr std::string_view detailed_version = "/v1.27";

/// From this version on only volumes without a name given by anybody are pruned, unless all are
/// asked for. Daemons mark them since then.
constexpr docker_client::ApiVersion anonymous_only_since{1, 42};
constexpr const char* anonymous_label = "com.docker.volume.anonymous";

bool is_predefined(const std::string& network) {
  return network == "bridge" || network == "host" || network == "none";
}

/// What a plugin keeps, or is mounted from elsewhere, no daemon prunes.
bool is_prunable_volume(const json& volume) {
  const json* driver = find_member(volume, "Driver");
  const json* options = find_member(volume, "Options");
  return driver != nullptr && *driver == "local" && (options == nullptr || options->empty());
}

/// Of networks with their containers, or of GET /volumes with the filter dangling=`unused`. Nothing
/// when the host has not said.
std::optional<std::vector<Thing>> things_in(const HostAnswer& answer, bool volumes, bool used) {
  const auto parsed = parse_json(answer.body);
  if (answer.status != 200 || !parsed) return std::nullopt;
  const json* list = volumes ? find_member(*parsed, "Volumes") : &*parsed;
  if (list == nullptr || !(list->is_array() || list->is_null())) return std::nullopt;
  std::vector<Thing> things;
  for (const json& element : *list) {
    const json* name = find_member(element, "Name");
    const json* labels = find_member(element, "Labels");
    const json* containers = find_member(element, "Containers");
    if (name == nullptr || !name->is_string() || is_predefined(name->get<std::string>())) continue;
    Thing thing;
    thing.name = name->get<std::string>();
    if (labels != nullptr && labels->is_object()) thing.labels = *labels;
    thing.used = volumes ? used : containers != nullptr && !containers->empty();
    thing.prunable = !volumes || is_prunable_volume(element);
    things.push_back(std::move(thing));
  }
  return things;
}

bool has_label(const Thing& thing, const std::string& wanted) {
  const auto equals = wanted.find('=');
  const auto found = thing.labels.find(wanted.substr(0, equals));
  if (found == thing.labels.end()) return false;
  return equals == std::string::npos ||
         (found->is_string() && found->get<std::string>() == wanted.substr(equals + 1));
}

/// Filters of a prune that can be applied here.
struct PruneFilters {
  bool known = false;  ///< There are no others.
  std::vector<std::string> with;
  std::vector<std::string> without;

  bool take(const Thing& thing) const {
    const auto has = [&thing](const std::string& label) { return has_label(thing, label); };
    return known && thing.prunable && std::all_of(with.begin(), with.end(), has) &&
           std::none_of(without.begin(), without.end(), has);
  }
};

/// A flag as daemons read it from filters; nothing when they would refuse it.
std::optional<bool> flag_in(const std::vector<std::string>& values) {
  if (values.empty()) return false;
  const auto has = [&values](const char* one, const char* other) {
    return std::any_of(values.begin(), values.end(), [one, other](const std::string& value) {
      return value == one || value == other;
    });
  };
  const bool yes = has("1", "true");
  if (yes == has("0", "false")) return std::nullopt;
  return yes;
}

PruneFilters read_prune_filters(const ApiRequest& request, bool anonymous_only) {
  PruneFilters wanted;
  auto filters = read_filters(query_value(request.query, "filters").value_or(""));
  if (!filters) return wanted;
  wanted.with = take_filter(*filters, "label");
  wanted.without = take_filter(*filters, "label!");
  std::optional<bool> all = true;
  if (anonymous_only) all = flag_in(take_filter(*filters, "all"));
  if (all && !*all) wanted.with.emplace_back(anonymous_label);
  wanted.known = all && filters->empty();
  return wanted;
}

/// Whether a host's daemon would leave volumes with names of their own alone. Asked without a
/// version it takes its own.
bool prunes_anonymous_only(const ApiContext& context, const ApiRequest& request,
                           const HerdNode& node) {
  std::string text = request.route.version;
  if (text.empty()) text = node.api_version;
  if (text.empty()) text = context.herd.api_version();
  const auto version = docker_client::ApiVersion::parse(text);
  return version && *version >= anonymous_only_since;
}

/// The same as a list of the detailed version, from a daemon that is too new to speak it.
asio::awaitable<HostAnswer> inspected_networks(ApiContext& context, HerdNode node,
                                               TimePoint deadline) {
  NodeCall call("GET", "/networks");
  HostAnswer answer = co_await call_host(context, node, std::move(call), deadline);
  const auto list = parse_json(answer.body);
  if (answer.status != 200 || !list || !list->is_array()) co_return answer;
  std::vector<std::string> inspections;
  for (const json& network : *list) {
    const json* id = find_member(network, "Id");
    if (id == nullptr || !id->is_string()) continue;
    NodeCall look("GET", "/networks/" + docker_client::url_encode(id->get<std::string>()));
    HostAnswer inspection = co_await call_host(context, node, std::move(look), deadline);
    if (inspection.status == 404) continue;  // Gone meanwhile.
    if (inspection.status != 200) co_return inspection;
    inspections.push_back(std::move(inspection.body));
  }
  answer.body = "[" + join(inspections) + "]";
  co_return answer;
}

/// What the hosts have of one kind, in the order of the nodes. Nothing where one has not said.
using Things = std::vector<std::optional<std::vector<Thing>>>;

asio::awaitable<Things> networks_of(ApiContext& context, std::vector<HerdNode> nodes,
                                    TimePoint deadline) {
  Things all;
  NodeCall call("GET", std::string(detailed_version) + "/networks");
  auto answers = co_await call_nodes(context, nodes, std::move(call), deadline);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (answers[i].status == 400) {
      answers[i] = co_await inspected_networks(context, nodes[i], deadline);
    }
    all.push_back(things_in(answers[i], false, false));
  }
  co_return all;
}

asio::awaitable<Things> volumes_of(ApiContext& context, std::vector<HerdNode> nodes,
                                   TimePoint deadline) {
  Things all(nodes.size(), std::vector<Thing>());
  for (const bool used : {false, true}) {
    const std::string filters = used ? R"({"dangling":["false"]})" : R"({"dangling":["true"]})";
    NodeCall call("GET", "/volumes?filters=" + docker_client::url_encode(filters));
    const auto answers = co_await call_nodes(context, nodes, std::move(call), deadline);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      auto things = things_in(answers[i], true, used);
      if (!things) all[i].reset();
      if (!all[i]) continue;
      for (Thing& thing : *things) all[i]->push_back(std::move(thing));
    }
  }
  co_return all;
}

/// Why nothing may be removed: what a silent host uses nobody else knows.
std::optional<std::string> silent_hosts(const std::vector<HerdNode>& nodes, const Things& things) {
  std::vector<std::string> hosts;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!things[i]) hosts.push_back(nodes[i].view.name);
  }
  if (hosts.empty()) return std::nullopt;
  return join(hosts) + " did not answer and may use what would be removed";
}

std::set<std::string> used_names(const Things& things) {
  std::set<std::string> used;
  for (const auto& of_host : things) {
    for (const Thing& thing : *of_host) {
      if (thing.used) used.insert(thing.name);
    }
  }
  return used;
}

asio::awaitable<HostAnswer> remove_each(ApiContext& context, HerdNode node, std::string folder,
                                        std::vector<std::string> names, TimePoint deadline) {
  json removed = json::array();
  for (const std::string& name : names) {
    NodeCall call("DELETE", folder + "/" + docker_client::url_encode(name));
    const auto answer = co_await call_node(context, node, std::move(call), deadline);
    if (answer && answer->ok()) removed.push_back(name);
  }
  HostAnswer answer;
  answer.hostname = node.view.name;
  answer.status = 200;
  json body = json::object();
  body[folder == "/volumes" ? "VolumesDeleted" : "NetworksDeleted"] = std::move(removed);
  if (folder == "/volumes") body["SpaceReclaimed"] = 0;
  answer.body = dump_json(body);
  co_return answer;
}

}  // namespace

asio::awaitable<Merged> prune_carefully(ApiContext& context, ApiRequest& request,
                                        TimePoint deadline) {
  const std::string folder = request.route.path.substr(0, request.route.path.rfind('/'));
  const bool volumes = folder == "/volumes";
  const std::vector<HerdNode> nodes = context.herd.nodes();
  Things things;
  if (volumes) {
    things = co_await volumes_of(context, nodes, change_deadline(context));
  } else {
    things = co_await networks_of(context, nodes, change_deadline(context));
  }
  if (const auto silent = silent_hosts(nodes, things)) {
    Merged refused;
    refused.status = 503;
    refused.body = docker_message(*silent);
    co_return refused;
  }
  const std::set<std::string> used = used_names(things);
  std::vector<HostAnswer> answers;
  std::vector<std::string> left_alone;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool in_use_elsewhere = std::any_of(
        things[i]->begin(), things[i]->end(),
        [&used](const Thing& thing) { return !thing.used && used.contains(thing.name); });
    if (!in_use_elsewhere) {
      NodeCall prune("POST", request.target(request.route.path, request.query));
      auto pruned = co_await call_host(context, nodes[i], std::move(prune), deadline);
      answers.push_back(std::move(pruned));
      continue;
    }
    const PruneFilters filters =
        read_prune_filters(request, volumes && prunes_anonymous_only(context, request, nodes[i]));
    if (!filters.known) {
      left_alone.push_back(nodes[i].view.name +
                           " (other hosts use what it does not, and it cannot leave that out with "
                           "this filter)");
    }
    std::vector<std::string> names;
    for (const Thing& thing : *things[i]) {
      if (!used.contains(thing.name) && filters.take(thing)) names.push_back(thing.name);
    }
    auto removed = co_await remove_each(context, nodes[i], folder, std::move(names), deadline);
    answers.push_back(std::move(removed));
  }
  Merged merged = merge_prunes(answers);
  std::move(left_alone.begin(), left_alone.end(), std::back_inserter(merged.left_out));
  co_return merged;
}

}  // namespace dockherd::engine_api
