#include "engine_api/docker_service.hpp"

#include <boost/system/system_error.hpp>
#include <exception>

#include "base/cancellation.hpp"
#include "base/json_reader.hpp"
#include "engine_api/access_guard.hpp"
#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

namespace {

constexpr docker_client::ApiVersion oldest_spoken{1, 24};

constexpr std::string_view swarm_advice =
    "dockherd drives plain containers and has no swarm mode: use docker run, or the verb "
    "create-container with instances";

std::string not_offered_text(const DockerRoute& route) {
  if (route.path == "/session" || route.path == "/grpc") {
    return "dockherd has no BuildKit sessions: set DOCKER_BUILDKIT=0 to build with the classic "
           "builder";
  }
  if (route.path.starts_with("/plugins")) {
    return "dockherd does not manage plugins: install them on each host with its own docker "
           "command";
  }
  return std::string(swarm_advice);
}

}  // namespace

DockerService::DockerService(ApiContext context)
    : context_(std::move(context)),
      containers_(context_),
      lists_(context_),
      creates_(context_),
      images_(context_),
      spread_(context_),
      builds_(context_),
      system_(context_),
      networks_(context_),
      volumes_(context_),
      events_(context_) {}

asio::awaitable<void> DockerService::serve(http_api::Exchange& exchange) {
  std::string failure;
  try {
    co_await serve_unless_cancelled(exchange);
    co_return;
  } catch (const boost::system::system_error& error) {
    if (is_cancellation(error.code())) throw;
    failure = error.what();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  context_.log->error("docker call failed error={}", failure);
  // Nobody else may read from the client while it is answered.
  co_await exchange.end_upload();
  if (exchange.unanswered()) {
    co_await answer_error(context_, exchange, 500, "the agent failed: " + failure);
  } else {
    exchange.break_off();
  }
}

asio::awaitable<void> DockerService::serve_unless_cancelled(http_api::Exchange& exchange) {
  ApiRequest request(exchange, find_docker_route(exchange.method(), exchange.target()));
  if (const auto refused = version_refused(request.route)) {
    co_await answer_error(context_, exchange, 400, *refused);
    co_return;
  }
  if (exchange.method() == "OPTIONS") {  // As dockerd: of any path.
    http_api::HeaderList headers = own_headers(context_.herd, "");
    co_await exchange.respond(200, std::move(headers), "");
    co_return;
  }
  const bool admitted = co_await admit(context_, request);
  if (!admitted) co_return;
  // Only agents say where a request belongs.
  const std::string_view meant_for =
      exchange.caller().by_agent ? exchange.header(node_header) : std::string_view();
  if (meant_for.empty()) {
    co_await dispatch(request);
    co_return;
  }
  if (context_.herd.self().view.id == meant_for) {
    const bool admitted_here = co_await admit_here(context_, request);
    if (admitted_here) co_await dispatch_here(request);
    co_return;
  }
  // An agent that has restarted has another id: who asked us had not heard of it yet.
  co_await answer_error(context_, exchange, 503, "this agent has restarted meanwhile; ask again");
}

/// As dockerd refuses versions that it does not speak.
std::optional<std::string> DockerService::version_refused(const DockerRoute& route) const {
  auto asked = docker_client::ApiVersion::parse(route.version);
  if (!asked) asked = docker_client::ApiVersion::parse(route.version + ".0");
  if (!asked) return std::nullopt;
  const std::string newest = context_.herd.api_version();
  if (*asked > docker_client::ApiVersion::parse(newest)) {
    return "client version " + route.version + " is too new. Maximum supported API version is " +
           newest;
  }
  if (*asked < oldest_spoken) {
    return "client version " + route.version + " is too old. Minimum supported API version is " +
           oldest_spoken.text() + ", please upgrade your client to a newer version";
  }
  return std::nullopt;
}

asio::awaitable<void> DockerService::dispatch(ApiRequest& request) {
  switch (request.route.call) {
    case Call::ping:
      co_return co_await system_.ping(request);
    case Call::version:
      co_return co_await system_.version(request);
    case Call::info:
      co_return co_await system_.info(request);
    case Call::prune:
      co_return co_await system_.prune(request);
    case Call::disk_usage:
      co_return co_await system_.disk_usage(request);
    case Call::container:
    case Call::container_inspect:
    case Call::container_rename:
    case Call::container_remove:
    case Call::container_hijack:
    case Call::container_exec:
      co_return co_await containers_.serve(request);
    case Call::exec:
    case Call::exec_hijack:
      co_return co_await containers_.serve_exec(request);
    case Call::commit:
      co_return co_await containers_.commit(request);
    case Call::list_containers:
      co_return co_await lists_.serve(request);
    case Call::create_container:
      co_return co_await creates_.serve(request);
    case Call::events:
      co_return co_await events_.serve(request);
    case Call::no_plugin:
      co_return co_await answer_error(context_, request.exchange, 404,
                                      "plugin " + quote_json(request.route.name) + " not found");
    case Call::not_offered:
      co_return co_await answer_error(context_, request.exchange, 501,
                                      not_offered_text(request.route));
    case Call::wrong_method:
    case Call::unknown:
      co_return co_await answer_error(context_, request.exchange, 404, "page not found");
    default:
      co_return co_await dispatch_things(request);
  }
}

/// What containers are made of.
asio::awaitable<void> DockerService::dispatch_things(ApiRequest& request) {
  switch (request.route.call) {
    case Call::list_networks:
      co_return co_await networks_.list(request);
    case Call::network_inspect:
      co_return co_await networks_.inspect(request);
    case Call::network_create:
      co_return co_await networks_.create(request);
    case Call::network_remove:
      co_return co_await networks_.remove(request);
    case Call::network_connect:
      co_return co_await networks_.connect(request);
    case Call::list_volumes:
      co_return co_await volumes_.list(request);
    case Call::volume_inspect:
      co_return co_await volumes_.inspect(request);
    case Call::volume_create:
      co_return co_await volumes_.create(request);
    case Call::volume_remove:
      co_return co_await volumes_.remove(request);
    case Call::list_images:
      co_return co_await images_.list(request);
    case Call::image:
      co_return co_await images_.one(request);
    case Call::images_get:
      co_return co_await images_.several(request);
    case Call::image_tag:
      co_return co_await images_.tag(request);
    case Call::image_remove:
      co_return co_await images_.remove(request);
    case Call::image_create:
    case Call::image_load:
      co_return co_await spread_.serve(request);
    case Call::build:
      co_return co_await builds_.serve(request);
    default:
      co_return co_await containers_.serve_here(request);
  }
}

/// Asked by another node, which knows that this one is concerned.
asio::awaitable<void> DockerService::dispatch_here(ApiRequest& request) {
  switch (request.route.call) {
    case Call::list_containers:
      co_return co_await lists_.serve_here(request);
    case Call::info:
      co_return co_await system_.info_here(request);
    case Call::prune:
      co_return co_await system_.prune_here(request);
    case Call::network_connect:
      co_return co_await networks_.connect_here(request);
    case Call::no_plugin:
    case Call::not_offered:
    case Call::unknown:
    case Call::wrong_method:
      co_return co_await dispatch(request);
    default:
      co_return co_await containers_.serve_here(request);
  }
}

}  // namespace dockherd::engine_api
