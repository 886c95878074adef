#include "agent/cluster_service.hpp"

#include <algorithm>

#include "agent/user_rules.hpp"
#include "base/limits.hpp"
#include "base/parallel.hpp"
#include "base/text.hpp"
#include "http_api/responses.hpp"
#include "trust/create_policy.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t ids_at_once = 16;
constexpr std::size_t nodes_at_once = 256;

VerbReply to_reply(const Result<bus::Reply>& answer, const std::string& hostname) {
  if (!answer) {
    const Error error = answer.error().at_node(hostname);
    return {http_api::http_status(error), error_envelope(error)};
  }
  VerbReply reply(answer->status, answer->body);
  // What the bus itself answers there knows neither.
  if (reply.status != 200) reply.body = with_envelope(reply, hostname);
  return reply;
}

/// Of an answer to HasImageVerb.
bool says_it_has(const std::string& body) {
  const auto document = parse_json(body);
  if (!document) return false;
  const auto answer = JsonReader::of(*document);
  if (!answer) return false;
  const auto has = answer->boolean("has_image");
  return has && has->value_or(false);
}

}  // namespace

asio::awaitable<VerbReply> ClusterService::execute(std::string request, trust::Principal caller,
                                                   std::string key) {
  auto verb = decode_verb(request, VerbOrigin::client);
  if (!verb) co_return http_api::error_reply(verb.error());
  if (auto may = may_ask(caller, *verb); !may) co_return http_api::error_reply(may.error());
  if (auto* act = std::get_if<ContainerVerb>(&*verb)) {
    if (!caller.name.empty()) act->user = caller;
    if (act->several) co_return co_await act_on_several(std::move(*act));
    co_return co_await act_on_one(std::move(*act));
  }
  if (auto* bulk = std::get_if<CreateVerb>(&*verb)) {
    if (bulk->key.empty() && !key.empty()) {
      if (auto checked = check_key(key, "Idempotency-Key"); !checked) {
        co_return http_api::error_reply(checked.error());
      }
      bulk->key = std::move(key);
    }
    co_return co_await create(std::move(*bulk), std::move(caller), std::move(request));
  }
  if (auto* lists = std::get_if<ListVerb>(&*verb)) {
    if (!caller.name.empty()) lists->user = caller;
    co_return co_await list(std::move(*lists));
  }
  if (auto* pool = std::get_if<PoolVerb>(&*verb)) co_return co_await set_pool(std::move(*pool));
  co_return co_await list_nodes(std::move(caller));
}

// --- one container, or several by name ---------------------------------------------------------

Result<NodeId> ClusterService::node_named(const std::string& hostname) const {
  const std::vector<NodeId> found = herd_.nodes.named(hostname);
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    return Error(errc::ambiguous, "several agents have the hostname " + quote_json(hostname))
        .at_field("hostname");
  }
  for (const LostNode& lost : herd_.nodes.lost(herd_.clock.now())) {
    if (lost.hostname != hostname) continue;
    return Error(errc::not_sent, hostname + " is lost: " + lost.reason).at_node(hostname);
  }
  std::vector<std::string> known;
  for (const auto& [node, status] : herd_.nodes.nodes()) known.push_back(status.hostname);
  std::sort(known.begin(), known.end());
  return Error(errc::not_found, "no host " + quote_json(hostname) + " in the herd, expected " +
                                    suggest(hostname, {known.begin(), known.end()}))
      .at_field("hostname");
}

