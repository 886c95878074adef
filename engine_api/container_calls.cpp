#include "engine_api/container_calls.hpp"

#include <algorithm>

#include "base/json_reader.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/container_view.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::size_t remembered_execs = 4096;

constexpr std::chrono::seconds longest_short_call{30};

bool changes_container(const ApiRequest& request) {
  static constexpr std::string_view changing[] = {"/start", "/stop",    "/restart", "/kill",
                                                  "/pause", "/unpause", "/update"};
  return request.route.call == Call::container_remove ||
         std::find(std::begin(changing), std::end(changing), request.route.rest) !=
             std::end(changing);
}

bool is_about_container(const DockerRoute& route) {
  return route.path.starts_with("/containers/") || route.path.starts_with("/exec/");
}

bool may_be_hijacked(Call call) {
  return call == Call::container_hijack || call == Call::exec_hijack;
}

/// What the call did to the container, once the daemon has answered with success.
ContainerChange change_of(const ApiRequest& request) {
  if (request.route.call == Call::container_remove) return ContainerChange::removed;
  const bool ends = request.route.rest == "/stop" || request.route.rest == "/kill";
  if (!ends) return ContainerChange::touched;
  const std::string signal = query_value(request.query, "signal").value_or("KILL");
  const bool kills = signal == "KILL" || signal == "SIGKILL" || signal == "9";
  return request.route.rest == "/stop" || kills ? ContainerChange::stopped
                                                : ContainerChange::touched;
}

/// The path of the call with the name as its own daemon knows it.
std::string target_for(const ApiRequest& request, const FoundContainer& container) {
  if (!request.restricted && container.reference == request.route.name)
    return std::string(request.exchange.target());
  return request.target(
      "/containers/" + docker_client::url_encode(container.reference) + request.route.rest,
      request.query);
}

Error without_holder(const std::string& name) {
  Error error(errc::docker_refused, "Conflict. The container name \"/" + name +
                                        "\" is already in use. You have to use another name.");
  error.docker_status = 409;
  return error;
}

}  // namespace

bool is_brief(const DockerRoute& route) {
  if (route.call == Call::container_rename) return true;
  if (route.call == Call::container_inspect) return !query_flag(parse_query(route.query), "size");
  static constexpr std::string_view brief[] = {"/top", "/resize", "/pause", "/unpause", "/update"};
  return std::find(std::begin(brief), std::end(brief), route.rest) != std::end(brief);
}

asio::awaitable<void> ContainerCalls::serve(ApiRequest& request) {
  auto found = co_await context_.herd.find(request.route.name);
  if (!found && !request.only_of.empty()) {
    co_await answer_not_own(request);
    co_return;
  }
  if (!found) {
    co_await answer_error(context_, request.exchange, found.error());
    co_return;
  }
  request.exchange.set_subject(found->id, found->node.view.name);
  if (request.route.call == Call::container_rename) {
    co_await rename(request, std::move(*found));
    co_return;
  }
  std::string target = target_for(request, *found);
  co_await pass_to(request, std::move(*found), std::move(target));
}

asio::awaitable<void> ContainerCalls::rename(ApiRequest& request, FoundContainer container) {
  if (!request.only_of.empty()) {
    const bool own = co_await is_own(request, container);
    if (!own) {
      co_await answer_not_own(request);
      co_return;
    }
    container.reference = container.id;
  }
  std::string name = query_value(request.query, "name").value_or("");
  if (name.starts_with('/')) name.erase(0, 1);
  const auto ticket = co_await context_.herd.claim_name(name);
  if (!ticket) {
    // Whose the name is only those are told who see all.
    const Error error = request.only_of.empty() ? ticket.error() : without_holder(name);
    co_await answer_error(context_, request.exchange, error);
    co_return;
  }
  std::string target = target_for(request, container);
  const FoundContainer renamed = container;
  http_api::RelayOrder order(upstream_of(context_, container.node),
                             passed_head(request.exchange, std::move(target)));
  add_node_header(container.node, request.exchange.caller().principal, order.head.headers);
  order.deadline = context_.clock.now() + longest_short_call;
  order.on_status = [this, &name, &renamed, &ticket](unsigned status) {
    if (status != 204) return;
    context_.herd.renamed(renamed, name);
    if (renamed.node.self) context_.herd.changed(renamed.id, ContainerChange::touched);
    if (*ticket) (*ticket)->used();
  };
  const auto passed = co_await request.exchange.relay(std::move(order));
  if (!passed) {
    co_await answer_error(context_, request.exchange, passed.error(), container.node.view.name);
  }
}

asio::awaitable<void> ContainerCalls::pass_to(ApiRequest& request, FoundContainer container,
                                              std::string target) {
  if (container.node.self && !request.only_of.empty()) {
    co_await pass_if_own(request, container.id);
    co_return;
  }
  if (container.node.self) {
    co_await pass_to_daemon(request, std::move(target), container.id);
    co_return;
  }
  http_api::RelayOrder order(
      container.node.called_at,
      passed_head(request.exchange, std::move(target), may_be_hijacked(request.route.call)));
  add_node_header(container.node, request.exchange.caller().principal, order.head.headers);
  order.may_be_hijacked = may_be_hijacked(request.route.call);
  if (is_brief(request.route)) order.deadline = context_.clock.now() + longest_short_call;
  if (request.route.call == Call::container_remove) {
    order.on_status = [this, &container](unsigned status) {
      if (status == 204) context_.herd.removed(container);
    };
  }
  if (request.route.call == Call::container_exec) {
    order.reword = [this, &container](unsigned status, std::string body) {
      if (status == 201) remember_exec(body, container.node.view.id);
      return body;
    };
  }
  const auto passed = co_await request.exchange.relay(std::move(order));
  if (!passed) {
    co_await answer_error(context_, request.exchange, passed.error(), container.node.view.name);
  }
}

