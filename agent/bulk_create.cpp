#include "agent/bulk_create.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/key_labels.hpp"
#include "agent/reschedule_rules.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "http_api/responses.hpp"
#include "trust/ownership.hpp"

namespace dockherd::agent {

namespace {

/// With code "declined" for too many containers: how many the node has.
std::optional<std::size_t> load_of(const bus::Reply& reply) {
  const auto document = parse_json(reply.body);
  if (!document || !document->is_object()) return std::nullopt;
  const auto load = document->find("load");
  if (load == document->end() || !load->is_number_unsigned()) return std::nullopt;
  return load->get<std::size_t>();
}

/// The sentence of an answer that is not 200.
std::string message_of(const std::string& body) {
  const auto document = parse_json(body);
  if (!document || !document->is_object()) return body;
  const auto error = document->find("error");
  return error != document->end() && error->is_string() ? error->get<std::string>() : body;
}

/// Refusals by Docker that another host may not share: a missing image (404), a taken port or a
/// full disk (5xx). A taken name would be refused everywhere.
bool may_succeed_elsewhere(int docker_status) {
  return docker_status == 404 || docker_status >= 500;
}

/// Whether another host is to be asked after a 400. It is most often the body's fault, but daemons
/// say it of what their host lacks, too: a path to be mounted, a runtime, a CPU, a log driver.
bool another_may_understand(const BulkItem& item) {
  constexpr int most_asked = 3;
  return std::count_if(item.refusals.begin(), item.refusals.end(),
                       [](const auto& refusal) { return refusal.second == 400; }) < most_asked;
}

/// Whether a body may have labels that only this program writes.
bool mentions_marks(std::string_view body) {
  return body.find("dockherd.idempotency") != body.npos ||
         body.find(supersedes_label) != body.npos || body.find('\\') != body.npos;
}

}  // namespace

Result<json> BulkPlan::render(const TemplateVariables& of_item) const {
  const auto placeholders = expand_body ? BodyPlaceholders::expanded : BodyPlaceholders::kept;
  auto rendered = render_template(body, overrides, of_item, placeholders);
  if (!rendered || caller.name.empty()) return rendered;
  if (auto claimed = trust::claim_for(caller, *rendered); !claimed) return claimed.error();
  return rendered;
}

BulkCreate::BulkCreate(Herd& herd, NameClaims& claims, BulkPlan plan,
                       std::shared_ptr<QuotaJudge::Grant> grant)
    : herd_(herd),
      claims_(claims),
      plan_(std::move(plan)),
      grant_(std::move(grant)),
      done_(herd.tasks.executor(), 1) {
  items_.resize(plan_.instances);
  for (std::uint32_t i = 0; i < plan_.instances; ++i) items_[i].number = i + 1;
}

Loads BulkCreate::loads() const {
  Loads loads = herd_.loads_in_pool();
  for (const auto& [node, reported] : reported_loads_) {
    const auto it = loads.find(node);
    if (it != loads.end()) it->second = std::max(it->second, reported);
  }
  if (plan_.eligible) {
    for (auto it = loads.begin(); it != loads.end();) {
      it = plan_.eligible->contains(it->first) ? std::next(it) : loads.erase(it);
    }
  }
  return loads;
}

asio::awaitable<void> BulkCreate::run() {
  const Loads before = loads();
  const auto nodes = std::max<std::size_t>(before.size(), 1);
  const auto rounds = 1 + plan_.instances / (nodes * limits::creates_per_node);
  allowed_ = herd_.settings.new_container_timeout * rounds;
  deadline_ = herd_.clock.now() + allowed_;
  take_made();
  assign_shares(give_again(), before);
  if (ended_ == items_.size()) co_return;
  co_await done_.async_receive(asio::use_awaitable);
}

/// Of an earlier try of this request.
void BulkCreate::take_made() {
  if (!plan_.use) return;
  for (auto& [number, container] : plan_.use->made) {
    if (number > items_.size()) continue;
    BulkItem& item = items_[number - 1];
    item.begun = true;
    if (plan_.start && !container.begun) {
      herd_.tasks.spawn("start", start_made(shared_from_this(), item, container));
    } else {
      end(item, BulkItem::State::created, 200, made_envelope(container));
    }
  }
}

std::string BulkCreate::made_envelope(const KeyedContainer& container) const {
  const docker_client::DockerResponse response = created_response(container.id);
  return with_members(docker_envelope(container.host, response), "\"repeated\":true");
}

asio::awaitable<void> BulkCreate::start_made(std::shared_ptr<BulkCreate> /*keep_alive*/,
                                             BulkItem& item, KeyedContainer container) {
  ContainerVerb start;
  start.action = ContainerAction::start;
  start.ids = {container.id};
  if (!plan_.caller.name.empty()) start.user = plan_.caller;
  const std::string hostname = container.host;
  const auto answer = co_await herd_.bus.request(container.node, encode_verb(start), deadline_);
  if (answer && answer->status == 200) {
    end(item, BulkItem::State::created, 200, made_envelope(container));
  } else if (answer) {
    end(item, BulkItem::State::failed, answer->status,
        with_envelope(VerbReply(answer->status, answer->body), hostname));
  } else {
    const Error error = answer.error().at_node(hostname);
    end(item, BulkItem::State::unknown, http_api::http_status(error), error_envelope(error));
  }
}

/// What an earlier try has given to a host with an unknown end goes there again, where it cannot be
/// made twice. The others are returned.
std::vector<BulkItem*> BulkCreate::give_again() {
  std::vector<BulkItem*> others;
  for (BulkItem& item : items_) {
    if (item.begun) continue;
    if (!plan_.use || !plan_.use->given.contains(item.number)) {
      others.push_back(&item);
      continue;
    }
    item.given_before = true;
    const std::string& host = plan_.use->given.at(item.number);
    const std::vector<NodeId> nodes = herd_.nodes.named(host);
    if (nodes.empty()) {  // Lost since it was asked what it has.
      const Error error =
          Error(errc::peer_lost, "it was given this one before, and is lost").at_node(host);
      end(item, BulkItem::State::unknown, http_api::http_status(error), error_envelope(error));
      continue;
    }
    assign(item, nodes.front());
  }
  return others;
}

void BulkCreate::assign_shares(const std::vector<BulkItem*>& waiting, const Loads& before) {
  if (waiting.empty()) return;
  const auto asked = static_cast<std::uint32_t>(waiting.size());
  const auto shares = spread(asked, before, herd_.random);
  if (shares.empty()) {
    for (BulkItem* item : waiting) end_with(*item, nowhere_to_go());
    return;
  }
  // Numbers go round-robin, so that web-1, web-2, web-3 land on different hosts. The remainder
  // comes last: a node judges it by what it has once its whole share is under way.
  auto item = waiting.begin();
  for (std::uint32_t round = 0; round < asked / shares.size(); ++round) {
    for (const auto& [node, share] : shares) assign(**item++, node);
  }
  for (const auto& [node, share] : shares) {
    if (share.extra == 0) continue;
    assign_extra(**item++, node, before.at(node) + share.base);
  }
}

void BulkCreate::assign(BulkItem& item, const NodeId& node) {
  herd_.assign(node);
  queues_[node].push_back(&item);
  if (workers_[node] >= limits::creates_per_node) return;
  ++workers_[node];
  herd_.tasks.spawn("create", work(shared_from_this(), node));
}

void BulkCreate::assign_extra(BulkItem& item, const NodeId& node,
                              std::optional<std::size_t> max_load) {
  item.max_load = max_load;
  item.extra = true;
  ++extras_[node];
  assign(item, node);
}

void BulkCreate::reassign(BulkItem& item, const NodeId& not_taken_by) {
  if (plan_.use) plan_.use->give(item.number, "");  // It has not got it.
  if (item.extra) --extras_[not_taken_by];
  item.extra = false;
  const Loads now = loads();
  const auto node = next_of_remainder(now, extras_, item.refused_by, herd_.random);
  if (!node) {
    end(item, BulkItem::State::failed, item.status, std::move(item.envelope));
    return;
  }
  // A herd that changes faster than we look must not keep an item going round for ever.
  item.given_before = false;
  const bool insist = item.declines > 2 * now.size() + 8;
  assign_extra(item, *node, insist ? std::nullopt : std::optional(now.at(*node)));
}

asio::awaitable<void> BulkCreate::work(std::shared_ptr<BulkCreate> /*keep_alive*/, NodeId node) {
  auto& queue = queues_[node];  // A map's element stays where it is.
  while (!queue.empty()) {
    BulkItem& item = *queue.front();
    queue.pop_front();
    co_await attempt(item, node);
  }
  --workers_[node];
}

asio::awaitable<void> BulkCreate::attempt(BulkItem& item, NodeId node) {
  TemplateVariables variables = plan_.variables;
  variables.n = item.number;
  variables.hostname = herd_.hostname_of(node);
  auto verb = verb_for(item, variables);
  Result<void> ready;
  if (!verb) {
    ready = verb.error();
  } else if (herd_.clock.now() < deadline_) {
    ready = co_await claim_name(item, verb->name);
  }
  if (ready && herd_.clock.now() >= deadline_) {
    ready = Error(errc::not_begun, "the deadline passed before this one was begun")
                .at_node(variables.hostname);
  }
  if (!ready) {
    herd_.release(node);
    end_with(item, shown_to_caller(ready.error()));
    co_return;
  }
  if (plan_.use) plan_.use->give(item.number, variables.hostname);
  const auto answer = co_await ask(node, encode_verb(*verb));
  herd_.release(node);
  judge(item, node, variables.hostname, answer);
}

Result<CreateOneVerb> BulkCreate::verb_for(const BulkItem& item,
                                           const TemplateVariables& variables) const {
  CreateOneVerb verb;
  auto name = plan_.exact_body ? Result<std::string>(plan_.exact_name)
                               : render_name(plan_.overrides, variables);
  if (!name) return name.error();
  verb.name = std::move(*name);
  // An exact body goes as it is, unless something is to be marked in it.
  const bool as_it_is =
      plan_.exact_body && !plan_.use && (plan_.keep_marks || !mentions_marks(*plan_.exact_body));
  if (as_it_is) {
    verb.body = *plan_.exact_body;
  } else {
    auto body = plan_.exact_body ? parse_json(*plan_.exact_body) : plan_.render(variables);
    if (!body) return body.error();
    drop_mark(*body);
    if (!plan_.keep_marks) drop_supersedes(*body);
    if (plan_.use) put_mark(*body, plan_.use->mark_of(item.number));
    verb.body = dump_json(*body);
  }
  if (plan_.use && verb.name.empty()) verb.name = name_for(plan_.use->mark_of(item.number));
  verb.once = plan_.use != nullptr;
  verb.again = item.given_before;
  verb.platform = plan_.platform;
  verb.api_version = plan_.api_version;
  verb.pull = plan_.pull;
  verb.start = plan_.start;
  if (!plan_.caller.name.empty()) verb.user = plan_.caller;
  verb.headers = plan_.headers;
  if (item.max_load) verb.max_load = *item.max_load;
  return verb;
}

/// What another host refused is tried again under the claim that it has.
asio::awaitable<Result<void>> BulkCreate::claim_name(BulkItem& item, std::string name) {
  // The host itself sees to it that there is one only, and may be making it.
  if (item.given_before) co_return Result<void>();
  if (const auto taken = name_conflict(name)) co_return *taken;
  // One that is made of the key is this request's alone, and one with that key goes on at a time. A
  // claim on it would outlive an agent that is killed.
  const bool of_key = plan_.use && name == name_for(plan_.use->mark_of(item.number));
  if (of_key || plan_.exact_body || item.claimed == name) co_return Result<void>();
  auto ticket = co_await claims_.claim(name);
  if (!ticket) co_return ticket.error().at_field("name");
  item.claimed = std::move(name);
  item.ticket = std::move(*ticket);
  co_return Result<void>();
}

asio::awaitable<Result<bus::Reply>> BulkCreate::ask(NodeId node, std::string verb) {
  for (;;) {
    const TimePoint now = herd_.clock.now();
    const TimePoint deadline = std::min(deadline_, now + herd_.settings.new_container_timeout);
    auto answer = co_await herd_.bus.request(node, verb, deadline);
    const bool pulling =
        answer && answer->status != 200 && code_of(answer->body) == errc::image_pulling;
    if (!pulling) co_return answer;
    // A pull may take longer than any create. Nothing was made, and nobody else would be quicker:
    // wait for it as `docker run` does. The node answers when it knows, or half its time is over.
    if (!pulls_end_) pulls_end_ = now + herd_.settings.pull_timeout;
    if (herd_.clock.now() >= *pulls_end_) co_return answer;
    deadline_ = herd_.clock.now() + allowed_;
  }
}

void BulkCreate::judge(BulkItem& item, const NodeId& node, const std::string& hostname,
                       const Result<bus::Reply>& answer) {
  if (answer) {
    if (answer->status == 200) {
      end(item, BulkItem::State::created, 200, answer->body);
    } else {
      judge_refusal(item, node, hostname, *answer);
    }
    return;
  }
  const Error error = answer.error().at_node(hostname);
  item.status = http_api::http_status(error);
  item.envelope = error_envelope(error);
  item.refusals.emplace_back(hostname + ": " + error.message, item.status);
  if (nothing_was_changed(error.code) && !item.given_before) {
    item.refused_by.insert(node);
    reassign(item, node);
  } else {
    end(item, BulkItem::State::unknown, item.status, std::move(item.envelope));
  }
}

void BulkCreate::judge_refusal(BulkItem& item, const NodeId& node, const std::string& hostname,
                               const bus::Reply& reply) {
  item.status = reply.status;
  item.envelope = with_envelope(VerbReply(reply.status, reply.body), hostname);
  const auto code = code_of(reply.body);
  if (code == errc::declined) {
    if (const auto load = load_of(reply)) {
      reported_loads_[node] = *load;
      ++item.declines;
      reassign(item, node);
      return;
    }
  }
  item.refusals.emplace_back(hostname + ": " + message_of(reply.body), reply.status);
  // Of an earlier try only the daemon itself can say that it made nothing.
  const bool only_of_this_try = item.given_before && code != errc::docker_refused;
  if (!code || !nothing_was_changed(*code) || only_of_this_try) {
    end(item, BulkItem::State::unknown, item.status, std::move(item.envelope));
    return;
  }
  const bool ask_others = may_succeed_elsewhere(reply.status) ||
                          (plan_.exact_body && reply.status == 400 && another_may_understand(item));
  if (*code == errc::bad_request || (*code == errc::docker_refused && !ask_others)) {
    if (plan_.use) plan_.use->give(item.number, "");  // No repeat has to wait for that host.
    end(item, BulkItem::State::failed, item.status, std::move(item.envelope));
  } else {
    item.refused_by.insert(node);
    reassign(item, node);
  }
}

/// Whose a name is only those are told who see all.
Error BulkCreate::shown_to_caller(Error error) const {
  if (plan_.caller.is_admin() || error.docker_status != 409) return error;
  error.message = "Conflict. The container name is already in use. You have to use another name.";
  error.node.clear();
  return error;
}

void BulkCreate::end_with(BulkItem& item, const Error& error) {
  end(item, BulkItem::State::failed, http_api::http_status(error), error_envelope(error));
}

void BulkCreate::end(BulkItem& item, BulkItem::State state, int status, std::string envelope) {
  item.state = state;
  item.status = status;
  item.envelope = std::move(envelope);
  if (item.ticket && state != BulkItem::State::failed) item.ticket->used();
  item.ticket.reset();
  if (grant_ && state == BulkItem::State::unknown) grant_->in_doubt();
  if (++ended_ < items_.size()) return;
  grant_.reset();
  done_.try_send(boost::system::error_code());
}

/// A name is unique on each host by Docker's rule; over the herd it is by ours, as far as this node
/// knows, because a name that fits two containers is of no use to anybody.
std::optional<Error> BulkCreate::name_conflict(const std::string& name) const {
  if (name.empty()) return std::nullopt;
  const Resolution holders = herd_.directory.named(name);
  if (holders.candidates.empty()) return std::nullopt;
  const ContainerLocation& holder = holders.candidates.front();
  const std::string hostname = herd_.hostname_of(holder.node);
  Error error(errc::docker_refused, "Conflict. The container name \"/" + name +
                                        "\" is already in use by container \"" + holder.id +
                                        "\" on " + hostname +
                                        ". You have to remove (or rename) that container to be "
                                        "able to reuse that name.");
  error.docker_status = 409;
  error.field = "name";
  error.node = hostname;
  return error;
}

Error BulkCreate::nowhere_to_go() const {
  std::vector<std::string> why;
  for (const auto& [node, status] : herd_.nodes.nodes()) {
    why.push_back(status.hostname + " (" + status.state() + ")");
  }
  return {errc::declined, "no host takes new containers: " + join(why)};
}

Summary BulkCreate::summary() const {
  Summary summary;
  summary.asked = plan_.instances;
  for (const BulkItem& item : items_) {
    if (item.state == BulkItem::State::created) ++summary.created;
    if (item.state == BulkItem::State::failed) ++summary.failed;
    if (item.state == BulkItem::State::unknown) ++summary.unknown;
  }
  return summary;
}

int BulkCreate::first_failure() const {
  const auto failed = std::find_if(items_.begin(), items_.end(), [](const BulkItem& item) {
    return item.state != BulkItem::State::created;
  });
  return failed == items_.end() ? 200 : failed->status;
}

}  // namespace dockherd::agent
