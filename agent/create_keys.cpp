#include "agent/create_keys.hpp"

#include <algorithm>

#include "agent/reschedule_rules.hpp"
#include "base/fnv1a.hpp"
#include "base/json_reader.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "http_api/responses.hpp"
#include "trust/ownership.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t judges_needed = 2;
constexpr std::chrono::hours remembered_for{1};
/// Longer than the longest pull and the create after it.
constexpr std::chrono::minutes longest_request{12};

/// In which an agent that has just started, or has lost another, finds those that are there.
constexpr std::chrono::seconds acquaintance{3};
/// Of the herd: until a request is refused for it.
constexpr std::chrono::seconds longest_unrest{8};
constexpr std::chrono::milliseconds claim_again_after{50};
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

std::uint64_t weight_of(const std::string& key, const NodeId& node) {
  return fnv1a(fnv1a(fnv1a(fnv1a_start, "key "), key), node.raw());
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
  Held(std::weak_ptr<CreateKeys*> keys, std::string scoped_key, std::string token)
      : keys_(std::move(keys)), scoped_key_(std::move(scoped_key)), token_(std::move(token)) {}
  ~Held() override { tell(json{{"ended", true}}); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void give(std::uint32_t item, const std::string& hostname) override {
    tell(json{{"given", {{std::to_string(item), hostname}}}});
  }
  /// A judge may be newer than what was made.
  void remind() const {
    if (made.empty()) return;
    json places = json::object();
    for (const auto& [item, container] : made) {
      places[std::to_string(item)] = container.host;
    }
    tell(json{{"given", std::move(places)}});
  }

  void add(const NodeId& judge) { judges_.push_back(judge); }
  /// `answer`: what a judge remembers.
  void learn(const std::string& answer) {
    const auto body = parse_json(answer);
    if (body) given.merge(key_places_in(*body));
  }

 private:
  void tell(json notice) const {
    const auto keys = keys_.lock();
    if (!keys) return;
    notice["key"] = scoped_key_;
    notice["token"] = token_;
    (*keys)->tell(judges_, notice);
  }

  std::weak_ptr<CreateKeys*> keys_;
  std::vector<NodeId> judges_;
  std::string scoped_key_;
  std::string token_;
};

CreateKeys::CreateKeys(Herd& herd, docker_client::Docker& docker)
    : herd_(herd), docker_(docker), settled_at_(herd.clock.now() + acquaintance) {}

// --- as the node that was asked ------------------------------------------------------------------

/// All agents, in the order in which they judge this key.
std::vector<NodeId> CreateKeys::judges_of(const std::string& key) const {
  std::vector<std::pair<std::uint64_t, NodeId>> ranked;
  for (const auto& [node, status] : herd_.nodes.nodes()) {
    ranked.emplace_back(weight_of(key, node), node);
  }
  std::sort(ranked.rbegin(), ranked.rend());
  std::vector<NodeId> judges;
  judges.reserve(ranked.size());
  for (const auto& [weight, node] : ranked) judges.push_back(node);
  return judges;
}

/// Without ranking all: most nodes are found not to be one after a few others.
bool CreateKeys::is_judge_of(const std::string& key, const NodeId& node) const {
  const std::pair own(weight_of(key, node), node);
  std::size_t before = 0;
  for (const auto& [other, status] : herd_.nodes.nodes()) {
    if (std::pair(weight_of(key, other), other) > own && ++before >= judges_needed) return false;
  }
  return true;
}

/// One after the other, so that of two who ask at once the first judge lets one pass. Both have to
/// answer: what one that is silent remembers, or has let pass, nobody else may know.
asio::awaitable<Result<std::shared_ptr<CreateKeys::Held>>> CreateKeys::claim(std::string key) {
  ClaimKeyVerb verb;
  verb.key = key;
  verb.token = random_token(herd_.random);
  std::vector<NodeId> judges = judges_of(key);
  if (judges.size() > judges_needed) judges.resize(judges_needed);
  const auto held = std::make_shared<Held>(alive_, key, verb.token);
  for (const NodeId& judge : judges) {
    const TimePoint deadline = herd_.clock.now() + limits::judge_answers_in;
    held->add(judge);  // One that is silent may still take the claim, and is to hear of its end.
    const auto answer =
        co_await herd_.bus.request(judge, encode_verb(verb), deadline, true, bus::Lane::control);
    if (answer && answer->status == 409) {
      co_return refused(409,
                        "a create with this Idempotency-Key is under way; ask again when it "
                        "has ended");
    }
    if (!answer || answer->status != 200) co_return unknown_use();
    held->learn(answer->body);
  }
  co_return held;
}

/// Again for a while. Word of the last use's end may be on its way to the judges: a client that
/// repeats at once, through another node, was answered before. And a judge that is silent is soon
/// lost, so that another judges.
asio::awaitable<Result<std::shared_ptr<CreateKeys::Held>>> CreateKeys::claim_at_rest(
    std::string key) {
  const TimePoint limit = herd_.clock.now() + longest_unrest;
  for (unsigned under_way = 0;;) {
    if (settled_at_ > limit) co_return unknown_use();
    if (herd_.clock.now() < settled_at_) {
      co_await herd_.clock.sleep_until(settled_at_);
      continue;
    }
    auto held = co_await claim(key);
    if (held) co_return held;
    if (is_under_way(held.error()) && ++under_way == claims_tried) co_return held;
    if (herd_.clock.now() >= limit) co_return held;
    co_await herd_.clock.sleep_until(herd_.clock.now() + claim_again_after);
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
    herd_.tasks.spawn("end of a key", tell_again(judges, text));
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
asio::awaitable<void> CreateKeys::tell_again(std::vector<NodeId> judges, std::string text) {
  for (const std::chrono::seconds later : {std::chrono::seconds(1), std::chrono::seconds(5)}) {
    co_await herd_.clock.sleep_until(herd_.clock.now() + later);
    tell_now(judges, text);
  }
}

// --- as a judge ----------------------------------------------------------------------------------

/// The one that ended first is forgotten when there are too many.
bool CreateKeys::make_room() {
  const TimePoint now = herd_.clock.now();
  std::erase_if(entries_, [now](const auto& entry) {
    const Entry& of_key = entry.second;
    return of_key.until <= now && (of_key.token.empty() || of_key.lease <= now);
  });
  if (entries_.size() < limits::create_keys) return true;
  auto oldest = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (!it->second.token.empty()) continue;
    if (oldest == entries_.end() || it->second.until < oldest->second.until) oldest = it;
  }
  if (oldest == entries_.end()) return false;
  entries_.erase(oldest);
  return true;
}

VerbReply CreateKeys::judge(const NodeId& from, const ClaimKeyVerb& verb) {
  if (!entries_.contains(verb.key) && !make_room()) {
    return http_api::error_reply(Error(errc::busy, "too many creates with keys are under way"));
  }
  Entry& entry = entries_[verb.key];
  const TimePoint now = herd_.clock.now();
  // One whose node is lost will not be heard of again, unless it comes back in a moment; nor one
  // whose end was lost on its way.
  const bool may_be_there = herd_.nodes.find(entry.from) != nullptr || now < settled_at_;
  const bool goes_on = !entry.token.empty() && now < entry.lease && may_be_there;
  if (goes_on && entry.token != verb.token) {
    return http_api::error_reply(refused(409, "a create with this key is under way"));
  }
  entry.from = from;
  entry.token = verb.token;
  entry.lease = now + longest_request;
  if (entry.until <= now) entry.given.clear();
  json given = json::object();
  for (const auto& [item, host] : entry.given) given[std::to_string(item)] = host;
  return {200, dump_json(json{{"given", std::move(given)}})};
}

Result<void> CreateKeys::noted(const NodeId& from, const std::string& notice) {
  auto news = decode_key_news(notice);
  if (!news) return news.error();
  if (!news->token) return remember(news->key, std::move(news->given));
  const auto entry = entries_.find(news->key);
  if (entry == entries_.end() || entry->second.from != from ||
      entry->second.token != *news->token) {
    return {};
  }
  const TimePoint now = herd_.clock.now();
  for (auto& [item, host] : news->given) {
    if (host.empty()) {
      entry->second.given.erase(item);
    } else {
      entry->second.given[item] = std::move(host);
    }
    entry->second.until = now + remembered_for;
    entry->second.lease = now + longest_request;
  }
  if (news->ended) {
    entry->second.token.clear();
    if (entry->second.given.empty()) entries_.erase(entry);
  }
  return {};
}

Result<void> CreateKeys::remember(const std::string& key, KeyPlaces places) {
  if (!entries_.contains(key) && !make_room()) return {};
  Entry& entry = entries_[key];
  entry.given.merge(places);
  entry.until = herd_.clock.now() + remembered_for;
  return {};
}

void CreateKeys::hand_on(const std::string& key, const Entry& entry, const NodeId& judge) {
  if (judge == herd_.self() || entry.given.empty() || herd_.clock.now() >= entry.until) return;
  KeyNews news;
  news.key = key;
  news.given = entry.given;
  herd_.bus.notify(judge, std::string(topic_key), encode_key_news(news));
}

void CreateKeys::on_joined(const NodeId& peer) {
  for (const auto& [key, entry] : entries_) {
    if (is_judge_of(key, peer)) hand_on(key, entry, peer);
  }
}

/// Without this the two that know could go one after the other, each giving way to one that was
/// there all the time and so is not told as one that joins.
void CreateKeys::on_lost(const NodeId& peer) {
  settled_at_ = std::max(settled_at_, herd_.clock.now() + acquaintance);
  for (const auto& [key, entry] : entries_) {
    if (entry.given.empty() || !is_judge_of(key, peer)) continue;
    std::vector<NodeId> judges = judges_of(key);
    if (judges.size() > judges_needed) judges.resize(judges_needed);
    for (const NodeId& judge : judges) hand_on(key, entry, judge);
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