asio::awaitable<void> ContainerCalls::serve_here(ApiRequest& request) {
  std::string id;
  if (!request.route.name.empty() && request.route.path.starts_with("/containers/")) {
    auto found = co_await context_.herd.find(request.route.name);
    if (found && found->node.self) id = std::move(found->id);
  }
  // Of other things the guard has looked whose they are.
  if (!request.only_of.empty() && is_about_container(request.route)) {
    co_await pass_if_own(request, std::move(id));
    co_return;
  }
  co_await pass_to_daemon(request, request.passed_target(), std::move(id));
}

/// `id`: of the container, when the call is about one that this node knows.
asio::awaitable<void> ContainerCalls::pass_to_daemon(ApiRequest& request, std::string target,
                                                     std::string id) {
  const HerdNode self = context_.herd.self();
  const bool hijack = may_be_hijacked(request.route.call);
  http_api::RelayOrder order(context_.settings.daemon,
                             passed_head(request.exchange, std::move(target), hijack));
  order.may_be_hijacked = hijack;
  if (is_brief(request.route)) order.deadline = context_.clock.now() + longest_short_call;
  if (!id.empty() && request.route.call == Call::container_rename) {
    std::string name = query_value(request.query, "name").value_or("");
    if (name.starts_with('/')) name.erase(0, 1);
    FoundContainer here;
    here.node = self;
    here.id = id;
    order.on_status = [this, here, name](unsigned status) {
      if (status == 204) context_.herd.renamed(here, name);
    };
  } else if (!id.empty() && changes_container(request)) {
    order.on_status = [this, &request, &id](unsigned status) {
      if (status == 304) return;  // It was as asked already.
      context_.herd.changed(id, status < 400 ? change_of(request) : ContainerChange::touched);
    };
  }
  if (request.route.call == Call::container_inspect) {
    order.reword = [&self](unsigned status, std::string body) {
      return status == 200 ? herd_inspection(body, self.view) : body;
    };
  }
  if (request.route.call == Call::container_exec) {
    order.reword = [this, &self](unsigned status, std::string body) {
      if (status == 201) remember_exec(body, self.view.id);
      return body;
    };
  }
  const auto passed = co_await request.exchange.relay(std::move(order));
  if (passed || !request.exchange.unanswered()) co_return;
  co_await answer_error(
      context_, request.exchange, 502,
      "the Docker daemon of " + self.view.name + " cannot be reached: " + passed.error().message);
}

// --- execs ---------------------------------------------------------------------------------------

void ContainerCalls::remember_exec(const std::string& body, const std::string& node) {
  const auto id = docker_client::created_id(body);
  if (!id || exec_index_.contains(*id)) return;
  execs_.emplace_front(*id, node);
  exec_index_[*id] = execs_.begin();
  if (execs_.size() <= remembered_execs) return;
  exec_index_.erase(execs_.back().first);
  execs_.pop_back();
}

asio::awaitable<Result<HerdNode>> ContainerCalls::owner_of_exec(const ApiRequest& request) {
  const std::string& id = request.route.name;
  const std::vector<HerdNode> nodes = context_.herd.nodes();
  if (const auto known = exec_index_.find(id); known != exec_index_.end()) {
    const std::string& owner = known->second->second;
    for (const HerdNode& node : nodes) {
      if (node.view.id == owner) co_return node;
    }
  }
  NodeCall inspect("GET", "/exec/" + docker_client::url_encode(id) + "/json");
  const auto answers =
      co_await call_nodes(context_, nodes, std::move(inspect), context_.task_deadline());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].status == 200) co_return nodes[i];
  }
  for (const HostAnswer& answer : answers) {
    if (answer.status < 500) continue;
    co_return Error(errc::not_sent, "No such exec instance: " + id + "; it may be on " +
                                        answer.hostname + ", which did not answer");
  }
  co_return Error(errc::not_found, "No such exec instance: " + id);
}

asio::awaitable<void> ContainerCalls::serve_exec(ApiRequest& request) {
  const auto owner = co_await owner_of_exec(request);
  if (!owner) {
    co_await answer_error(context_, request.exchange, owner.error());
    co_return;
  }
  request.exchange.set_subject("", owner->view.name);
  FoundContainer place;
  place.node = *owner;
  co_await pass_to(request, std::move(place), request.passed_target());
}

asio::awaitable<void> ContainerCalls::commit(ApiRequest& request) {
  std::string container = query_value(request.query, "container").value_or("");
  if (container.empty()) {  // Any daemon says what is missing.
    co_await pass_to_daemon(request, std::string(request.exchange.target()), "");
    co_return;
  }
  auto found = co_await context_.herd.find(std::move(container));
  if (!found) {
    co_await answer_error(context_, request.exchange, found.error());
    co_return;
  }
  Query query = request.query;
  for (auto& [key, value] : query) {
    if (key == "container") value = found->reference;
  }
  std::string target = request.target("/commit", query);
  found->id.clear();
  co_await pass_to(request, std::move(*found), std::move(target));
}

}  // namespace dockherd::engine_api
