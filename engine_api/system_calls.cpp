#include "engine_api/system_calls.hpp"

#include <algorithm>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "docker_client/docker_codec.hpp"
#include "engine_api/careful_prune.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/merge_info.hpp"
#include "engine_api/merge_prune.hpp"
#include "engine_api/merge_version.hpp"
#include "engine_api/object_text.hpp"
#include "engine_api/whose.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::chrono::seconds versions_fresh_for{2};
constexpr std::size_t most_warnings = 16;  // Of names that several containers have.
/// What an agent adds to its daemon's information, for other agents.
constexpr std::string_view promised_key = "Dockherd";

HerdView herd_view(const ApiContext& context) {
  HerdView view;
  view.id = context.herd.self().view.id;
  view.name = context.herd.self().view.name;
  view.version = context.herd.version();
  return view;
}

/// What docker info prints below all else. Operators do not see others' containers, nor their
/// names.
std::vector<std::string> collision_warnings(const HerdPort& herd, bool with_names) {
  std::vector<std::string> warnings;
  const auto collisions =
      with_names ? herd.name_collisions(most_warnings) : std::vector<NameCollision>();
  for (const NameCollision& collision : collisions) {
    std::vector<std::string> containers;
    for (const NameCollision::Container& each : collision.containers) {
      containers.push_back(each.node.name + "/" + collision.name);
    }
    warnings.push_back("WARNING: several containers have the name " + collision.name + ": " +
                       join(containers) + (collision.more ? " and more" : ""));
  }
  if (const auto more = herd.name_collision_count() - collisions.size(); more > 0) {
    warnings.push_back("WARNING: " + std::to_string(more) + (collisions.empty() ? "" : " more") +
                       " names are those of several containers");
  }
  return warnings;
}

std::string with_promises(const std::string& info, const Promised& promised) {
  auto object = ObjectText::sliced(info);
  if (!object) return info;
  object->set(promised_key, "{\"NanoCpus\":" + std::to_string(promised.nano_cpus) +
                                ",\"MemoryBytes\":" + std::to_string(promised.memory_bytes) + "}");
  return object->text();
}

Promised promises_in(const std::string& info) {
  Promised promised;
  const auto object = ObjectText::sliced(info);
  const auto ours = object ? ObjectText::sliced(object->find(promised_key)) : std::nullopt;
  if (!ours) return promised;
  promised.nano_cpus = integer_of(ours->find("NanoCpus")).value_or(0);
  promised.memory_bytes = integer_of(ours->find("MemoryBytes")).value_or(0);
  return promised;
}

/// What is offered here must be what is taken: daemons may be newer than this program knows.
void cap_api_version(std::string& body, const std::string& newest) {
  auto object = ObjectText::sliced(body);
  if (!object || object->find("ApiVersion").empty()) return;
  object->set("ApiVersion", quote_json(newest));
  body = object->text() + "\n";
}

}  // namespace

asio::awaitable<void> SystemCalls::ping(ApiRequest& request) {
  http_api::HeaderList headers = own_headers(context_.herd, "text/plain; charset=utf-8");
  headers.emplace_back("Cache-Control", "no-cache, no-store, must-revalidate");
  headers.emplace_back("Pragma", "no-cache");
  const bool head = request.exchange.method() == "HEAD";
  co_await request.exchange.respond(200, std::move(headers), head ? "" : "OK");
}

asio::awaitable<void> SystemCalls::version(ApiRequest& request) {
  const TimePoint now = context_.clock.now();
  const std::size_t nodes = context_.herd.nodes().size();
  if (versions_.empty() || now - versions_at_ > versions_fresh_for || versions_of_ != nodes) {
    NodeCall call("GET", "/version");
    versions_ = co_await call_all(context_, std::move(call), context_.task_deadline());
    versions_at_ = now;
    versions_of_ = nodes;
  }
  const HerdView view = herd_view(context_);
  Merged merged = merge_version(versions_, view);
  cap_api_version(merged.body, context_.herd.api_version());
  co_await answer_merged(context_, request.exchange, std::move(merged));
}