Result<ContainerLocation> ClusterService::locate(const std::string& reference) const {
  std::optional<NodeId> on;
  std::string name = reference;
  if (const auto slash = reference.find('/', 1); slash != std::string::npos) {
    const auto node = node_named(reference.substr(0, slash));
    if (!node) return node.error().at_field("id");
    on = *node;
    name = reference.substr(slash + 1);
  }
  Resolution resolution = herd_.directory.resolve(name, on);
  if (resolution.found()) return std::move(resolution.candidates.front());
  if (resolution.candidates.empty()) {
    const auto owner = herd_.nodes.lost_with(reference, herd_.clock.now());
    if (owner && !on) {
      return Error(errc::not_sent, quote_json(reference) + " is on " + owner->hostname +
                                       ", which is lost: " + owner->reason)
          .at_node(owner->hostname)
          .at_field("id");
    }
    std::string text = "no container " + quote_json(reference) + " in the herd";
    const std::vector<std::string> lost = on ? std::vector<std::string>() : lost_hosts();
    if (!lost.empty()) text += "; it may be on a host that is lost: " + join(lost);
    return Error(errc::not_found, std::move(text)).at_field("id");
  }
  std::vector<std::string> candidates;
  for (const ContainerLocation& candidate : resolution.candidates) {
    const std::string placed = candidate.names.empty() ? "" : "/" + candidate.names.front();
    candidates.push_back(candidate.id.substr(0, 12) + " (" + herd_.hostname_of(candidate.node) +
                         placed + ")");
  }
  return Error(errc::ambiguous, quote_json(reference) + " fits " + join(candidates) +
                                    (resolution.more ? " and more" : ""))
      .at_field("id");
}

std::vector<std::string> ClusterService::lost_hosts() const {
  std::vector<std::string> hostnames;
  for (const LostNode& lost : herd_.nodes.lost(herd_.clock.now())) {
    hostnames.push_back(lost.hostname);
  }
  std::sort(hostnames.begin(), hostnames.end());
  return hostnames;
}

/// That nobody knows a container does not mean that it is gone: its host may be.
VerbReply ClusterService::not_located(const Error& error) const {
  VerbReply reply = http_api::error_reply(error);
  const std::vector<std::string> lost = lost_hosts();
  if (error.code == errc::not_found && !lost.empty()) {
    reply.body = with_members(reply.body, "\"lost\":" + dump_json(json(lost)));
  }
  return reply;
}

/// The same for one who may not know whether it is somebody else's.
VerbReply ClusterService::hidden(const std::string& reference) const {
  const Error error(errc::not_found, "no container " + quote_json(reference) + " in the herd");
  return http_api::error_reply(Error(error).at_field("id"));
}

asio::awaitable<Result<bus::Reply>> ClusterService::ask(NodeId node, std::string verb,
                                                        TimePoint deadline, bus::Lane lane) {
  co_return co_await herd_.bus.request(node, std::move(verb), deadline, true, lane);
}

asio::awaitable<VerbReply> ClusterService::act_on_one(ContainerVerb verb) {
  auto located = locate(verb.ids.front());
  if (!located && !herd_.daemon_asked()) {
    co_await executor_.wait_until_asked(task_deadline());
    located = locate(verb.ids.front());
  }
  const bool sees_all = !verb.user || verb.user->role != trust::Role::operator_;
  const std::string reference = verb.ids.front();
  if (!located) co_return sees_all ? not_located(located.error()) : hidden(reference);
  verb.ids.front() = located->id;
  verb.several = false;
  VerbReply reply = co_await act_at(located->node, std::move(verb));
  if (!sees_all && reply.status == 404) co_return hidden(reference);
  co_return reply;
}

asio::awaitable<VerbReply> ClusterService::act_at(NodeId node, ContainerVerb verb) {
  const TimePoint deadline = task_deadline();
  const std::string hostname = herd_.hostname_of(node);  // A node lost meanwhile has none any more.
  std::chrono::seconds grace = extra_time(verb);
  if (has_grace(verb.action) && !verb.timeout) {
    // Docker waits as long as the container was made to be waited for; so must we.
    ContainerVerb inspect;
    inspect.ids = verb.ids;
    inspect.user = verb.user;
    const VerbReply found = co_await hand_over(node, hostname, std::move(inspect), deadline);
    if (found.status != 200) co_return found;
    grace = extra_time(verb, stop_timeout_of(found.body));
  }
  co_return co_await hand_over(node, hostname, std::move(verb), deadline + grace);
}

asio::awaitable<VerbReply> ClusterService::hand_over(NodeId node, std::string hostname,
                                                     ContainerVerb verb, TimePoint deadline) {
  if (node == herd_.self()) co_return co_await executor_.act(std::move(verb), deadline);
  const auto answer = co_await ask(node, encode_verb(verb), deadline);
  co_return to_reply(answer, hostname);
}

