#include "agent/create_keys.hpp"

#include <algorithm>

#include "agent/reschedule_rules.hpp"
#include "base/json_reader.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "http_api/responses.hpp"
#include "trust/ownership.hpp"

namespace dockherd::agent {

namespace {

/// In which an agent that has just started, or has lost another, finds those that are there.
constexpr std::chrono::seconds acquaintance{3};
/// Of the herd: until a request is refused for it.
constexpr std::chrono::seconds longest_unrest{8};
/// An agent that was there for less comes and goes by itself: it is not we who were cut off.
constexpr std::chrono::seconds fleeting{10};
/// A claim that is older has to be made again before anything is created.
constexpr std::chrono::seconds claim_holds{2};
constexpr std::chrono::milliseconds claim_again_after{50};
constexpr std::chrono::milliseconds longest_claim_pause{1000};
constexpr unsigned claims_tried = 5;

Error refused(int status, std::string message) {
  Error error(errc::docker_refused, std::move(message));
  error.docker_status = status;
  return error;
}

Error unknown_use() {
  return refused(503,
                 "it cannot be known whether this Idempotency-Key was used before, while agents of "
                 "the herd come and go or do not answer; ask again soon");
}

bool is_under_way(const Error& error) {
  return error.docker_status == 409;
}

/// Keys of different users are different keys.
std::string scoped(const trust::Principal& caller, const std::string& key) {
  return caller.name + "/" + key;
}

}  // namespace

KeyMark CreateKeys::Use::mark_of(std::uint32_t item) const {
  KeyMark mark;
  mark.key = key;
  mark.item = item;
  mark.user = user;
  mark.request = request;
  return mark;
}

/// Tells the judges when it ends.
class CreateKeys::Held final : public Use {
 public:
  Held(CreateKeys& keys, std::string scoped_key, std::string token)
      : keys_(keys.alive_), scoped_key_(std::move(scoped_key)), token_(std::move(token)) {
    keys.live_.emplace(token_, this);
  }
  ~Held() override {
    const auto keys = keys_.lock();
    if (!keys) return;
    (*keys)->live_.erase(token_);
    if (!judges_.empty()) tell(json{{"ended", true}});
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void give(std::uint32_t item, const std::string& hostname) override {
    tell_given({{item, hostname}});
  }
  /// A judge may be newer than what was made.
  void remind() {
    KeyPlaces places;
    for (const auto& [item, container] : made) places[item] = container.host;
    if (!places.empty()) tell_given(std::move(places));
  }

  const std::string& scoped_key() const { return scoped_key_; }
  const std::string& token() const { return token_; }
  TimePoint claimed_at() const { return claimed_at_; }
  void claimed(TimePoint now) { claimed_at_ = now; }
  bool has(const NodeId& judge) const { return judges_.contains(judge); }
  /// Also one that is silent may take the claim, and is to hear of its end.
  void add(const NodeId& judge) { judges_.insert(judge); }
  /// `answer`: what a judge remembers.
  void learn(const std::string& answer) {
    const auto body = parse_json(answer);
    if (body) given.merge(key_places_in(*body));
  }
  /// A judge of now that did not let it pass, as it judges in place of another, or lost what it was
  /// told.
  void tell_all_to(const NodeId& judge) {
    const auto keys = keys_.lock();
    if (!keys || claimed_at_ == TimePoint()) return;
    judges_.insert(judge);
    KeyNews news;
    news.key = scoped_key_;
    news.token = token_;
    news.given = told_;
    (*keys)->tell_now({judge}, encode_key_news(news));
  }

 private:
  void tell_given(KeyPlaces places) {
    json notice{{"given", json::object()}};
    for (auto& [item, host] : places) {
      notice["given"][std::to_string(item)] = host;
      told_[item] = std::move(host);
    }
    tell(std::move(notice));
  }
  void tell(json notice) const {
    const auto keys = keys_.lock();
    if (!keys) return;
    notice["key"] = scoped_key_;
    notice["token"] = token_;
    (*keys)->tell(std::vector<NodeId>(judges_.begin(), judges_.end()), notice);
  }

  std::weak_ptr<CreateKeys*> keys_;
  std::set<NodeId> judges_;
  std::string scoped_key_;
  std::string token_;
  KeyPlaces told_;
  TimePoint claimed_at_{};  // By all judges; never yet: none.
};

CreateKeys::CreateKeys(Herd& herd, docker_client::Docker& docker)
    : herd_(herd),
      docker_(docker),
      judge_(herd),
      started_(herd.clock.now()),
      settled_at_(started_ + acquaintance) {}

// --- as the node that was asked ------------------------------------------------------------------

/// Those that joined a moment ago: others may not know yet that they judge.
std::set<NodeId> CreateKeys::newcomers() const {
  std::set<NodeId> young;
  for (const auto& [node, joined] : joined_) {
    if (herd_.clock.now() - joined < acquaintance) young.insert(node);
  }
  return young;
}

/// Whether the agent knows of keys at all; those of older releases do not.
asio::awaitable<Result<bool>> CreateKeys::claim_of(NodeId judge, std::shared_ptr<Held> held) {
  ClaimKeyVerb verb;
  verb.key = held->scoped_key();
  verb.token = held->token();
  held->add(judge);
  const TimePoint deadline = herd_.clock.now() + limits::judge_answers_in;
  const auto answer =
      co_await herd_.bus.request(judge, encode_verb(verb), deadline, true, bus::Lane::control);
  if (!answer) co_return unknown_use();
  if (answer->status == 409) {
    co_return refused(409,
                      "a create with this Idempotency-Key is under way; ask again when it has "
                      "ended");
  }
  if (answer->status == 400) co_return false;
  if (answer->status != 200) co_return unknown_use();
  held->learn(answer->body);
  co_return true;
}

/// One after the other, so that of two who ask at once the first judge lets one pass. Both have to
/// answer: what one that is silent remembers, or has let pass, nobody else may know.
asio::awaitable<Result<void>> CreateKeys::claim(std::shared_ptr<Held> held) {
  std::map<NodeId, bool> asked;  // Whether it knows of keys.
  std::vector<std::vector<NodeId>> ranks;
  ranks.push_back(key_judges(herd_, held->scoped_key()));
  ranks.push_back(key_judges(herd_, held->scoped_key(), newcomers()));
  for (const std::vector<NodeId>& ranked : ranks) {
    std::size_t needed = judges_of_a_key;
    for (const NodeId& judge : ranked) {
      if (needed == 0) break;
      auto known = asked.find(judge);
      if (known == asked.end()) {
        const auto passed = co_await claim_of(judge, held);
        if (!passed) co_return passed.error();
        known = asked.emplace(judge, *passed).first;
      }
      if (known->second) --needed;
    }
  }
  held->claimed(herd_.clock.now());
  co_return Result<void>();
}

/// Again for a while. Word of the last use's end may be on its way to the judges: a client that
/// repeats at once, through another node, was answered before. And a judge that is silent is soon
/// lost, so that another judges.
asio::awaitable<Result<std::shared_ptr<CreateKeys::Held>>> CreateKeys::claim_at_rest(
    std::string key) {
  const TimePoint limit = herd_.clock.now() + longest_unrest;
  std::shared_ptr<Held> held;
  Duration pause = claim_again_after;
  for (unsigned under_way = 0;;) {
    if (settled_at_ > limit || herd_.stopping) co_return unknown_use();
    if (herd_.clock.now() < settled_at_) {
      co_await herd_.clock.sleep_until(settled_at_);
      continue;
    }
    if (!held) held = std::make_shared<Held>(*this, key, random_token(herd_.random));
    const auto passed = co_await claim(held);
    if (passed) co_return held;
    if (is_under_way(passed.error())) {
      held.reset();
      if (++under_way == claims_tried) co_return passed.error();
    } else {
      pause = std::min<Duration>(2 * pause, longest_claim_pause);
    }
    if (herd_.clock.now() + pause >= limit) co_return passed.error();
    co_await herd_.clock.sleep_until(herd_.clock.now() + pause);
  }
}

asio::awaitable<Result<std::shared_ptr<CreateKeys::Use>>> CreateKeys::begin(
    std::string key, std::string request, trust::Principal caller) {
  if (const auto checked = check_key(key, "key"); !checked) co_return checked.error();
  auto held = co_await claim_at_rest(scoped(caller, key));
  if (!held) co_return held.error();
  const std::shared_ptr<Use> use = *held;
  use->key = std::move(key);
  use->user = std::move(caller.name);
  use->request = request_mark(request);
  const auto found = co_await find_made(use);
  if (!found) co_return found.error();
  // Whoever was frozen meanwhile may have been taken for lost, and another let pass.
  if (herd_.clock.now() - (*held)->claimed_at() > claim_holds) {
    const auto still = co_await claim(*held);
    if (!still) co_return still.error();
  }
  (*held)->remind();
  co_return use;
}

asio::awaitable<Result<void>> CreateKeys::find_made(std::shared_ptr<Use> use) {
  FindKeyVerb verb;
  verb.key = use->key;
  verb.user = use->user;
  std::vector<NodeId> nodes;
  std::map<NodeId, std::string> hosts;
  for (const auto& [node, status] : herd_.nodes.nodes()) {
    nodes.push_back(node);
    hosts.emplace(node, status.hostname);
  }
  const TimePoint deadline = herd_.clock.now() + herd_.settings.task_timeout;
  const auto answers = co_await herd_.bus.gather(std::move(nodes), encode_verb(verb), deadline,
                                                 true, bus::Lane::control);
  std::vector<std::string> silent;
  for (const bus::GatheredReply& answer : answers) {
    if (!answer.reply || answer.reply->status != 200) {
      silent.push_back(hosts[answer.node]);
      continue;
    }
    KeyedContainer place;
    place.node = answer.node;
    place.host = hosts[answer.node];
    auto taken = take_found(*use, place, answer.reply->body);
    if (!taken) co_return taken;
  }
  for (const auto& [item, container] : use->made) use->given.erase(item);
  co_return judge_silence(*use, silent);
}

/// `place`: where it was found.
Result<void> CreateKeys::take_found(Use& use, const KeyedContainer& place,
                                    const std::string& body) const {
  const auto document = parse_json(body);
  if (!document || !document->is_object()) return {};
  const auto found = document->find("found");
  if (found == document->end() || !found->is_array()) return {};
  for (const json& entry : *found) {
    const auto reader = JsonReader::of(entry);
    if (!reader) continue;
    const auto id = reader->string("id");
    const auto item = reader->integer("item", 1, limits::instances);
    const auto request = reader->string("request");
    const auto begun = reader->boolean("begun");
    if (!id || !*id || !item || !*item || !request || !begun) continue;
    if (request->value_or("") != use.request) {
      return refused(422, "this Idempotency-Key was used for another request (container " +
                              (*id)->substr(0, 12) + " on " + place.host + ")");
    }
    KeyedContainer container = place;
    container.id = **id;
    container.begun = begun->value_or(false);
    use.made.emplace(static_cast<std::uint32_t>(**item), std::move(container));
  }
  return {};
}

/// A host that does not say what it has may have been given something.
Result<void> CreateKeys::judge_silence(const Use& use,
                                       const std::vector<std::string>& silent) const {
  for (const auto& [item, host] : use.given) {
    const bool is_here = !herd_.nodes.named(host).empty();
    const bool answers = std::find(silent.begin(), silent.end(), host) == silent.end();
    if (is_here && answers) continue;
    return refused(503, "it cannot be known whether item " + std::to_string(item) +
                            " of this Idempotency-Key was created: it was given to " + host +
                            (is_here ? ", whose daemon does not answer" : ", which is lost") +
                            "; ask again when it is back");
  }
  return {};
}

void CreateKeys::tell(const std::vector<NodeId>& judges, const json& notice) {
  const std::string text = dump_json(notice);
  tell_now(judges, text);
  if (notice.contains("ended") && !herd_.stopping) {
    herd_.tasks.spawn("end of a key", say_again(judges, text));
  }
}

void CreateKeys::tell_now(const std::vector<NodeId>& judges, const std::string& text) {
  for (const NodeId& judge : judges) {
    if (judge != herd_.self()) {
      herd_.bus.notify(judge, std::string(topic_key), text);
    } else if (const auto taken = noted(judge, text); !taken) {
      herd_.log->debug("news of a key not understood error={}", taken.error().message);
    }
  }
}

/// A notice may be lost with its link, and a judge that does not hear of the end refuses repeats.
asio::awaitable<void> CreateKeys::say_again(std::vector<NodeId> judges, std::string text) {
  for (const std::chrono::seconds later : {std::chrono::seconds(1), std::chrono::seconds(5)}) {
    co_await herd_.clock.sleep_until(herd_.clock.now() + later);
    tell_now(judges, text);
  }
}

void CreateKeys::on_joined(const NodeId& peer) {
  joined_[peer] = herd_.clock.now();
  judge_.tell(peer);
  tell_new_judges();
}

void CreateKeys::tell_again(const NodeId& peer) {
  judge_.tell(peer);
  for (const auto& [token, held] : live_) {
    if (held->has(peer)) held->tell_all_to(peer);
  }
}

void CreateKeys::on_lost(const NodeId& peer, bool said_goodbye) {
  const TimePoint now = herd_.clock.now();
  const auto joined = joined_.find(peer);
  // To one that is new here itself all others are new.
  const bool was_passing = joined != joined_.end() && now - joined->second < fleeting &&
                           joined->second - started_ >= fleeting;
  if (joined != joined_.end()) joined_.erase(joined);
  if (!said_goodbye && !was_passing) settled_at_ = std::max(settled_at_, now + acquaintance);
  judge_.on_lost(peer);
  tell_new_judges();
}

/// Of what goes on here, however many of its judges have gone since it began.
void CreateKeys::tell_new_judges() {
  for (const auto& [token, held] : live_) {
    std::vector<NodeId> judges = key_judges(herd_, held->scoped_key());
    if (judges.size() > judges_of_a_key) judges.resize(judges_of_a_key);
    for (const NodeId& judge : judges) {
      if (!held->has(judge)) held->tell_all_to(judge);
    }
  }
}

// --- as any node ---------------------------------------------------------------------------------

asio::awaitable<VerbReply> CreateKeys::find(FindKeyVerb verb, TimePoint deadline) {
  const std::string filters = dump_json(json{{"label", {std::string(key_label) + "=" + verb.key}}});
  auto request = docker_client::list_containers_request(true, filters, deadline);
  const auto response = co_await docker_.call(std::move(request));
  if (!response) co_return http_api::error_reply(response.error());
  if (!response->ok()) co_return http_api::error_reply(docker_client::refusal_of(*response));
  const auto list = docker_client::decode_container_list(response->body);
  if (!list) co_return http_api::error_reply(list.error());
  json found = json::array();
  for (const docker_client::ContainerSummary& summary : *list) {
    const auto mark = mark_in(summary.labels);
    // A label may come with an image; the owner's does not.
    const auto owner = summary.labels.find(std::string(trust::owner_label));
    const bool is_his =
        verb.user.empty() || (owner != summary.labels.end() && owner->second == verb.user);
    const bool retired =
        !summary.names.empty() && summary.names.front().find(retired_mark) != std::string::npos;
    if (!mark || mark->key != verb.key || mark->user != verb.user || !is_his || retired) continue;
    found.push_back(json{{"id", summary.id},
                         {"item", mark->item},
                         {"request", mark->request},
                         {"begun", summary.state != "created"}});
  }
  co_return VerbReply(200, dump_json(json{{"found", std::move(found)}}));
}

}  // namespace dockherd::agent
