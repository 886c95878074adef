#include "tests/unit/engine_api/scripted_host.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "base/json_reader.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/docker_routes.hpp"

namespace dockherd::engine_api {

namespace {

http_api::ServerSettings settings_of(const std::string& name) {
  http_api::ServerSettings settings;
  settings.address = "127.0.0.1:0";
  settings.product = "daemon of " + name;
  settings.linger_timeout = std::chrono::milliseconds(200);
  return settings;
}

std::pair<int, std::string> refusal(int status, const std::string& message) {
  return {status, docker_message(message)};
}

/// After "/networks/" and the like; empty when the path is shorter.
std::string name_in(std::string_view path) {
  const auto slash = path.find('/', 1);
  return slash == path.npos ? std::string() : percent_decode(path.substr(slash + 1));
}

std::string name_in_body(const std::string& body) {
  const auto value = parse_json(body);
  const json* name = value ? find_member(*value, "Name") : nullptr;
  return name == nullptr ? std::string() : name->get<std::string>();
}

}  // namespace

ScriptedHost::ScriptedHost(asio::any_io_executor executor, Clock& clock,
                           http_api::UpstreamPool& pool, std::string name)
    : executor_(executor),
      clock_(clock),
      name_(std::move(name)),
      server_(executor, clock, http_api::Handlers{cluster_, *this, pool}, settings_of(name_),
              null_logger()) {
  if (!server_.start()) throw std::runtime_error("no port for " + name_);
}

asio::awaitable<void> ScriptedHost::stop() {
  break_streams();
  co_await server_.stop(clock_.now() + std::chrono::milliseconds(100));
}

void ScriptedHost::answer(const std::string& line_begin, int status, const std::string& body) {
  answers_.insert(answers_.begin(), {line_begin, {status, body}});
}

std::size_t ScriptedHost::count_of(const std::string& line_begin) const {
  return static_cast<std::size_t>(std::count_if(
      seen.begin(), seen.end(),
      [&line_begin](const SeenRequest& request) { return request.line.starts_with(line_begin); }));
}

asio::awaitable<void> ScriptedHost::serve(http_api::Exchange& exchange) {
  SeenRequest request;
  request.line = std::string(exchange.method()) + " " + std::string(exchange.target());
  request.node = exchange.header("X-Dockherd-Node");
  auto body = co_await exchange.read_body(1u << 20);
  if (body) request.body = std::move(*body);
  seen.push_back(request);
  if (slowness > Duration()) co_await clock_.sleep_until(clock_.now() + slowness);
  for (const auto& [line_begin, scripted] : answers_) {
    if (!request.line.starts_with(line_begin)) continue;
    co_await respond(exchange, scripted.first, scripted.second);
    co_return;
  }
  const DockerRoute route = find_docker_route(exchange.method(), exchange.target());
  if (route.call == Call::events) {
    co_await tell_events(exchange);
    co_return;
  }
  auto own = own_answer(exchange.method(), route.path, request.body);
  co_await respond(exchange, own.first, std::move(own.second));
}

asio::awaitable<void> ScriptedHost::respond(http_api::Exchange& exchange, int status,
                                            std::string body) {
  http_api::HeaderList headers;
  headers.emplace_back("Content-Type", "application/json");
  co_await exchange.respond(status, std::move(headers), body);
}

// --- networks and volumes ------------------------------------------------------------------------

std::pair<int, std::string> ScriptedHost::own_answer(std::string_view method, std::string_view path,
                                                     const std::string& body) {
  if (path.starts_with("/networks")) return network_answer(method, path, body);
  if (path.starts_with("/volumes")) return volume_answer(method, path, body);
  if (path == "/containers/json") return {200, "[]"};
  return refusal(404, "page not found");
}

std::string ScriptedHost::inspection(const std::string& network) const {
  const auto containers = network_containers.find(network);
  return R"({"Name":")" + network + R"(","Id":")" + networks.at(network) +
         R"(","Scope":"local","Driver":"bridge","Internal":false,)"
         R"("IPAM":{"Driver":"default","Config":[{"Subnet":"172.30.0.0/16"}]},)"
         R"("Options":{"a":"b"},"Labels":{"of":")" +
         name_ + R"("},"Containers":)" +
         (containers == network_containers.end() ? "{}" : containers->second) + "}";
}