asio::awaitable<VerbReply> ClusterService::act_on_several(ContainerVerb verb) {
  struct Run {
    explicit Run(ContainerVerb asked)
        : verb(std::move(asked)), envelopes(verb.ids.size()), statuses(verb.ids.size()) {}
    ContainerVerb verb;
    std::vector<std::string> envelopes;
    std::vector<int> statuses;
    Summary summary;
  };
  const auto run = std::make_shared<Run>(std::move(verb));
  run->summary.asked = static_cast<std::uint32_t>(run->verb.ids.size());
  IndexedTask each = [this, run](std::size_t index) -> asio::awaitable<void> {
    ContainerVerb one = run->verb;
    one.ids = {run->verb.ids[index]};
    const VerbReply reply = co_await act_on_one(std::move(one));
    count(reply, run->summary);
    run->statuses[index] = reply.status;
    const std::string envelope = reply.status == 200 ? reply.body : with_envelope(reply, "");
    run->envelopes[index] = with_members(envelope, "\"id\":" + quote_json(run->verb.ids[index]));
  };
  co_await for_each_index(herd_.tasks, "verb on several", run->verb.ids.size(), ids_at_once,
                          std::move(each));
  const auto first_failure = std::find_if(run->statuses.begin(), run->statuses.end(),
                                          [](int status_of_one) { return status_of_one != 200; });
  const int status =
      first_failure == run->statuses.end() ? 200 : summary_status(run->summary, *first_failure);
  co_return VerbReply(status, "{\"containers\":" + json_array(run->envelopes) + ",\"summary\":" +
                                  encode_summary(run->summary, "succeeded") + "}");
}

// --- creating ----------------------------------------------------------------------------------

/// What is wrong for an operator, said before anything is made.
Result<void> ClusterService::judge_plan(const BulkPlan& plan, const json& body) const {
  if (plan.caller.is_admin()) return {};
  if (auto headers = only_registry_headers(plan.headers); !headers) return headers.error();
  const trust::User* user = users_of(herd_).find(plan.caller.name);
  const auto judged = trust::judge_create(body, user == nullptr ? trust::Allowance() : user->allow);
  if (!judged) return judged.error();
  return {};
}

Result<BulkPlan> ClusterService::plan(CreateVerb verb, trust::Principal caller) {
  BulkPlan plan;
  plan.caller = std::move(caller);
  if (!verb.template_name.empty()) {
    auto body = templates_.load(verb.template_name);
    if (!body) return body.error();
    plan.body = std::move(*body);
    plan.expand_body = true;
  } else if (verb.body) {
    plan.body = std::move(*verb.body);
  } else {
    plan.body = json::object();  // The image comes with the overrides; all else is Docker's.
  }
  plan.instances = verb.instances.value_or(1);
  if (plan.instances > 1 && !verb.overrides.name.empty() && !uses_number(verb.overrides.name)) {
    return Error(errc::bad_request,
                 "name must contain {n} when there are several instances, as in \"web-{n}\"; got " +
                     quote_json(verb.overrides.name))
        .at_field("name");
  }
  plan.overrides = std::move(verb.overrides);
  plan.variables.template_name = verb.template_name;
  plan.variables.bulk = random_token(herd_.random);
  plan.start = verb.start;
  plan.headers = std::move(verb.headers);
  // What is wrong for the first is wrong for all: say so once, before anything is made.
  TemplateVariables first = plan.variables;
  first.n = 1;
  first.hostname = herd_.settings.hostname;
  auto body = plan.render(first);
  if (body) {
    if (auto judged = judge_plan(plan, *body); !judged) return judged.error();
  } else {
    if (verb.template_name.empty()) return body.error();
    Error error = body.error();
    error.message =
        "template " + templates_.file_of(verb.template_name).string() + ": " + error.message;
    return error;
  }
  if (auto name = render_name(plan.overrides, first); !name) return name.error();
  return plan;
}

