#include "agent/docker_herd.hpp"

#include <algorithm>

#include "agent/address.hpp"
#include "agent/bulk_create.hpp"
#include "base/text.hpp"
#include "docker_client/api_version.hpp"
#include "docker_client/docker_codec.hpp"
#include "engine_api/docker_error.hpp"
#include "http_api/responses.hpp"

namespace dockherd::agent {

using engine_api::CreateAnswer;
using engine_api::FoundContainer;
using engine_api::HerdNode;

namespace {

/// "10.0.0.1:8080" to "10.0.0.1"; "[::1]:8080" to "::1".
std::string host_part(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

Error docker_error(int status, std::string message) {
  Error error(errc::docker_refused, std::move(message));
  error.docker_status = status;
  return error;
}

std::string string_in(const json& object, const char* key) {
  const json* value = find_member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

/// Docker's answer to a create, out of the envelope.
CreateAnswer created_answer(const std::string& envelope) {
  CreateAnswer answer(201, "{}");
  const auto document = parse_json(envelope);
  if (!document) return answer;
  answer.host = string_in(*document, "dockerInstance");
  const json* response = find_member(*document, "Response");
  const json* body = response == nullptr ? nullptr : find_member(*response, "Body");
  if (body == nullptr) return answer;
  answer.id = string_in(*body, "Id");
  answer.body = dump_json(*body) + "\n";
  return answer;
}

/// The sentence of an envelope that is a failure.
std::string error_in(const std::string& envelope) {
  const auto document = parse_json(envelope);
  if (!document || !document->is_object()) return envelope;
  const auto error = document->find("error");
  return error != document->end() && error->is_string() ? error->get<std::string>() : envelope;
}

/// What no host did. It is a 404 only when all that might have done it lack something, because
/// clients then pull the image, and no registry is to be asked while a host has it. What would be
/// the same everywhere is Docker's own text.
CreateAnswer refused_create(const BulkItem& item, const std::vector<std::string>& reasons) {
  auto refusals = item.refusals;
  if (refusals.empty()) return {item.status, engine_api::docker_message(error_in(item.envelope))};
  // The end may have come while other hosts were still to be asked.
  if (item.status != refusals.back().second) {
    refusals.emplace_back("then: " + error_in(item.envelope), item.status);
  }
  std::vector<std::string> all;
  std::set<std::string> texts;  // Without the hosts.
  int status = 404;
  for (const auto& [text, code] : refusals) {
    if (status == 404) status = code;
    all.push_back(text);
    texts.insert(text.substr(text.find(": ") + 2));
  }
  const bool of_the_body = reasons.empty() && (status == 400 || all.size() == 1);
  if (texts.size() == 1 && (of_the_body || status == 404)) {
    return {status, engine_api::docker_message(*texts.begin())};
  }
  all.insert(all.end(), reasons.begin(), reasons.end());
  std::sort(all.begin(), all.end());
  return {status, engine_api::docker_message("no host took the container: " + join(all, "; "))};
}

}  // namespace

HerdNode DockerHerd::node_of(const NodeId& id, const NodeStatus& status) const {
  HerdNode node;
  node.view.id = id.hex();
  node.view.name = status.hostname;
  node.view.address = status.address;
  node.view.ip = host_part(status.address);
  // Clients may be let in on loopback only; what its containers publish is elsewhere.
  if (is_loopback(node.view.ip)) node.view.ip = host_part(status.called_at());
  node.called_at = status.called_at();
  node.view.cpus = status.cpus;
  node.view.memory_bytes = status.memory_bytes;
  node.view.labels = status.labels;
  node.facts = status.facts;
  node.self = id == herd_.self();
  node.in_pool = status.in_pool;
  node.daemon_up = status.daemon_up;
  node.daemon_error = status.daemon_error;
  node.api_version = status.docker_api_version;
  node.docker_version = status.docker_version;
  return node;
}

std::vector<HerdNode> DockerHerd::nodes() const {
  std::vector<HerdNode> nodes;
  for (const auto& [id, status] : herd_.nodes.nodes()) nodes.push_back(node_of(id, status));
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const HerdNode& a, const HerdNode& b) { return a.view.name < b.view.name; });
  return nodes;
}

HerdNode DockerHerd::self() const {
  return node_of(herd_.self(), *herd_.nodes.find(herd_.self()));
}

std::string DockerHerd::api_version() const {
  std::optional<docker_client::ApiVersion> lowest;
  for (const auto& [id, status] : herd_.nodes.nodes()) {
    const auto version = docker_client::ApiVersion::parse(status.docker_api_version);
    if (version && (!lowest || *version < *lowest)) lowest = version;
  }
  return lowest.value_or(docker_client::newest_known_api_version()).text();
}

std::vector<engine_api::LostHost> DockerHerd::lost_hosts() const {
  std::vector<engine_api::LostHost> hosts;
  for (const LostNode& lost : herd_.nodes.lost(herd_.clock.now())) {
    engine_api::LostHost host;
    host.name = lost.hostname;
    host.reason = lost.reason;
    hosts.push_back(std::move(host));
  }
  return hosts;
}

/// Of a node that was lost meanwhile nothing is told.
engine_api::NameCollision DockerHerd::collision_of(const std::string& name,
                                                   const Resolution& containers) const {
  engine_api::NameCollision collision;
  collision.name = name;
  collision.more = containers.more;
  for (const ContainerLocation& each : containers.candidates) {
    const NodeStatus* status = herd_.nodes.find(each.node);
    if (status == nullptr) continue;
    auto& container = collision.containers.emplace_back();
    container.node = node_of(each.node, *status).view;
    container.id = each.id;
  }
  return collision;
}

std::vector<engine_api::NameCollision> DockerHerd::name_collisions(std::size_t most) const {
  std::vector<engine_api::NameCollision> collisions;
  for (const auto& [name, containers] : herd_.name_collisions.standing()) {
    if (collisions.size() == most) break;
    collisions.push_back(collision_of(name, containers));
  }
  return collisions;
}

void DockerHerd::on_name_collision(CollisionListener listener) {
  if (!listener) {
    herd_.on_name_collision = nullptr;
    return;
  }
  herd_.on_name_collision = [this, tell = std::move(listener)](const CollisionChange& change) {
    tell(collision_of(change.name, change.containers), change.begins);
  };
}

asio::awaitable<Result<FoundContainer>> DockerHerd::find(std::string reference) {
  auto found = find_now(reference);
  if (!found && !herd_.daemon_asked()) {
    const TimePoint deadline = herd_.clock.now() + herd_.settings.task_timeout;
    co_await executor_.wait_until_asked(deadline);
    found = find_now(reference);
  }
  co_return found;
}

Error DockerHerd::not_found(const std::string& reference) const {
  if (const auto owner = herd_.nodes.lost_with(reference, herd_.clock.now())) {
    return docker_error(
        503, reference + " is on " + owner->hostname + ", which is lost: " + owner->reason);
  }
  std::string message = "No such container: " + reference;
  std::vector<std::string> lost;
  for (const engine_api::LostHost& host : lost_hosts()) lost.push_back(host.text());
  if (!lost.empty()) message += " (it may be on a host that is not here: " + join(lost) + ")";
  return docker_error(404, std::move(message));
}

Result<FoundContainer> DockerHerd::find_now(const std::string& reference) const {
  FoundContainer found;
  found.reference = reference;
  std::optional<NodeId> on;
  if (const auto slash = reference.find('/', 1); slash != std::string::npos) {
    const std::size_t begin = reference.starts_with('/') ? 1 : 0;
    const std::string host = reference.substr(begin, slash - begin);
    const auto named = herd_.nodes.named(host);
    if (named.size() > 1) return docker_error(409, "several agents have the hostname " + host);
    // Of a host that is not here nobody else's container is meant.
    for (const engine_api::LostHost& lost : lost_hosts()) {
      if (named.empty() && lost.name == host) return docker_error(503, lost.text());
    }
    if (named.empty()) return not_found(reference);
    on = named.front();
    found.reference = reference.substr(slash + 1);
  }
  const Resolution resolution = herd_.directory.resolve(found.reference, on);
  if (resolution.candidates.empty()) return not_found(reference);
  if (resolution.found()) {
    const ContainerLocation& place = resolution.candidates.front();
    found.id = place.id;
    const NodeStatus* status = herd_.nodes.find(place.node);
    if (status == nullptr) return docker_error(404, "No such container: " + reference);
    found.node = node_of(place.node, *status);
    return found;
  }
  std::vector<std::string> candidates;
  for (const ContainerLocation& candidate : resolution.candidates) {
    const std::string name = candidate.names.empty() ? "" : "/" + candidate.names.front();
    candidates.push_back(candidate.id.substr(0, 12) + " (" + herd_.hostname_of(candidate.node) +
                         name + ")");
  }
  std::string name = found.reference;
  if (name.starts_with('/')) name.erase(0, 1);
  const auto& names = resolution.candidates.front().names;
  const bool by_id = std::find(names.begin(), names.end(), name) == names.end();
  const std::string which = join(candidates) + (resolution.more ? " and more" : "");
  if (by_id) {
    return docker_error(
        500, "Multiple IDs found with provided prefix: " + found.reference + ": " + which);
  }
  return docker_error(409, "several containers have the name " + name + ": " + which);
}

asio::awaitable<Result<engine_api::OwnList>> DockerHerd::own_list(bool all, TimePoint deadline) {
  const bool asked = co_await executor_.wait_until_asked(deadline);
  if (!asked) {
    co_return Error(errc::timeout, "the Docker daemon has not answered since this agent started");
  }
  co_return co_await watcher_.herd_list(self().view, herd_.settings.name_style, all, deadline);
}

engine_api::Promised DockerHerd::promised() const {
  engine_api::Promised promised;
  promised.nano_cpus = promises_.totals().nano_cpus;
  promised.memory_bytes = promises_.totals().memory_bytes;
  return promised;
}

void DockerHerd::changed(const std::string& id, engine_api::ContainerChange change) {
  if (change == engine_api::ContainerChange::removed) watcher_.removed(id);
  if (change == engine_api::ContainerChange::stopped) {
    watcher_.stopped(id);
  } else {
    watcher_.touch(id);
  }
}

void DockerHerd::renamed(const FoundContainer& container, const std::string& name) {
  if (container.node.self) {
    watcher_.renamed(container.id, name);
    return;
  }
  if (const auto node = NodeId::from_hex(container.node.view.id)) {
    if (herd_.directory.has(*node, container.id)) {
      herd_.directory.put(*node, container.id, {name});
    }
  }
}

void DockerHerd::removed(const FoundContainer& container) {
  const auto node = NodeId::from_hex(container.node.view.id);
  if (node && !container.node.self) herd_.directory.remove(*node, container.id);
}

asio::awaitable<Result<engine_api::RepeatedCreate>> DockerHerd::begin_once(
    std::string key, std::string request, trust::Principal caller) {
  auto use = co_await keys_.begin(std::move(key), std::move(request), std::move(caller));
  if (!use) co_return use.error();
  engine_api::RepeatedCreate repeated;
  const auto made = (*use)->made.find(1);
  if (made != (*use)->made.end()) {
    const json created{{"Id", made->second.id}, {"Warnings", json::array()}};
    repeated.answer = CreateAnswer(201, dump_json(created) + "\n");
    repeated.answer->id = made->second.id;
    repeated.answer->host = made->second.host;
  }
  repeated.given_before = (*use)->given.contains(1);
  repeated.use = std::move(*use);
  co_return repeated;
}

asio::awaitable<CreateAnswer> DockerHerd::create(engine_api::CreateOrder order) {
  BulkPlan plan;
  plan.use = std::static_pointer_cast<CreateKeys::Use>(order.use);
  plan.exact_body = std::move(order.body);
  plan.exact_name = std::move(order.name);
  plan.platform = std::move(order.platform);
  plan.api_version = std::move(order.api_version);
  plan.headers = std::move(order.headers);
  plan.caller = std::move(order.caller);
  json body = json::object();
  if (auto parsed = parse_json(*plan.exact_body)) body = std::move(*parsed);
  auto grant = co_await quotas_.claim(plan.caller, body, 1);
  if (!grant) {
    co_return CreateAnswer(http_api::http_status(grant.error()),
                           engine_api::docker_message(grant.error().message));
  }
  plan.pull = false;  // The client does that when it is told that no host has the image.
  plan.eligible.emplace();
  for (const std::string& id : order.eligible) {
    if (const auto node = NodeId::from_hex(id)) plan.eligible->insert(*node);
  }
  const auto run = std::make_shared<BulkCreate>(herd_, claims_, std::move(plan), std::move(*grant));
  co_await run->run();
  const BulkItem& item = run->items().front();
  if (item.state == BulkItem::State::created) co_return created_answer(item.envelope);
  co_return refused_create(item, order.reasons);
}

}  // namespace dockherd::agent
