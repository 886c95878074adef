#include "engine_api/volume_calls.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/filtered_lists.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/merge_volumes.hpp"
#include "engine_api/object_text.hpp"
#include "engine_api/whose.hpp"
#include "trust/call_policy.hpp"

namespace dockherd::engine_api {

namespace {

/// What a plugin makes may be one thing for all hosts already: its daemon decides.
bool is_volume_made_everywhere(const json& body) {
  const std::string driver = text_member(body, "Driver");
  return driver.empty() || driver == "local";
}

std::string target_of(const std::string& volume) {
  return "/volumes/" + docker_client::url_encode(volume);
}

/// Docker makes up a name for a volume without one: the other hosts get the same.
NodeCall with_name(const NodeCall& call, const HostAnswer& first) {
  NodeCall named = call;
  const auto volume = ObjectText::sliced(first.body);
  const auto name = volume ? string_of(volume->find("Name")) : std::nullopt;
  auto body = parse_json(call.body);
  if (!name || !body) return named;
  if (json* given = member_of(*body, "Name"); given != nullptr) {
    *given = *name;
  } else {
    (*body)["Name"] = *name;
  }
  named.body = dump_json(*body);
  return named;
}

std::vector<std::string> ids_in(const std::string& list) {
  std::vector<std::string> ids;
  for (const std::string_view element :
       elements_of(list).value_or(std::vector<std::string_view>())) {
    const auto container = ObjectText::sliced(element);
    const auto id = container ? string_of(container->find("Id")) : std::nullopt;
    if (id) ids.push_back(*id);
  }
  return ids;
}

HostAnswer refusal_by(const std::string& hostname, int status, std::string_view message) {
  return {hostname, status, docker_message(message)};
}

}  // namespace

asio::awaitable<void> VolumeCalls::list(ApiRequest& request) {
  const auto answers = co_await filtered_lists(context_, request, "Volumes");
  Merged merged = merge_volumes(answers);
  if (merged.status == 200 && !request.only_of.empty()) {
    merged.body = volumes_of(merged.body, request.only_of);
  }
  co_await answer_merged(context_, request.exchange, std::move(merged));
}

asio::awaitable<void> VolumeCalls::inspect(ApiRequest& request) {
  NodeCall call("GET", target_of(request.route.name));
  const auto answers = co_await call_all(context_, std::move(call), context_.task_deadline());
  if (!request.only_of.empty() && !is_owned(answers, request.only_of)) {
    co_await answer_no_volume(request);
    co_return;
  }
  co_await answer_merged(context_, request.exchange, merge_volume_inspections(answers));
}

asio::awaitable<VolumeCalls::Holders> VolumeCalls::holders_of(std::string volume) {
  Holders holders;
  std::vector<HerdNode> nodes = context_.herd.nodes();
  if (volume.empty()) co_return holders;
  NodeCall call("GET", target_of(volume));
  const auto answers =
      co_await call_nodes(context_, nodes, std::move(call), context_.task_deadline());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const int status = answers[i].status;
    if (status == 200) {
      holders.nodes.push_back(std::move(nodes[i]));
    } else if (status != 404 && status != 400) {
      // By these a daemon says that it has none of that name, or can have none.
      holders.silent.push_back(std::move(nodes[i]));
    }
  }
  co_return holders;
}

asio::awaitable<void> VolumeCalls::answer_no_volume(ApiRequest& request) {
  co_await answer_error(context_, request.exchange, 404,
                        "get " + request.route.name + ": no such volume");
}

/// To make a volume that is there gives the one that is there: it must be his.
asio::awaitable<bool> VolumeCalls::may_make(const ApiRequest& request, std::string volume) {
  if (request.only_of.empty() || volume.empty()) co_return true;
  NodeCall call("GET", target_of(volume));
  const auto answers = co_await call_all(context_, std::move(call), context_.task_deadline());
  const bool is_there = std::any_of(answers.begin(), answers.end(),
                                    [](const HostAnswer& answer) { return answer.status == 200; });
  co_return !is_there || is_owned(answers, request.only_of);
}

