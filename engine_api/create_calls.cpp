#include "engine_api/create_calls.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "docker_client/api_version.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/herd_networks.hpp"
#include "engine_api/host_facts.hpp"
#include "engine_api/made_everywhere.hpp"
#include "engine_api/network_id.hpp"
#include "engine_api/object_text.hpp"
#include "engine_api/whose.hpp"
#include "trust/create_policy.hpp"
#include "trust/ownership.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::size_t shortest_id = 12;

/// As dockerd looks at it: parameters do not matter.
bool is_json_type(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return boost::beast::iequals({type.data(), type.size()}, "application/json");
}

/// Gives the facts of the host that answered with a list in JSON each of its elements.
void for_each_element(const std::vector<HostAnswer>& answers, std::vector<HostFacts>& facts,
                      std::string_view within,
                      const std::function<void(HostFacts&, const json&)>& take) {
  for (const HostAnswer& answer : answers) {
    const auto host = std::find_if(facts.begin(), facts.end(), [&answer](const HostFacts& known) {
      return known.name == answer.hostname;
    });
    if (answer.status != 200 || host == facts.end()) continue;
    const auto parsed = parse_json(answer.body);
    if (!parsed) continue;
    const json* list = &*parsed;
    if (!within.empty()) {
      if (!parsed->is_object() || !parsed->contains(std::string(within))) continue;
      list = &*parsed->find(std::string(within));
    }
    if (!list->is_array()) continue;
    for (const json& element : *list) {
      if (element.is_object()) take(*host, element);
    }
  }
}

void add_strings(const json& element, const char* key, std::set<std::string>& into) {
  const auto found = element.find(key);
  if (found == element.end() || !found->is_array()) return;
  for (const json& text : *found) {
    if (text.is_string()) into.insert(text.get<std::string>());
  }
}

