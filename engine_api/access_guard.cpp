#include "engine_api/access_guard.hpp"

#include "docker_client/docker_requests.hpp"
#include "engine_api/access_table.hpp"
#include "engine_api/whose.hpp"

namespace dockherd::engine_api {

namespace {

std::string refusal_text(const http_api::Exchange& exchange, const DockerRoute& route) {
  return "the role " + std::string(to_string(exchange.caller().principal.role)) + " of " +
         exchange.caller().name() + " does not permit " + std::string(exchange.method()) + " " +
         route.path;
}

/// An import brings in an image of any content, under any name.
bool is_plain_pull(const Query& query) {
  return !query_value(query, "fromImage").value_or("").empty() && !query_value(query, "fromSrc") &&
         !query_value(query, "changes") && !query_value(query, "repo");
}

bool shows_list(Call call) {
  return call == Call::list_containers || call == Call::events;
}

}  // namespace

asio::awaitable<void> answer_no_container(ApiContext& context, ApiRequest& request) {
  co_await answer_error(context, request.exchange, 404, no_such_container(request.route.name));
}

asio::awaitable<bool> admit(ApiContext& context, ApiRequest& request) {
  const trust::Principal& caller = request.exchange.caller().principal;
  if (caller.is_admin()) co_return true;
  const auto odd = why_not_plain(request.route, request.exchange.header("Content-Type"));
  if (odd) {
    co_await answer_error(context, request.exchange, 400, *odd);
    co_return false;
  }
  request.restricted = true;
  const Reach reach = reach_of(caller.role, request.route);
  const bool imports = request.route.call == Call::image_create && !is_plain_pull(request.query);
  if (reach == Reach::none || imports) {
    co_await answer_error(context, request.exchange, 403,
                          refusal_text(request.exchange, request.route));
    co_return false;
  }
  if (reach == Reach::all) co_return true;
  request.only_of = caller.name;
  if (!shows_list(request.route.call)) co_return true;
  auto query = narrowed(request.query, caller.name);
  if (!query) {
    co_await answer_error(context, request.exchange, query.error());
    co_return false;
  }
  request.query = std::move(*query);
  co_return true;
}

asio::awaitable<bool> admit_here(ApiContext& context, ApiRequest& request) {
  if (request.only_of.empty()) co_return true;
  std::string path;
  switch (request.route.call) {
    case Call::list_containers:
    case Call::events:
    case Call::container:
    case Call::container_inspect:
    case Call::container_rename:
    case Call::container_remove:
    case Call::container_hijack:
    case Call::container_exec:
    case Call::exec:
    case Call::exec_hijack:
    case Call::network_connect:
      co_return true;  // They look themselves.
    case Call::network_remove:
      path = "/networks/";
      break;
    case Call::volume_remove:
      path = "/volumes/";
      break;
    default:
      break;
  }
  if (path.empty()) {
    // No agent passes these on in a user's name.
    co_await answer_error(context, request.exchange, 403,
                          refusal_text(request.exchange, request.route));
    co_return false;
  }
  path += docker_client::url_encode(request.route.name);
  const std::string owner = co_await thing_owner(context, std::move(path));
  if (owner == request.only_of) co_return true;
  co_await answer_error(context, request.exchange, 404, request.route.name + " not found");
  co_return false;
}

}  // namespace dockherd::engine_api
