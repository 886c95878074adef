// ContainerCalls' part for those who may touch only what is their own: at the node whose daemon has
// it.
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/access_guard.hpp"
#include "engine_api/container_calls.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/made_everywhere.hpp"
#include "engine_api/whose.hpp"
#include "trust/call_policy.hpp"

namespace dockherd::engine_api {

namespace {

bool is_of_exec(Call call) {
  return call == Call::exec || call == Call::exec_hijack;
}

}  // namespace

/// As if there were none.
asio::awaitable<void> ContainerCalls::answer_not_own(ApiRequest& request) {
  if (is_of_exec(request.route.call)) {
    co_await answer_error(context_, request.exchange, 404,
                          "No such exec instance: " + request.route.name);
  } else {
    co_await answer_no_container(context_, request);
  }
}

/// `id`: of the container that the call is about, as this node knows it; empty when it knows none.
/// The daemon is asked whose it is, and then for that very one.
asio::awaitable<void> ContainerCalls::pass_if_own(ApiRequest& request, std::string id) {
  std::string target = request.passed_target();
  if (is_of_exec(request.route.call)) {
    const auto container = co_await container_of_exec(context_, request.route.name);
    if (container) id = *container;
  } else {
    target = request.target("/containers/" + docker_client::url_encode(id) + request.route.rest,
                            request.query);
  }
  std::string owner;
  if (!id.empty()) {
    const auto asked = co_await container_owner(context_, id);
    if (asked) owner = *asked;
  }
  if (owner.empty() || owner != request.only_of) {
    co_await answer_not_own(request);
    co_return;
  }
  if (is_of_exec(request.route.call)) id.clear();
  const bool judged = request.route.rest == "/update" || request.route.call == Call::container_exec;
  if (judged) {
    co_await pass_judged_body(request, std::move(target), std::move(id));
  } else {
    co_await pass_to_daemon(request, std::move(target), std::move(id));
  }
}

/// What has been judged is sent, as it was understood.
asio::awaitable<void> ContainerCalls::pass_judged_body(ApiRequest& request, std::string target,
                                                       std::string id) {
  auto body = co_await read_json_body(context_, request);
  if (!body) co_return;
  const bool is_exec = request.route.call == Call::container_exec;
  const trust::User* user =
      context_.users == nullptr ? nullptr : context_.users->find(request.only_of);
  const trust::Quota quota = user == nullptr ? trust::Quota() : user->quota;
  const auto judged =
      is_exec ? trust::judge_exec(body->value) : trust::judge_update(body->value, quota);
  if (!judged) {
    co_await answer_error(context_, request.exchange, judged.error());
    co_return;
  }
  NodeCall call("POST", std::move(target));
  call.body = dump_json(body->value);
  const HerdNode self = context_.herd.self();
  HostAnswer answer =
      co_await call_host(context_, self, std::move(call), change_deadline(context_));
  if (is_exec && answer.status == 201) remember_exec(answer.body, self.view.id);
  if (!is_exec) context_.herd.changed(id, ContainerChange::touched);
  co_await answer_as(context_, request.exchange, std::move(answer));
}

/// Asked of its own node, before anything is said of names.
asio::awaitable<bool> ContainerCalls::is_own(const ApiRequest& request, FoundContainer container) {
  if (container.node.self) {
    const auto owner = co_await container_owner(context_, container.id);
    co_return owner&&* owner == request.only_of;
  }
  NodeCall look("GET", "/containers/" + container.id + "/json");
  look.in_name_of = request.exchange.caller().principal;
  const auto answer = co_await call_node(context_, std::move(container.node), std::move(look),
                                         context_.task_deadline());
  co_return answer && answer->status == 200;
}

}  // namespace dockherd::engine_api