asio::awaitable<VerbReply> ClusterService::create(CreateVerb verb, trust::Principal caller,
                                                  std::string request) {
  const bool single = !verb.instances.has_value();
  std::string key = std::move(verb.key);
  co_await executor_.wait_until_asked(task_deadline());
  auto planned = plan(std::move(verb), std::move(caller));
  if (!planned) co_return http_api::error_reply(planned.error());
  const std::string bulk = planned->variables.bulk;
  TemplateVariables first = planned->variables;
  first.n = 1;
  first.hostname = herd_.settings.hostname;
  // What each asks for does not depend on its number: placeholders are in texts.
  const json body = planned->render(first).value();
  std::uint32_t made = 0;
  if (!key.empty()) {
    auto use = co_await keys_.begin(std::move(key), std::move(request), planned->caller);
    if (!use) co_return http_api::error_reply(use.error());
    made = static_cast<std::uint32_t>((*use)->made.size());
    planned->use = std::move(*use);
  }
  const std::uint32_t more = planned->instances - std::min(made, planned->instances);
  auto grant = co_await quotas_.claim(planned->caller, body, more);
  if (!grant) co_return http_api::error_reply(grant.error());
  const auto run =
      std::make_shared<BulkCreate>(herd_, claims_, std::move(*planned), std::move(*grant));
  co_await run->run();
  std::vector<std::string> envelopes;
  for (const BulkItem& item : run->items()) envelopes.push_back(item.envelope);
  const Summary summary = run->summary();
  if (summary.failed > 0) co_await name_hosts_with_image(envelopes);
  if (single) co_return VerbReply(run->items().front().status, std::move(envelopes.front()));
  co_return VerbReply(summary_status(summary, run->first_failure()),
                      "{\"bulk\":" + quote_json(bulk) + ",\"containers\":" + json_array(envelopes) +
                          ",\"summary\":" + encode_summary(summary, "created") + "}");
}

/// Where an image was missing, says which hosts do have it: the error alone would leave the user to
/// look for it.
asio::awaitable<void> ClusterService::name_hosts_with_image(std::vector<std::string>& envelopes) {
  std::map<std::string, std::string> sentences;  // Image -> what to add.
  for (std::string& envelope : envelopes) {
    if (envelope.find("\"image_missing\"") == std::string::npos) continue;
    const auto document = parse_json(envelope);
    if (!document || !document->is_object() || !document->contains("image_missing")) continue;
    HasImageVerb question;
    question.image = (*document)["image_missing"].get<std::string>();
    if (!sentences.contains(question.image)) {
      std::vector<std::string> hosts;
      const auto answers = co_await ask_all(encode_verb(question), task_deadline());
      for (const NodeAnswer& answer : answers) {
        if (answer.reply && says_it_has(answer.reply->body)) hosts.push_back(answer.hostname);
      }
      sentences[question.image] =
          hosts.empty() ? "; no host has it" : "; hosts that have it: " + join(hosts);
    }
    const auto error = document->find("error");
    if (error == document->end() || !error->is_string()) continue;
    envelope = with_error(envelope, error->get<std::string>() + sentences[question.image]);
  }
}

// --- lists and the pool ------------------------------------------------------------------------

asio::awaitable<std::vector<NodeAnswer>> ClusterService::ask_all(std::string verb,
                                                                 TimePoint deadline,
                                                                 bus::Lane lane) {
  std::vector<NodeId> nodes;
  std::vector<std::string> hostnames;
  for (const auto& [node, status] : herd_.nodes.nodes()) {
    nodes.push_back(node);
    hostnames.push_back(status.hostname);
  }
  auto gathered =
      co_await herd_.bus.gather(std::move(nodes), std::move(verb), deadline, true, lane);
  std::vector<NodeAnswer> answers;
  answers.reserve(gathered.size());
  for (std::size_t i = 0; i < gathered.size(); ++i) {
    answers.emplace_back(gathered[i].node, std::move(hostnames[i]), std::move(gathered[i].reply));
  }
  std::stable_sort(answers.begin(), answers.end(),
                   [](const auto& a, const auto& b) { return a.hostname < b.hostname; });
  co_return answers;
}

