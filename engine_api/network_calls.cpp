#include "engine_api/network_calls.hpp"

#include <algorithm>

#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/filtered_lists.hpp"
#include "engine_api/host_failures.hpp"
#include "engine_api/list_query.hpp"
#include "engine_api/merge_networks.hpp"
#include "engine_api/network_id.hpp"
#include "engine_api/object_text.hpp"
#include "engine_api/whose.hpp"
#include "trust/call_policy.hpp"

namespace dockherd::engine_api {

namespace {

/// Networks that reach over hosts by themselves are one daemon's business.
bool is_network_made_everywhere(const json& body) {
  const std::string scope = text_member(body, "Scope");
  return text_member(body, "Driver") != "overlay" && (scope.empty() || scope == "local");
}

/// In dockerd's words, when a host's containers use the network.
std::optional<std::string> in_use(const HostAnswer& inspection) {
  const auto network = ObjectText::sliced(inspection.body);
  const auto containers = network ? ObjectText::sliced(network->find("Containers")) : std::nullopt;
  if (!containers || containers->keys().empty()) return std::nullopt;
  return "error while removing network: network " + string_of(network->find("Name")).value_or("") +
         " id " + string_of(network->find("Id")).value_or("") + " has active endpoints";
}

/// Whether the network inspected has this very name or id.
bool is_exactly(const std::string& inspection, const std::string& reference) {
  const auto network = ObjectText::sliced(inspection);
  return network && (string_of(network->find("Name")) == reference ||
                     string_of(network->find("Id")) == reference);
}

/// His own, or everybody's.
bool is_visible(const NetworkSearch& search, const std::string& owner) {
  return is_predefined_network(search.name) || is_owned(search.answers, owner);
}

/// The first that has not said whether it has the network. A 400 is about what was asked for.
const HostAnswer* silent_host(const std::vector<HostAnswer>& answers) {
  const auto silent = std::find_if(answers.begin(), answers.end(), [](const HostAnswer& answer) {
    return answer.status > 404 || answer.status == 0;
  });
  return silent == answers.end() ? nullptr : &*silent;
}

/// In the answer to a create.
void show_herd_id(HostAnswer& created, const std::string& name) {
  auto object = ObjectText::sliced(created.body);
  if (!object) return;
  object->set("Id", quote_json(herd_network_id(name)));
  created.body = object->text() + "\n";
}

/// Takes the filter `id` out of the query: no daemon knows the herd's ids.
std::vector<std::string> take_ids(Query& query) {
  for (auto& [key, value] : query) {
    if (key != "filters") continue;
    auto filters = read_filters(value);
    if (!filters) break;
    std::vector<std::string> ids = take_filter(*filters, "id");
    if (!ids.empty()) value = filters->empty() ? "" : dump_json(*filters);
    return ids;
  }
  return {};
}

/// As dockerd matches ids: by any part of them.
std::string with_ids(const std::string& networks, const std::vector<std::string>& ids) {
  std::vector<std::string> shown;
  for (const std::string_view element :
       elements_of(networks).value_or(std::vector<std::string_view>())) {
    const auto network = ObjectText::sliced(element);
    const std::string_view id = network ? network->find("Id") : std::string_view();
    const bool wanted = std::any_of(ids.begin(), ids.end(), [id](const std::string& part) {
      return id.find(part) != std::string_view::npos;
    });
    if (wanted) shown.emplace_back(element);
  }
  return array_text(shown) + "\n";
}

}  // namespace

asio::awaitable<void> NetworkCalls::list(ApiRequest& request) {
  const std::vector<std::string> ids = take_ids(request.query);
  const auto answers = co_await filtered_lists(context_, request, "");
  Merged merged = merge_networks(answers);
  if (merged.status == 200 && !ids.empty()) merged.body = with_ids(merged.body, ids);
  if (merged.status == 200 && !request.only_of.empty()) {
    merged.body = only_owned(merged.body, request.only_of) + "\n";
  }
  co_await answer_merged(context_, request.exchange, std::move(merged));
}

asio::awaitable<void> NetworkCalls::inspect(ApiRequest& request) {
  const NetworkSearch search = co_await find_network(context_, request.route.name, request.query);
  if (!request.only_of.empty() && !is_visible(search, request.only_of)) {
    co_await answer_no_network(request);
    co_return;
  }
  Merged merged = merge_network_inspections(search.answers);
  if (merged.status == 200 && !request.only_of.empty()) {
    const std::set<std::string> ids = co_await ids_of(context_, request.only_of);
    merged.body = with_containers(merged.body, ids);
  }
  co_await answer_merged(context_, request.exchange, std::move(merged));
}

asio::awaitable<void> NetworkCalls::answer_no_network(ApiRequest& request) {
  co_await answer_error(context_, request.exchange, 404,
                        "network " + request.route.name + " not found");
}

/// On a host that has none of that name yet it would be his, and the other's owner lose his own.
asio::awaitable<bool> NetworkCalls::may_make(const ApiRequest& request, std::string network) {
  if (request.only_of.empty() || network.empty()) co_return true;
  const NetworkSearch search = co_await find_network(context_, std::move(network), Query());
  co_return search.holders().empty() || is_owned(search.answers, request.only_of);
}

asio::awaitable<void> NetworkCalls::create(ApiRequest& request) {
  auto body = co_await read_json_body(context_, request);
  if (!body) co_return;
  const bool may = co_await take_ownership(context_, request, *body, trust::judge_network);
  if (!may) co_return;
  const bool is_free = co_await may_make(request, text_member(body->value, "Name"));
  if (!is_free) {
    co_await answer_error(context_, request.exchange, 409,
                          "a network of that name exists already and is not yours");
    co_return;
  }
  NodeCall call("POST", request.target(request.route.path, request.query));
  call.body = body->text;
  if (!body->value.is_object() || !is_network_made_everywhere(body->value)) {
    HostAnswer answer = co_await call_host(context_, context_.herd.self(), std::move(call),
                                           change_deadline(context_));
    if (answer.status == 201) show_herd_id(answer, text_member(body->value, "Name"));
    co_await answer_as(context_, request.exchange, std::move(answer));
    co_return;
  }
  MakeOrder order(std::move(call));
  order.hosts = pool_of(context_);
  if (order.hosts.empty()) {
    co_await answer_error(context_, request.exchange, 503,
                          "no host takes new networks: none is in the pool with a daemon that is "
                          "up");
    co_return;
  }
  // A host that has joined since gets what the others have; only what is everywhere is refused.
  order.conflict_means_there = true;
  order.undo = [](const HerdNode&, const HostAnswer& made) -> std::optional<NodeCall> {
    const auto id = docker_client::created_id(made.body);
    if (!id) return std::nullopt;
    return NodeCall("DELETE", "/networks/" + docker_client::url_encode(*id));
  };
  HostAnswer answer = co_await make_everywhere(context_, std::move(order));
  if (answer.status == 201) show_herd_id(answer, text_member(body->value, "Name"));
  co_await answer_as(context_, request.exchange, std::move(answer));
}

asio::awaitable<void> NetworkCalls::remove(ApiRequest& request) {
  const NetworkSearch search = co_await find_network(context_, request.route.name, Query());
  std::vector<HerdNode> holders = search.holders();
  if (!request.only_of.empty() && !is_owned(search.answers, request.only_of)) {
    co_await answer_no_network(request);
    co_return;
  }
  const HostAnswer* silent = holders.empty() ? silent_host(search.answers) : nullptr;
  if (silent != nullptr) {
    co_await answer_error(context_, request.exchange, 503,
                          silent->hostname + " did not answer and may have it");
    co_return;
  }
  if (holders.empty()) {
    co_await answer_merged(context_, request.exchange, merge_network_inspections(search.answers));
    co_return;
  }
  if (!search.local) holders.resize(1);
  // It is removed everywhere or, when a host needs it, nowhere: so the hosts are looked at first.
  // A container may still come in between; then the others have lost theirs, and the answer says
  // that. With one holder its daemon knows best.
  for (std::size_t i = 0; holders.size() > 1 && i < search.nodes.size(); ++i) {
    if (search.answers[i].status != 200) continue;
    const auto refusal = in_use(search.answers[i]);
    if (!refusal) continue;
    co_await answer_error(context_, request.exchange, 403,
                          search.nodes[i].view.name + ": " + *refusal);
    co_return;
  }
  const std::string& reference = holders.size() > 1 ? search.name : search.reference;
  NodeCall call("DELETE", "/networks/" + docker_client::url_encode(reference));
  call.in_name_of = request.exchange.caller().principal;
  auto answers =
      co_await call_nodes(context_, std::move(holders), std::move(call), change_deadline(context_));
  HostAnswer removed = removal_answer(std::move(answers));
  if (removed.status != 204) {
    co_await answer_as(context_, request.exchange, std::move(removed));
    co_return;
  }
  // A network holds nothing: where a host did not say whether it has it, it may stay for now.
  std::vector<std::string> left_out;
  for (const HostAnswer& answer : search.answers) {
    if (!search.local || answer.status == 200 || answer.status == 404) continue;
    left_out.push_back(answer.hostname + " (" + failure_of(answer).message + ")");
  }
  left_out = missing_hosts(context_, std::move(left_out));
  co_await answer_empty(context_, request.exchange, 204, std::move(left_out));
}

// --- connect and disconnect ----------------------------------------------------------------------

asio::awaitable<void> NetworkCalls::connect(ApiRequest& request) {
  auto body = co_await read_json_body(context_, request);
  if (!body) co_return;
  std::string network = request.route.name;
  if (request.restricted) {
    // Before anything is asked or sent: the other spellings of a member are refused here.
    if (const auto judged = trust::judge_connection(body->value); !judged) {
      co_await answer_error(context_, request.exchange, judged.error());
      co_return;
    }
  }
  json* reference = member_of(body->value, "Container");
  if (reference == nullptr || !reference->is_string() || reference->get<std::string>().empty()) {
    if (request.restricted) {
      co_await answer_error(context_, request.exchange, 400,
                            "Container: expected the name or the id of a container");
      co_return;
    }
    NodeCall call("POST", request.target(request.route.path, request.query));
    call.body = body->text;
    HostAnswer answer = co_await call_host(context_, context_.herd.self(), std::move(call),
                                           change_deadline(context_));
    co_await answer_as(context_, request.exchange, std::move(answer));
    co_return;
  }
  auto found = co_await context_.herd.find(reference->get<std::string>());
  if (request.restricted) {
    const auto why = co_await why_not_connect(request, body->value, found, network);
    if (why) {
      co_await answer_error(context_, request.exchange, *why);
      co_return;
    }
  }
  const json* force = find_member(body->value, "Force");
  if (!found && request.route.rest == "/disconnect" && force != nullptr && *force == true) {
    HostAnswer answer = co_await disconnect_leftover(request, std::move(*body));
    co_await answer_as(context_, request.exchange, std::move(answer));
    co_return;
  }
  if (!found) {
    co_await answer_error(context_, request.exchange, found.error());
    co_return;
  }
  *reference = found->id;
  body->text = dump_json(body->value);
  network = co_await name_at(found->node, std::move(network));
  HostAnswer answer =
      co_await connect_at(std::move(*found), std::move(network), request, std::move(*body));
  co_await answer_as(context_, request.exchange, std::move(answer));
}

// --- for those who may touch only what is their own ----------------------------------------------

/// An operator's containers join his own networks, and what everybody's containers are on. When
/// nothing speaks against it, `network` is the name of the one that was judged.
asio::awaitable<std::optional<Error>> NetworkCalls::why_not_connect(const ApiRequest& request,
                                                                    const json& body,
                                                                    Result<FoundContainer> found,
                                                                    std::string& network) {
  Error unknown(errc::docker_refused, no_such_container(text_member(body, "Container")));
  unknown.docker_status = 404;
  if (!found) co_return unknown;
  const std::set<std::string> ids = co_await ids_of(context_, request.only_of);
  if (!ids.contains(found->id)) co_return unknown;
  const NetworkSearch search = co_await find_network(context_, request.route.name, Query());
  // By its id or the beginning of one the host's network is the host's network, too.
  if (!search.name.empty() && search.name != "host" && is_visible(search, request.only_of)) {
    network = search.name;
    co_return std::nullopt;
  }
  Error no_network(errc::docker_refused, "network " + request.route.name + " not found");
  no_network.docker_status = 404;
  co_return no_network;
}

/// The same by this node's daemon, for the node that was asked.
asio::awaitable<bool> NetworkCalls::may_connect_here(const ApiRequest& request, const json& body,
                                                     std::string container) {
  if (!trust::judge_connection(body)) co_return false;
  if (container.size() != 64) co_return false;  // Agents name it by its id.
  const auto owner = co_await container_owner(context_, container);
  if (!owner || *owner != request.only_of) co_return false;
  if (request.route.name == "bridge" || request.route.name == "none") co_return true;
  const std::string network =
      co_await thing_owner(context_, "/networks/" + docker_client::url_encode(request.route.name));
  co_return network == request.only_of;
}

/// A network may still hold the endpoint of a container that is gone, on any host.
asio::awaitable<HostAnswer> NetworkCalls::disconnect_leftover(ApiRequest& request, JsonBody body) {
  const NetworkSearch search = co_await find_network(context_, request.route.name, Query());
  const std::string& network = search.name.empty() ? request.route.name : search.name;
  NodeCall call(
      "POST", request.target("/networks/" + docker_client::url_encode(network) + request.route.rest,
                             request.query));
  call.body = std::move(body.text);
  auto answers = co_await call_all(context_, std::move(call), change_deadline(context_));
  const auto done = std::find_if(answers.begin(), answers.end(),
                                 [](const HostAnswer& answer) { return answer.status < 300; });
  co_return done == answers.end() ? std::move(answers.front()) : std::move(*done);
}

/// The network as the host knows it; made there when only others have it.
asio::awaitable<std::string> NetworkCalls::name_at(HerdNode host, std::string network) {
  NodeCall look("GET", "/networks/" + docker_client::url_encode(network));
  const HostAnswer known =
      co_await call_host(context_, host, std::move(look), change_deadline(context_));
  // The beginning of an id is the herd's before it is the host's.
  const bool exact = known.status == 200 && is_exactly(known.body, network);
  if (exact || (known.status != 404 && !looks_like_network_id(network))) co_return network;
  const NetworkSearch search = co_await find_network(context_, network, Query());
  if (search.name.empty()) co_return network;
  std::vector<HerdNode> hosts;
  hosts.push_back(std::move(host));
  std::vector<std::string> networks;
  networks.push_back(search.name);
  co_await ensure_networks(context_, std::move(hosts), std::move(networks));
  co_return search.name;
}

asio::awaitable<HostAnswer> NetworkCalls::connect_at(FoundContainer container, std::string network,
                                                     ApiRequest& request, JsonBody body) {
  NodeCall call(
      "POST", request.target("/networks/" + docker_client::url_encode(network) + request.route.rest,
                             request.query));
  call.body = std::move(body.text);
  call.in_name_of = request.exchange.caller().principal;
  const bool own = container.node.self;
  HostAnswer answer = co_await call_host(context_, std::move(container.node), std::move(call),
                                         change_deadline(context_));
  if (own) context_.herd.changed(container.id, ContainerChange::touched);
  co_return answer;
}

asio::awaitable<void> NetworkCalls::connect_here(ApiRequest& request) {
  auto body = co_await read_json_body(context_, request);
  if (!body) co_return;
  FoundContainer container;
  container.node = context_.herd.self();
  container.id = text_member(body->value, "Container");
  if (!request.only_of.empty()) {
    const bool may = co_await may_connect_here(request, body->value, container.id);
    if (!may) {
      co_await answer_error(context_, request.exchange, 404, no_such_container(container.id));
      co_return;
    }
    body->text = dump_json(body->value);
  }
  HostAnswer answer =
      co_await connect_at(std::move(container), request.route.name, request, std::move(*body));
  co_await answer_as(context_, request.exchange, std::move(answer));
}

}  // namespace dockherd::engine_api