std::pair<int, std::string> ScriptedHost::network_answer(std::string_view method,
                                                         std::string_view path,
                                                         const std::string& body) {
  const std::string wanted = name_in(path);
  if (wanted.empty()) {
    std::string list;
    for (const auto& [name, id] : networks) list += (list.empty() ? "" : ",") + inspection(name);
    return {200, "[" + list + "]"};
  }
  if (method == "POST" && wanted == "create") {
    const std::string name = name_in_body(body);
    if (networks.contains(name)) {
      return refusal(409, "network with name " + name + " already exists");
    }
    networks[name] = name + "-at-" + name_;
    return {201, R"({"Id":")" + networks[name] + R"(","Warning":""})"};
  }
  if (method == "POST") return {200, ""};
  auto found = networks.find(wanted);
  for (auto at = networks.begin(); found == networks.end() && at != networks.end(); ++at) {
    if (at->second.starts_with(wanted)) found = at;
  }
  if (found == networks.end()) return refusal(404, "network " + wanted + " not found");
  if (method == "GET") return {200, inspection(found->first)};
  networks.erase(found);
  return {204, ""};
}

std::pair<int, std::string> ScriptedHost::volume_answer(std::string_view method,
                                                        std::string_view path,
                                                        const std::string& body) {
  const std::string wanted = name_in(path);
  const auto text_of = [this](const std::string& volume) {
    return R"({"Name":")" + volume + R"(","Driver":")" + volumes.at(volume) +
           R"(","Mountpoint":"/on/)" + name_ + R"(","Labels":null})";
  };
  if (wanted.empty()) {
    std::string list;
    for (const auto& [name, driver] : volumes) list += (list.empty() ? "" : ",") + text_of(name);
    return {200, R"({"Volumes":[)" + list + R"(],"Warnings":null})"};
  }
  if (method == "POST") {
    std::string name = name_in_body(body);
    if (name.empty()) name = "made-up-by-" + name_;
    volumes.emplace(name, "local");
    return {201, text_of(name)};
  }
  if (!volumes.contains(wanted)) return refusal(404, "get " + wanted + ": no such volume");
  if (method == "GET") return {200, text_of(wanted)};
  volumes.erase(wanted);
  return {204, ""};
}

// --- events --------------------------------------------------------------------------------------

void ScriptedHost::tell(const std::string& line) {
  for (const auto& stream : streams_) {
    stream->lines.push_back(line);
    stream->more.try_send(boost::system::error_code());
  }
}

void ScriptedHost::break_streams() {
  for (const auto& stream : streams_) {
    stream->over = true;
    stream->more.try_send(boost::system::error_code());
  }
}

asio::awaitable<void> ScriptedHost::tell_events(http_api::Exchange& exchange) {
  const auto told = std::make_shared<Told>(executor_);
  told->lines = history;
  const auto at = streams_.insert(streams_.end(), told);
  exchange.on_client_gone([told] {
    told->over = true;
    told->more.try_send(boost::system::error_code());
  });
  http_api::HeaderList headers;
  headers.emplace_back("Content-Type", "application/json");
  bool open = co_await exchange.begin(200, std::move(headers));
  while (open) {
    for (const std::string& line : std::exchange(told->lines, {})) {
      open = co_await exchange.write(line + "\n");
      if (open) ++told_;
    }
    if (history_only || told->over) break;
    co_await told->more.async_receive(asio::use_awaitable);
  }
  streams_.erase(at);
  exchange.on_client_gone(nullptr);
  if (history_only) {
    co_await exchange.end();
  } else {
    exchange.break_off();
  }
}

}  // namespace dockherd::engine_api