asio::awaitable<void> VolumeCalls::create(ApiRequest& request) {
  auto body = co_await read_json_body(context_, request);
  if (!body) co_return;
  const bool may = co_await take_ownership(context_, request, *body, trust::judge_volume);
  if (!may) co_return;
  const bool is_free = co_await may_make(request, text_member(body->value, "Name"));
  if (!is_free) {
    co_await answer_error(context_, request.exchange, 409,
                          "a volume of that name exists already and is not yours");
    co_return;
  }
  NodeCall call("POST", request.target(request.route.path, request.query));
  call.body = body->text;
  if (!body->value.is_object() || !is_volume_made_everywhere(body->value)) {
    HostAnswer answer = co_await call_host(context_, context_.herd.self(), std::move(call),
                                           change_deadline(context_));
    co_await answer_as(context_, request.exchange, std::move(answer));
    co_return;
  }
  MakeOrder order(std::move(call));
  order.hosts = pool_of(context_);
  if (order.hosts.empty()) {
    co_await answer_error(context_, request.exchange, 503,
                          "no host takes new volumes: none is in the pool with a daemon that is "
                          "up");
    co_return;
  }
  order.for_others = with_name;
  // To make a volume that is there is no error for Docker, and what it holds must stay: also where
  // it may have been there.
  std::set<std::string> had_it;
  const Holders before = co_await holders_of(text_member(body->value, "Name"));
  for (const auto* hosts : {&before.nodes, &before.silent}) {
    for (const HerdNode& holder : *hosts) had_it.insert(holder.view.id);
  }
  order.undo = [had_it](const HerdNode& host, const HostAnswer& made) -> std::optional<NodeCall> {
    const auto volume = ObjectText::sliced(made.body);
    const auto name = volume ? string_of(volume->find("Name")) : std::nullopt;
    if (!name || had_it.contains(host.view.id)) return std::nullopt;
    return NodeCall("DELETE", target_of(*name));
  };
  HostAnswer answer = co_await make_everywhere(context_, std::move(order));
  co_await answer_as(context_, request.exchange, std::move(answer));
}

/// When containers of a host use the volume, in dockerd's words; or a host does not say.
asio::awaitable<std::optional<HostAnswer>> VolumeCalls::refusal_of(std::vector<HerdNode> holders,
                                                                   std::string volume) {
  json filters = json::object();
  filters["volume"][volume] = true;
  Query query;
  query.emplace_back("all", "1");
  query.emplace_back("filters", dump_json(filters));
  NodeCall call("GET", "/containers/json?" + format_query(query));
  const auto answers =
      co_await call_nodes(context_, std::move(holders), std::move(call), context_.task_deadline());
  for (const HostAnswer& answer : answers) {
    if (answer.status != 200) {
      co_return refusal_by(answer.hostname, 503,
                           answer.hostname + " did not answer and may use it");
    }
    const std::vector<std::string> ids = ids_in(answer.body);
    if (ids.empty()) continue;
    co_return refusal_by(
        answer.hostname, 409,
        answer.hostname + ": remove " + volume + ": volume is in use - [" + join(ids) + "]");
  }
  co_return std::nullopt;
}

asio::awaitable<void> VolumeCalls::remove(ApiRequest& request) {
  if (!request.only_of.empty()) {
    NodeCall look("GET", target_of(request.route.name));
    const auto answers = co_await call_all(context_, std::move(look), context_.task_deadline());
    if (!is_owned(answers, request.only_of)) {
      co_await answer_no_volume(request);
      co_return;
    }
  }
  Holders found = co_await holders_of(request.route.name);
  if (!found.silent.empty()) {
    const std::string silent = join(names_of(found.silent));
    co_await answer_error(context_, request.exchange, 503,
                          silent +
                              " did not answer and may have it: try again when it does, or remove "
                              "it with each host's own daemon");
    co_return;
  }
  std::vector<HerdNode> holders = std::move(found.nodes);
  NodeCall call("DELETE", request.target(request.route.path, request.query));
  call.in_name_of = request.exchange.caller().principal;
  if (holders.empty()) {
    HostAnswer answer = co_await call_host(context_, context_.herd.self(), std::move(call),
                                           change_deadline(context_));
    co_await answer_as(context_, request.exchange, std::move(answer));
    co_return;
  }
  // It is removed everywhere or, when a host's containers use it, nowhere: what a volume holds does
  // not come back. With one holder its daemon knows best.
  if (holders.size() > 1) {
    auto refusal = co_await refusal_of(holders, request.route.name);
    if (refusal) {
      co_await answer_as(context_, request.exchange, std::move(*refusal));
      co_return;
    }
  }
  auto answers =
      co_await call_nodes(context_, std::move(holders), std::move(call), change_deadline(context_));
  co_await answer_as(context_, request.exchange, removal_answer(std::move(answers)));
}

}  // namespace dockherd::engine_api
