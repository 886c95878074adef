#include "agent/bus_handlers.hpp"

#include "base/json_reader.hpp"
#include "http_api/responses.hpp"

namespace dockherd::agent {

namespace {

/// The owner answers a little before its asker gives up: its answer says more than a time-out does.
constexpr std::chrono::milliseconds answer_ahead{20};

/// A verb about containers that was sent to a container's endpoint is about that one.
std::string with_id_of_endpoint(std::string body, const std::string& address) {
  if (address.size() != 64 || !looks_like_container_id(address)) return body;
  auto verb = parse_json_strictly(body, "body");  // What is wrong with it is said further on.
  if (!verb || !verb->is_object() || verb->contains("id") || verb->contains("ids")) return body;
  const auto action = verb->find("action");
  if (action == verb->end() || !action->is_string()) return body;
  if (!is_container_action(action->get_ref<const std::string&>())) return body;
  (*verb)["id"] = address;
  return dump_json(*verb);
}

Error elsewhere(std::string_view field, const std::string& expected) {
  return Error(errc::bad_request, std::string(field) + " must be " + expected +
                                      " with scope \"local\", where the receiver acts itself")
      .at_field(std::string(field));
}

/// What would lead to another node.
std::optional<Error> leads_elsewhere(const Verb& verb, const std::string& own_hostname) {
  const std::optional<std::string>* hostname = nullptr;
  if (const auto* list = std::get_if<ListVerb>(&verb)) {
    if (list->all) return elsewhere("all", "false or left out");
    hostname = &list->hostname;
  }
  if (const auto* pool = std::get_if<PoolVerb>(&verb)) hostname = &pool->hostname;
  if (hostname == nullptr || !*hostname || **hostname == own_hostname) return std::nullopt;
  return elsewhere("hostname", quote_json(own_hostname) + " or left out");
}

}  // namespace

VerbReply BusHandlers::declined() const {
  const std::string& hostname = herd_.settings.hostname;
  const Error error = Error(errc::declined, hostname + " is stopping").at_node(hostname);
  return {http_api::http_status(error), error_envelope(error)};
}

TimePoint BusHandlers::deadline_of(const bus::IncomingRequest& request, const Verb& verb) const {
  if (request.deadline_given) return request.deadline - answer_ahead;
  const bool creates = std::holds_alternative<CreateOneVerb>(verb);
  const NodeSettings& settings = herd_.settings;
  return herd_.clock.now() + (creates ? settings.new_container_timeout : settings.task_timeout);
}

asio::awaitable<bus::Reply> BusHandlers::handle(bus::IncomingRequest request) {
  // Not "local ? co_await … : co_await …": g++ 12 destroys the chosen reply twice.
  request.body = with_id_of_endpoint(std::move(request.body), request.address);
  // What an agent asks of another was noted where it came in.
  const bool by_agent = request.local && herd_.nodes.find(request.from) != nullptr;
  const std::string body = by_agent ? std::string() : request.body;
  const NodeId from = request.from;
  VerbReply reply(500, "{}");
  if (herd_.stopping && request.from != herd_.self()) {
    reply = declined();
  } else if (request.local) {
    reply = co_await handle_local(std::move(request));
  } else {
    trust::Principal member;  // Who reaches the bus of the herd is an admin.
    reply = co_await cluster_.execute(std::move(request.body), std::move(member));
  }
  if (!by_agent) note(body, from, reply);
  co_return bus::Reply(reply.status, std::move(reply.body));
}

void BusHandlers::note(const std::string& body, const NodeId& from, const VerbReply& reply) {
  const http_api::VerbAudit audit = http_api::verb_audit(body, reply.status, reply.body);
  audit_.note({trust::Principal(), "bus:" + from.short_hex(), false}, audit.entry, audit.changes);
}

asio::awaitable<VerbReply> BusHandlers::handle_local(bus::IncomingRequest request) {
  // A foreign peer is a person's program, and is told of its mistakes.
  const bool of_agent = herd_.nodes.find(request.from) != nullptr;
  auto verb = decode_verb(request.body, VerbOrigin::agent,
                          of_agent ? UnknownKeys::ignored : UnknownKeys::refused);
  if (!verb) co_return http_api::error_reply(verb.error());
  if (const auto error = leads_elsewhere(*verb, herd_.settings.hostname)) {
    co_return http_api::error_reply(*error);
  }
  const TimePoint deadline = deadline_of(request, *verb);
  if (auto* act = std::get_if<ContainerVerb>(&*verb); act != nullptr && !act->several) {
    if (!request.deadline_given) co_return co_await cluster_.act_here(std::move(*act));
    co_return co_await executor_.act(std::move(*act), deadline);
  }
  if (auto* create = std::get_if<CreateOneVerb>(&*verb)) {
    if (herd_.stopping) co_return declined();
    co_return co_await executor_.create_one(std::move(*create), deadline);
  }
  if (auto* list = std::get_if<ListVerb>(&*verb)) {
    co_return co_await executor_.list(std::move(*list), deadline);
  }
  if (auto* image = std::get_if<HasImageVerb>(&*verb)) {
    co_return co_await executor_.has_image(std::move(*image), deadline);
  }
  if (auto* pool = std::get_if<PoolVerb>(&*verb)) {
    co_return co_await cluster_.set_own_pool(pool->in_pool, deadline);
  }
  if (const auto* claim = std::get_if<ClaimNameVerb>(&*verb)) co_return claims_.judge(*claim);
  if (auto* claim = std::get_if<ClaimQuotaVerb>(&*verb)) {
    co_return co_await quotas_.judge(std::move(*claim), deadline);
  }
  if (auto* usage = std::get_if<UsageVerb>(&*verb)) {
    co_return co_await quotas_.usage(std::move(*usage), deadline);
  }
  if (const auto* claim = std::get_if<ClaimKeyVerb>(&*verb)) {
    co_return keys_.judge(request.from, *claim);
  }
  if (auto* find = std::get_if<FindKeyVerb>(&*verb)) {
    co_return co_await keys_.find(std::move(*find), deadline);
  }
  if (std::holds_alternative<NodeInfoVerb>(*verb)) {
    co_return VerbReply(200, executor_.node_info());
  }
  if (auto* status = std::get_if<StatusVerb>(&*verb)) {
    if (request.from != herd_.self()) {
      const auto taken = peers_.take_status(request.from, status->status);
      if (!taken) co_return http_api::error_reply(taken.error());
    }
    co_return VerbReply(200, "{}");
  }
  co_return http_api::error_reply(
      Error(errc::bad_request, "this action concerns the herd, not one node").at_field("action"));
}

}  // namespace dockherd::agent