std::string text_of(const json& element, const char* key) {
  const auto found = element.find(key);
  return found != element.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ContainerFacts container_facts(const HostFacts& host, const json& entry) {
  ContainerFacts facts;
  facts.id = text_of(entry, "Id");
  std::set<std::string> names;
  add_strings(entry, "Names", names);
  const std::string prefix = "/" + host.name + "/";
  for (const std::string& name : names) {
    facts.names.push_back(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
  }
  const auto labels = entry.find("Labels");
  if (labels == entry.end() || !labels->is_object()) return facts;
  for (const auto& [key, value] : labels->items()) {
    if (value.is_string()) facts.labels.emplace(key, value.get<std::string>());
  }
  return facts;
}

/// The member as find_member() finds it, to be changed.
/// No daemon knows the herd's ids.
void rename_network(json& body, const std::string& id, const std::string& name) {
  if (json* host_config = member_of(body, "HostConfig"); host_config != nullptr) {
    json* mode = member_of(*host_config, "NetworkMode");
    if (mode != nullptr && *mode == id) *mode = name;
  }
  json* networking = member_of(body, "NetworkingConfig");
  json* endpoints = networking == nullptr ? nullptr : member_of(*networking, "EndpointsConfig");
  if (endpoints == nullptr || !endpoints->is_object() || !endpoints->contains(id)) return;
  (*endpoints)[name] = (*endpoints)[id];
  endpoints->erase(id);
}

CreateAnswer refused(const Error& error) {
  const int otherwise = error.code == errc::bad_request ? 400 : 503;
  return {error.docker_status > 0 ? error.docker_status : otherwise, docker_message(error.message)};
}

}  // namespace

asio::awaitable<void> CreateCalls::serve(ApiRequest& request) {
  auto text = co_await request.exchange.read_body(limits::json_bytes);
  if (!text) {
    co_await answer_error(context_, request.exchange, text.error());
    co_return;
  }
  auto body = parse_json(*text);
  const bool empty = text->find_first_not_of(" \t\r\n") == std::string::npos;
  if (empty || !is_json_type(request.exchange.header("Content-Type")) ||
      (body && !body->is_object())) {
    if (!request.restricted) {
      co_await let_daemon_refuse(request, std::move(*text));
      co_return;
    }
    body = Error(errc::bad_request, "a create needs a body that is an object of application/json");
  }
  if (!body) {
    co_await answer_error(context_, request.exchange, body.error());
    co_return;
  }
  request.exchange.set_subject(query_value(request.query, "name").value_or(""), "");
  if (const auto judged = judge(request, *body); !judged) {
    co_await answer_error(context_, request.exchange, judged.error());
    co_return;
  }
  auto rules = read_create_rules(*body);
  if (!rules) {
    co_await answer_error(context_, request.exchange, rules.error());
    co_return;
  }
  CreateAnswer answer = co_await place(request, std::move(*body), std::move(*rules));
  if (!answer.id.empty()) request.exchange.set_subject(answer.id, answer.host);
  co_await answer_json(context_, request.exchange, answer.status, std::move(answer.body));
}

/// What an operator may have, by this node's users file; and whose the container is. The node that
/// makes it looks again, by its own.
Result<void> CreateCalls::judge(const ApiRequest& request, json& body) const {
  const trust::Principal& caller = request.exchange.caller().principal;
  if (request.restricted) {
    const trust::User* user =
        context_.users == nullptr ? nullptr : context_.users->find(caller.name);
    const auto judged =
        trust::judge_create(body, user == nullptr ? trust::Allowance() : user->allow);
    if (!judged) return judged.error();
  }
  return trust::claim_for(caller, body);
}

/// What no daemon takes: this node's says so in Docker's words.
asio::awaitable<void> CreateCalls::let_daemon_refuse(ApiRequest& request, std::string body) {
  NodeCall call("POST", std::string(request.exchange.target()));
  call.body = std::move(body);
  call.content_type = request.exchange.header("Content-Type");
  auto response =
      co_await call_node(context_, context_.herd.self(), std::move(call), context_.task_deadline());
  if (!response) {
    co_await answer_error(context_, request.exchange, response.error());
    co_return;
  }
  co_await answer_json(context_, request.exchange, response->status, std::move(response->body));
}

asio::awaitable<CreateAnswer> CreateCalls::place(ApiRequest& request, json body,
                                                 CreateRules rules) {
  CreateOrder order;
  order.name = query_value(request.query, "name").value_or("");
  if (order.name.starts_with('/')) order.name.erase(0, 1);
  order.platform = query_value(request.query, "platform").value_or("");
  if (docker_client::ApiVersion::parse(request.route.version)) {
    order.api_version = request.route.version;
  }
  const std::string replaced = replaced_container(body, order.name);
  if (!replaced.empty()) rules.soft_dependencies.push_back(replaced);
  const auto once = co_await begin_once(request, body, order);
  if (!once) co_return refused(once.error());
  if (once->answer) co_return *once->answer;
  // A host that was given it before sees to it itself that there is one only.
  std::string claimed;
  if (!once->given_before) claimed = order.name;
  const auto ticket = co_await context_.herd.claim_name(std::move(claimed));
  if (!ticket) {
    const int status = ticket.error().docker_status > 0 ? ticket.error().docker_status : 503;
    // Whose the name is only those are told who see all.
    const std::string message = request.restricted && status == 409
                                    ? "Conflict. The container name \"/" + order.name +
                                          "\" is already in use. You have to use another name."
                                    : ticket.error().message;
    co_return CreateAnswer(status, docker_message(message));
  }
  co_await name_networks(body, rules);
  const std::vector<HostFacts> facts = co_await facts_for(rules, request.only_of);
  const FilterOutcome outcome = filter_hosts(rules, facts);
  if (outcome.fitting.empty()) {
    co_return CreateAnswer(503, docker_message(no_host_text(outcome)));
  }
  for (const std::size_t index : outcome.fitting) order.eligible.push_back(facts[index].id);
  for (const auto& refusal : outcome.refusals) {
    order.reasons.push_back(refusal.host + ": " + refusal.reason);
  }
  if (!rules.networks.empty()) {
    co_await bring_networks(order, rules.networks);
    if (order.eligible.empty()) {
      co_return CreateAnswer(503, docker_message("no host fits: " + join(order.reasons, "; ")));
    }
  }
  order.body = dump_json(body);
  order.caller = request.exchange.caller().principal;
  CreateAnswer answer = co_await context_.herd.create(std::move(order));
  if (answer.status == 201 && *ticket) (*ticket)->used();
  co_return answer;
}

/// Nothing to repeat without a key.
asio::awaitable<Result<RepeatedCreate>> CreateCalls::begin_once(ApiRequest& request,
                                                                const json& body,
                                                                CreateOrder& order) {
  const http_api::Caller& caller = request.exchange.caller();
  if (caller.idempotency_key.empty()) co_return RepeatedCreate();
  std::string asked = order.name + "\n" + order.platform + "\n" + dump_json(body);
  auto once =
      co_await context_.herd.begin_once(caller.idempotency_key, std::move(asked), caller.principal);
  if (once) order.use = once->use;
  co_return once;
}

/// A host that has joined since the networks were made gets them now. One that cannot have them
/// cannot have the container.
asio::awaitable<void> CreateCalls::bring_networks(CreateOrder& order,
                                                  std::vector<std::string> networks) {
  std::vector<HerdNode> hosts = context_.herd.nodes();
  std::erase_if(hosts, [&order](const HerdNode& host) {
    return std::find(order.eligible.begin(), order.eligible.end(), host.view.id) ==
           order.eligible.end();
  });
  const std::vector<HerdNode> asked = hosts;
  const auto failures = co_await ensure_networks(context_, std::move(hosts), std::move(networks));
  for (const HostAnswer& failure : failures) {
    for (const HerdNode& host : asked) {
      if (host.view.name == failure.hostname) std::erase(order.eligible, host.view.id);
    }
    order.reasons.push_back(failure.hostname + ": " + docker_client::error_message(failure.body));
  }
}

asio::awaitable<std::vector<HostFacts>> CreateCalls::facts_for(CreateRules rules,
                                                               std::string only_of) {
  std::vector<HostFacts> facts;
  for (const HerdNode& node : context_.herd.nodes()) facts.push_back(facts_of(node));
  if (needs_containers(rules) || needs_container_labels(rules))
    co_await add_containers(facts, only_of);
  if (needs_images(rules)) co_await add_images(facts);
  if (needs_volumes(rules)) co_await add_volumes(facts);
  co_return facts;
}

asio::awaitable<void> CreateCalls::add_containers(std::vector<HostFacts>& facts,
                                                  std::string only_of) {
  Query query{{"all", "1"}};
  if (!only_of.empty()) query = narrowed(query, only_of).value();
  NodeCall call("GET", "/containers/json?" + format_query(query));
  const auto answers = co_await call_all(context_, std::move(call), context_.task_deadline());
  for_each_element(answers, facts, "", [](HostFacts& host, const json& entry) {
    host.containers.push_back(container_facts(host, entry));
  });
}

asio::awaitable<void> CreateCalls::add_images(std::vector<HostFacts>& facts) {
  NodeCall call("GET", "/images/json");
  const auto answers = co_await call_all(context_, std::move(call), context_.task_deadline());
  for_each_element(answers, facts, "", [](HostFacts& host, const json& image) {
    host.images.insert(text_of(image, "Id"));
    add_strings(image, "RepoTags", host.images);
    add_strings(image, "RepoDigests", host.images);
  });
}

asio::awaitable<void> CreateCalls::add_volumes(std::vector<HostFacts>& facts) {
  NodeCall call("GET", "/volumes");
  const auto answers = co_await call_all(context_, std::move(call), context_.task_deadline());
  for_each_element(answers, facts, "Volumes", [](HostFacts& host, const json& volume) {
    host.volumes.insert(text_of(volume, "Name"));
  });
}

asio::awaitable<void> CreateCalls::name_networks(json& body, CreateRules& rules) {
  for (std::string& network : rules.networks) {
    if (network.size() < shortest_id || !looks_like_network_id(network)) continue;
    const NetworkSearch search = co_await find_network(context_, network, Query());
    if (search.name.empty()) continue;
    rename_network(body, network, search.name);
    network = search.name;
  }
}

}  // namespace dockherd::engine_api