asio::awaitable<void> SystemCalls::info(ApiRequest& request) {
  const std::vector<HerdNode> nodes = context_.herd.nodes();
  NodeCall call("GET", request.target("/info", {}));
  const auto answers =
      co_await call_nodes(context_, nodes, std::move(call), context_.task_deadline());
  std::vector<NodeInfo> infos;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    NodeInfo info;
    info.node = nodes[i].view;
    if (answers[i].status == 200) {
      const Promised promised =
          nodes[i].self ? context_.herd.promised() : promises_in(answers[i].body);
      info.status = NodeInfo::Status::healthy;
      info.info = answers[i].body;
      info.reserved_nano_cpus = promised.nano_cpus;
      info.reserved_memory_bytes = promised.memory_bytes;
    } else {
      info.status = nodes[i].daemon_up || !nodes[i].api_version.empty()
                        ? NodeInfo::Status::unhealthy
                        : NodeInfo::Status::pending;
      info.error = docker_client::error_message(answers[i].body);
    }
    infos.push_back(std::move(info));
  }
  for (LostHost& lost : context_.herd.lost_hosts()) {
    NodeInfo info;
    info.node.name = std::move(lost.name);
    info.status = NodeInfo::Status::unhealthy;
    info.error = "lost: " + lost.reason;
    infos.push_back(std::move(info));
  }
  std::stable_sort(infos.begin(), infos.end(),
                   [](const NodeInfo& a, const NodeInfo& b) { return a.node.name < b.node.name; });
  HerdView view = herd_view(context_);
  const trust::Principal& caller = request.exchange.caller().principal;
  view.warnings = collision_warnings(context_.herd, caller.role != trust::Role::operator_);
  co_await answer_merged(context_, request.exchange, merge_info(infos, view));
}

asio::awaitable<void> SystemCalls::disk_usage(ApiRequest& request) {
  NodeCall call("GET", request.target("/system/df", request.query));
  const auto answers =
      co_await call_all(context_, std::move(call), context_.clock.now() + longest_walk);
  std::vector<NodeView> views;
  for (HerdNode& node : context_.herd.nodes()) views.push_back(std::move(node.view));
  Merged merged = merge_disk_usages(answers, views, context_.settings.names);
  if (merged.status == 200 && !request.only_of.empty()) {
    merged.body = disk_usage_of(merged.body, request.only_of);
  }
  co_await answer_merged(context_, request.exchange, std::move(merged));
}

asio::awaitable<void> SystemCalls::prune(ApiRequest& request) {
  const std::string& path = request.route.path;
  if (path == "/networks/prune" || path == "/volumes/prune") {
    const TimePoint deadline = context_.clock.now() + longest_walk;
    Merged pruned = co_await prune_carefully(context_, request, deadline);
    co_await answer_merged(context_, request.exchange, std::move(pruned));
    co_return;
  }
  NodeCall call("POST", request.target(request.route.path, request.query));
  const std::vector<HerdNode> nodes = context_.herd.nodes();
  const auto answers =
      co_await call_nodes(context_, nodes, std::move(call), context_.clock.now() + longest_walk);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].self && answers[i].status == 200) note_pruned(answers[i].body);
  }
  co_await answer_merged(context_, request.exchange, merge_prunes(answers));
}

void SystemCalls::note_pruned(const std::string& body) {
  const auto object = ObjectText::sliced(body);
  if (!object) return;
  const auto ids = elements_of(object->find("ContainersDeleted"));
  if (!ids) return;
  for (const std::string_view element : *ids) {
    const auto id = string_of(element);
    if (id) context_.herd.changed(*id, ContainerChange::removed);
  }
}

asio::awaitable<Result<http_api::WholeResponse>> SystemCalls::own_call(ApiRequest& request,
                                                                       Duration longest) {
  NodeCall call(std::string(request.exchange.method()), std::string(request.exchange.target()));
  return call_node(context_, context_.herd.self(), std::move(call), context_.clock.now() + longest);
}

asio::awaitable<void> SystemCalls::info_here(ApiRequest& request) {
  auto response = co_await own_call(request, context_.settings.task_timeout);
  if (!response) {
    co_await answer_error(context_, request.exchange, response.error());
    co_return;
  }
  std::string body = std::move(response->body);
  if (response->status == 200) body = with_promises(body, context_.herd.promised());
  co_await answer_json(context_, request.exchange, response->status, std::move(body));
}

asio::awaitable<void> SystemCalls::prune_here(ApiRequest& request) {
  auto response = co_await own_call(request, longest_walk);
  if (!response) {
    co_await answer_error(context_, request.exchange, response.error());
    co_return;
  }
  if (response->status == 200) note_pruned(response->body);
  co_await answer_json(context_, request.exchange, response->status, std::move(response->body));
}

}  // namespace dockherd::engine_api