asio::awaitable<VerbReply> ClusterService::list(ListVerb verb) {
  const TimePoint deadline = task_deadline();
  if (!verb.all && !verb.hostname) co_return co_await executor_.list(std::move(verb), deadline);
  if (verb.hostname) {
    const auto node = node_named(*verb.hostname);
    if (!node) co_return http_api::error_reply(node.error());
    const auto answer = co_await ask(*node, encode_verb(verb), deadline);
    co_return to_reply(answer, *verb.hostname);
  }
  const auto answers = co_await ask_all(encode_verb(verb), deadline);
  const TimePoint now = herd_.clock.now();
  co_return merge_lists(answers, herd_.nodes.lost(now), verb, herd_.settings.hostname, now);
}

/// Names tell of others' containers, which operators do not see.
SharedNames ClusterService::shared_names(const trust::Principal& caller) const {
  const auto& standing = herd_.name_collisions.standing();
  const bool sees_all = caller.role != trust::Role::operator_;
  SharedNames names;
  for (const auto& [name, containers] : standing) {
    if (!sees_all || names.shown.size() == limits::name_collisions_shown) break;
    SharedName& shared = names.shown.emplace_back();
    shared.name = name;
    shared.more = containers.more;
    for (const ContainerLocation& each : containers.candidates) {
      shared.containers.emplace_back(herd_.hostname_of(each.node), each.id);
    }
  }
  names.not_shown = standing.size() - names.shown.size();
  return names;
}

asio::awaitable<VerbReply> ClusterService::list_nodes(trust::Principal caller) {
  struct Run {
    std::vector<NodeId> nodes;
    std::vector<NodeAnswer> answers;
  };
  const auto run = std::make_shared<Run>();
  for (const auto& [node, status] : herd_.nodes.nodes()) run->nodes.push_back(node);
  const TimePoint deadline = task_deadline();
  IndexedTask each = [this, run, deadline](std::size_t index) -> asio::awaitable<void> {
    const NodeId node = run->nodes[index];
    const std::string hostname = herd_.hostname_of(node);
    const TimePoint asked = herd_.clock.now();
    auto reply = co_await ask(node, encode_verb(NodeInfoVerb()), deadline, bus::Lane::control);
    if (reply) {
      const std::chrono::duration<double, std::milli> took = herd_.clock.now() - asked;
      reply->body = with_round_trip(reply->body, took.count());
    }
    run->answers.emplace_back(node, hostname, std::move(reply));
  };
  co_await for_each_index(herd_.tasks, "list nodes", run->nodes.size(), nodes_at_once,
                          std::move(each));
  const TimePoint now = herd_.clock.now();
  co_return merge_nodes(run->answers, herd_.nodes.lost(now), shared_names(caller),
                        herd_.settings.hostname, now);
}

asio::awaitable<VerbReply> ClusterService::set_pool(PoolVerb verb) {
  const TimePoint deadline = task_deadline();
  if (!verb.hostname) co_return co_await set_own_pool(verb.in_pool, deadline);
  const auto node = node_named(*verb.hostname);
  if (!node) co_return http_api::error_reply(node.error());
  const auto answer = co_await ask(*node, encode_verb(verb), deadline);
  co_return to_reply(answer, *verb.hostname);
}

asio::awaitable<VerbReply> ClusterService::set_own_pool(bool in_pool, TimePoint deadline) {
  herd_.own_status().in_pool = in_pool;
  herd_.log->info("this host {} the pool", in_pool ? "enters" : "leaves");
  StatusVerb notice;
  notice.status = encode_status(herd_.own_status());
  std::vector<std::string> missing;
  const auto answers = co_await ask_all(encode_verb(notice), deadline, bus::Lane::control);
  for (const NodeAnswer& answer : answers) {
    if (!answer.reply || answer.reply->status != 200) missing.push_back(answer.hostname);
  }
  const json body{{"hostname", herd_.settings.hostname},
                  {"in_pool", in_pool},
                  {"state", herd_.own_status().state()},
                  {"not_confirmed_by", missing}};
  co_return VerbReply(200, body_envelope(herd_.settings.hostname, dump_json(body)));
}

}  // namespace dockherd::agent
