#include "agent/rescheduler.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "agent/bulk_create.hpp"
#include "engine_api/create_rules.hpp"
#include "engine_api/host_facts.hpp"
#include "engine_api/placement_filter.hpp"
#include "trust/ownership.hpp"

namespace dockherd::agent {

namespace {

constexpr std::chrono::milliseconds look_period{200};
constexpr std::chrono::seconds try_again_after{5};
/// When it may have been made: until then its host is likely to have said so.
constexpr std::chrono::minutes look_again_after{2};
constexpr std::chrono::seconds keepers_turn{10};
/// NodeTable remembers no more lost hosts: which side is the greater cannot be known then.
constexpr std::size_t most_lost = 256;

/// Docker's answer, out of the envelope; null when there is none.
json body_in(const std::string& envelope) {
  const auto document = parse_json(envelope);
  if (!document || !document->is_object()) return {};
  const json* response = find_member(*document, "Response");
  const json* body = response == nullptr ? nullptr : find_member(*response, "Body");
  return body == nullptr ? json() : *body;
}

/// The new container's id, out of the envelope of a create.
std::string id_in(const std::string& envelope) {
  const json body = body_in(envelope);
  const json* id = find_member(body, "Id");
  return id != nullptr && id->is_string() ? id->get<std::string>() : std::string();
}

/// Of an inspection, whether it is of a container that was made in place of that one.
bool replaces(const json& inspection, const std::string& superseded) {
  const json* config = find_member(inspection, "Config");
  const json* labels = config == nullptr ? nullptr : find_member(*config, "Labels");
  const json* label = labels == nullptr ? nullptr : find_member(*labels, supersedes_label);
  if (label == nullptr || !label->is_string()) return false;
  const auto ids = superseded_ids(label->get_ref<const std::string&>());
  return !ids.empty() && ids.back() == superseded;
}

bool was_never_begun(const json& inspection) {
  const json* state = find_member(inspection, "State");
  const json* status = state == nullptr ? nullptr : find_member(*state, "Status");
  return status != nullptr && *status == "created";
}

std::string owner_in_body(const std::string& body) {
  const auto document = parse_json(body);
  if (!document || !document->is_object()) return {};
  const auto owner = trust::owner_in(*document);
  return owner ? owner->value_or("") : std::string();
}

}  // namespace

Rescheduler::Rescheduler(Herd& herd, NameClaims& claims, SpecificationKeeper& keeper,
                         engine_api::HerdPort& port)
    : herd_(herd), claims_(claims), keeper_(keeper), port_(port), wake_(herd.tasks.executor(), 1) {}

void Rescheduler::start() {
  herd_.tasks.spawn("rescheduling", watch());
}

void Rescheduler::on_lost(const NodeId& node, const std::string& hostname) {
  const TimePoint due = herd_.clock.now() + herd_.settings.reschedule_after;
  for (Specification& specification : keeper_.take_all_of(node)) {
    if (!specification.runs) continue;
    Orphan orphan;
    orphan.specification = std::move(specification);
    orphan.hostname = hostname;
    orphan.due = due;
    orphans_.push_back(std::move(orphan));
  }
  if (orphans_.empty()) return;
  look_at_sides();
  wake_.try_send(boost::system::error_code());
}

/// When a split heals the others come back one by one: as soon as half of them are there, those
/// that are still to come would be taken for lost.
void Rescheduler::look_at_sides() {
  if (!this_side_acts()) {
    acts_from_.reset();
  } else if (!acts_from_) {
    acts_from_ = herd_.clock.now() + herd_.settings.reschedule_after;
  }
}

asio::awaitable<void> Rescheduler::watch() {
  for (;;) {
    if (orphans_.empty()) {
      acts_from_.reset();
      co_await wake_.async_receive(asio::use_awaitable);
    }
    co_await herd_.clock.sleep_until(herd_.clock.now() + look_period);
    for (std::size_t i = 0; i < orphans_.size();) {
      look_at_sides();
      const Step step = step_for(orphans_[i], herd_.clock.now());
      if (step == Step::act) co_await act(i);
      if (step == Step::begin) co_await begin(i);
      // An orphan is taken out here and nowhere else, so that the index holds.
      const bool over = step == Step::forget || orphans_[i].specification.id.empty();
      if (over) {
        orphans_.erase(orphans_.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }
}

bool Rescheduler::is_there(const std::string& name) const {
  return !herd_.directory.named(name).candidates.empty();
}

bool Rescheduler::this_side_acts() const {
  std::vector<std::string> here;
  for (const auto& [node, status] : herd_.nodes.nodes()) here.push_back(status.hostname);
  std::vector<std::string> lost;
  for (const LostNode& node : herd_.nodes.lost(herd_.clock.now())) lost.push_back(node.hostname);
  return lost.size() < most_lost && may_reschedule(here, lost);
}

Rescheduler::Step Rescheduler::step_for(const Orphan& orphan, TimePoint now) const {
  const bool returned = !herd_.nodes.named(orphan.hostname).empty();
  const bool made_by_another = is_there(orphan.specification.name);
  // What is not remembered as lost any more would not count in the judgement of a split.
  const auto lost = herd_.nodes.lost(now);
  const bool remembered = std::any_of(lost.begin(), lost.end(), [&](const LostNode& node) {
    return node.hostname == orphan.hostname;
  });
  if (returned || !remembered) return Step::forget;
  if (made_by_another && orphan.in_doubt) return now < orphan.begin_due ? Step::wait : Step::begin;
  if (made_by_another) return Step::forget;
  if (!acts_from_ || now < *acts_from_) return Step::wait;
  // The first keeper may not have it, for want of room or of a message: then the next one acts.
  Duration turn{};
  for (const NodeId& keeper : orphan.specification.keepers) {
    if (keeper == herd_.self()) return now < orphan.due + turn ? Step::wait : Step::act;
    if (herd_.nodes.find(keeper) != nullptr) turn += keepers_turn;
  }
  return Step::forget;
}

asio::awaitable<void> Rescheduler::act(std::size_t index) {
  const Specification specification = orphans_[index].specification;
  orphans_[index].ticket.reset();
  std::shared_ptr<NameClaims::Ticket> in_doubt_ticket;
  const auto made = co_await make(specification, in_doubt_ticket);
  Orphan& orphan = orphans_[index];
  orphan.ticket = std::move(in_doubt_ticket);
  if (made) {
    herd_.log->info("rescheduled name={} from={} to={} id={}", loggable(specification.name),
                    loggable(orphan.hostname), loggable(*made), specification.id.substr(0, 12));
    orphan.specification.id.clear();
    co_return;
  }
  const bool in_doubt = !nothing_was_changed(made.error().code);
  orphan.due = herd_.clock.now() + try_again_after;
  if (in_doubt) orphan.due = herd_.clock.now() + look_again_after;
  orphan.in_doubt = orphan.in_doubt || in_doubt;
  if (std::exchange(orphan.told, true)) co_return;
  herd_.log->warn("cannot reschedule, trying again name={} from={} error={}",
                  loggable(specification.name), loggable(orphan.hostname),
                  loggable(made.error().message, 512));
}

/// It is there after all, by an order whose answer was lost: perhaps made only.
asio::awaitable<void> Rescheduler::begin(std::size_t index) {
  const Specification specification = orphans_[index].specification;
  const auto candidates = herd_.directory.named(specification.name).candidates;
  for (const ContainerLocation& found : candidates) {
    const auto begun = co_await begin_at(found.node, found.id, specification.id);
    Orphan& orphan = orphans_[index];
    if (!begun) {
      orphan.begin_due = herd_.clock.now() + try_again_after;
      co_return;
    }
    if (!*begun) continue;
    herd_.log->info("rescheduled name={} from={} to={} id={}", loggable(specification.name),
                    loggable(orphan.hostname), loggable(herd_.hostname_of(found.node)),
                    specification.id.substr(0, 12));
    break;
  }
  orphans_[index].specification.id.clear();
}

/// False when that one is not made of what is superseded: somebody else has the name.
asio::awaitable<Result<bool>> Rescheduler::begin_at(NodeId node, std::string id,
                                                    std::string superseded) {
  ContainerVerb verb;
  verb.action = ContainerAction::inspect;
  verb.ids = {std::move(id)};
  const TimePoint looked_by = herd_.clock.now() + herd_.settings.task_timeout;
  const auto looked = co_await herd_.bus.request(node, encode_verb(verb), looked_by);
  if (!looked) co_return looked.error();
  if (looked->status == 404) co_return false;
  if (looked->status != 200) co_return Error(errc::timeout, "it cannot be looked at");
  const json inspection = body_in(looked->body);
  if (!replaces(inspection, superseded)) co_return false;
  if (!was_never_begun(inspection)) co_return true;
  verb.action = ContainerAction::start;
  const TimePoint begun_by = herd_.clock.now() + herd_.settings.new_container_timeout;
  const auto begun = co_await herd_.bus.request(node, encode_verb(verb), begun_by);
  if (!begun) co_return begun.error();
  if (begun->status != 200) co_return Error(errc::timeout, "it does not start");
  co_return true;
}

std::vector<std::string> Rescheduler::hosts_that_fit(const std::string& body,
                                                     std::string& why_none) const {
  std::vector<std::string> fitting;
  auto document = parse_json(body);
  if (!document) return fitting;
  const auto rules = engine_api::read_create_rules(*document);
  if (!rules) {
    why_none = rules.error().message;
    return fitting;
  }
  std::vector<engine_api::HostFacts> facts;
  for (const engine_api::HerdNode& node : port_.nodes()) {
    facts.push_back(engine_api::facts_of(node));
    if (needs_containers(*rules)) add_containers(facts.back());
  }
  const engine_api::FilterOutcome outcome = filter_hosts(*rules, facts);
  for (const std::size_t index : outcome.fitting) fitting.push_back(facts[index].id);
  if (fitting.empty()) why_none = no_host_text(outcome);
  return fitting;
}

/// By id and name, as far as the directory goes: their labels are not known here.
void Rescheduler::add_containers(engine_api::HostFacts& facts) const {
  const auto host = NodeId::from_hex(facts.id);
  for (const auto& [id, owner] : herd_.directory.owners()) {
    if (owner != host) continue;
    const Resolution known = herd_.directory.resolve(id, owner);
    engine_api::ContainerFacts container;
    container.id = id;
    if (known.found()) container.names = known.candidates.front().names;
    facts.containers.push_back(std::move(container));
  }
}

/// The host that has it now. When that cannot be known `in_doubt` is the claim of its name.
asio::awaitable<Result<std::string>> Rescheduler::make(
    Specification specification, std::shared_ptr<NameClaims::Ticket>& in_doubt) {
  std::string why_none;
  const std::vector<std::string> hosts = hosts_that_fit(specification.body, why_none);
  if (hosts.empty()) co_return Error(errc::declined, why_none);
  const auto ticket = co_await claims_.claim(specification.name);
  if (!ticket) co_return ticket.error();
  BulkPlan plan;
  // Its owner may have it, by the policy that holds for him now, there.
  plan.caller.name = owner_in_body(specification.body);
  plan.exact_body = std::move(specification.body);
  plan.exact_name = specification.name;
  plan.start = true;
  plan.keep_marks = true;
  plan.eligible.emplace();
  for (const std::string& host : hosts) {
    if (const auto node = NodeId::from_hex(host)) plan.eligible->insert(*node);
  }
  const auto run = std::make_shared<BulkCreate>(herd_, claims_, std::move(plan));
  co_await run->run();
  const BulkItem& item = run->items().front();
  if (item.state == BulkItem::State::created && *ticket) (*ticket)->used();
  if (item.state == BulkItem::State::unknown) in_doubt = *ticket;
  if (item.state != BulkItem::State::created) {
    const errc code = item.state == BulkItem::State::unknown ? errc::timeout : errc::declined;
    co_return Error(code,
                    item.refusals.empty() ? "it was not created" : item.refusals.back().first);
  }
  const Resolution found = herd_.directory.resolve(id_in(item.envelope));
  co_return found.found() ? herd_.hostname_of(found.candidates.front().node) : std::string("?");
}

}  // namespace dockherd::agent
