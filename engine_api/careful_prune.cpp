#include "engine_api/careful_prune.hpp"

#include <algorithm>
#include <set>

#include "base/json_reader.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/list_query.hpp"

namespace dockherd::engine_api {

namespace {

struct Thing {
  std::string name;
  json labels = json::object();
  bool used = false;
};

/// Networks tell their containers in lists up to this version.
constexpr std::string_view detailed_version = "/v1.27";

bool is_predefined(const std::string& network) {
  return network == "bridge" || network == "host" || network == "none";
}

/// Of GET /v1.27/networks, or of GET /volumes with the filter dangling=`unused`.
std::vector<Thing> things_in(const HostAnswer& answer, bool used) {
  std::vector<Thing> things;
  const auto parsed = parse_json(answer.body);
  if (answer.status != 200 || !parsed) return things;
  const bool volumes = parsed->is_object() && parsed->contains("Volumes");
  const json& list = volumes ? *parsed->find("Volumes") : *parsed;
  if (!list.is_array()) return things;
  for (const json& element : list) {
    const json* name = find_member(element, "Name");
    const json* labels = find_member(element, "Labels");
    const json* containers = find_member(element, "Containers");
    if (name == nullptr || !name->is_string() || is_predefined(name->get<std::string>())) continue;
    Thing thing;
    thing.name = name->get<std::string>();
    if (labels != nullptr && labels->is_object()) thing.labels = *labels;
    thing.used = volumes ? used : containers != nullptr && !containers->empty();
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
struct LabelFilters {
  std::vector<std::string> with;
  std::vector<std::string> without;

  bool take(const Thing& thing) const {
    const auto has = [&thing](const std::string& label) { return has_label(thing, label); };
    return std::all_of(with.begin(), with.end(), has) &&
           std::none_of(without.begin(), without.end(), has);
  }
};

/// Everything of that kind on each host.
asio::awaitable<std::vector<std::vector<Thing>>> things_of(ApiContext& context,
                                                           std::vector<HerdNode> nodes,
                                                           std::string folder, TimePoint deadline) {
  std::vector<std::vector<Thing>> all(nodes.size());
  const bool volumes = folder == "/volumes";
  for (const bool used : {false, true}) {
    if (used && !volumes) break;  // One list tells both.
    std::string target = std::string(detailed_version) + folder;
    if (volumes) {
      const std::string filters = used ? R"({"dangling":["false"]})" : R"({"dangling":["true"]})";
      target = folder + "?filters=" + docker_client::url_encode(filters);
    }
    NodeCall call("GET", std::move(target));
    const auto answers = co_await call_nodes(context, nodes, std::move(call), deadline);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      for (Thing& thing : things_in(answers[i], used)) all[i].push_back(std::move(thing));
    }
  }
  co_return all;
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

asio::awaitable<std::vector<HostAnswer>> prune_carefully(ApiContext& context, ApiRequest& request,
                                                         TimePoint deadline) {
  const std::string folder = request.route.path.substr(0, request.route.path.rfind('/'));
  const std::vector<HerdNode> nodes = context.herd.nodes();
  const auto things = co_await things_of(context, nodes, folder, deadline);
  std::set<std::string> used;
  for (const auto& of_host : things) {
    for (const Thing& thing : of_host) {
      if (thing.used) used.insert(thing.name);
    }
  }
  LabelFilters labels;
  auto filters = read_filters(query_value(request.query, "filters").value_or(""));
  bool known = filters.has_value();
  if (known) {
    labels.with = take_filter(*filters, "label");
    labels.without = take_filter(*filters, "label!");
    known = filters->empty();
  }
  std::vector<HostAnswer> answers;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool in_use_elsewhere = std::any_of(
        things[i].begin(), things[i].end(),
        [&used](const Thing& thing) { return !thing.used && used.contains(thing.name); });
    if (!in_use_elsewhere) {
      NodeCall prune("POST", request.target(request.route.path, request.query));
      auto pruned = co_await call_host(context, nodes[i], std::move(prune), deadline);
      answers.push_back(std::move(pruned));
      continue;
    }
    std::vector<std::string> names;
    for (const Thing& thing : things[i]) {
      if (known && !used.contains(thing.name) && labels.take(thing)) names.push_back(thing.name);
    }
    auto removed = co_await remove_each(context, nodes[i], folder, std::move(names), deadline);
    answers.push_back(std::move(removed));
  }
  co_return answers;
}

}  // namespace dockherd::engine_api
