#include "agent/quota_judge.hpp"

#include "agent/notice_codec.hpp"
#include "agent/user_rules.hpp"
#include "base/fnv1a.hpp"
#include "base/json_reader.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "engine_api/object_text.hpp"
#include "http_api/responses.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t most_claims = 4096;  // Of one user, under way.
constexpr std::chrono::milliseconds look_again{20};
constexpr std::chrono::milliseconds wait_for_others{100};
constexpr unsigned tries_at_most = 6;

/// Of many creates at once that each ask for what no host has: a sum that went round would be
/// within every quota.
PromiseKeeper::Usage sum(const PromiseKeeper::Usage& a, const PromiseKeeper::Usage& b) {
  PromiseKeeper::Usage all;
  all.containers = engine_api::saturated_sum(a.containers, b.containers);
  all.nano_cpus = engine_api::saturated_sum(a.nano_cpus, b.nano_cpus);
  all.memory_bytes = engine_api::saturated_sum(a.memory_bytes, b.memory_bytes);
  return all;
}

Error unavailable(std::string why) {
  Error error(errc::docker_refused, std::move(why));
  error.docker_status = 503;
  return error;
}

/// "containers: 10 of 10 are used, 1 more asked"; nothing when it fits.
std::optional<std::string> beyond(const char* what, std::int64_t used, std::int64_t asked,
                                  const std::optional<std::int64_t>& quota, double unit,
                                  const char* unit_name) {
  if (!quota || asked == 0 || engine_api::saturated_sum(used, asked) <= *quota) {
    return std::nullopt;
  }
  const auto text = [unit](std::int64_t amount) {
    const auto whole = static_cast<std::int64_t>(unit);
    if (amount % whole == 0) return std::to_string(amount / whole);
    return dump_json(json(static_cast<double>(amount) / unit));
  };
  return std::string(what) + ": " + text(used) + unit_name + " of " + text(*quota) + unit_name +
         " are used, " + text(asked) + unit_name + " more asked";
}

std::string why_beyond(const trust::Quota& quota, const PromiseKeeper::Usage& used,
                       const PromiseKeeper::Usage& asked) {
  std::vector<std::string> reasons;
  for (const auto& reason :
       {beyond("containers", used.containers, asked.containers, quota.containers, 1, ""),
        beyond("CPUs", used.nano_cpus, asked.nano_cpus, quota.nano_cpus, 1e9, ""),
        beyond("memory", used.memory_bytes, asked.memory_bytes, quota.memory_bytes, 1 << 20,
               " MiB")}) {
    if (reason) reasons.push_back(*reason);
  }
  return join(reasons, "; ");
}

std::int64_t number_in(const JsonReader& reader, std::string_view key) {
  const auto number = reader.integer(key, 0);
  return number && *number ? **number : 0;
}

std::string sentence_in(const std::string& body) {
  const auto document = parse_json(body);
  if (!document || !document->is_object()) return body;
  const auto error = document->find("error");
  return error != document->end() && error->is_string() ? error->get<std::string>() : body;
}

}  // namespace

/// Tells the judge when it ends.
class QuotaJudge::Held final : public Grant {
 public:
  Held(std::weak_ptr<QuotaJudge*> judge, NodeId node, std::string user, std::string token)
      : judge_(std::move(judge)), node_(node), user_(std::move(user)), token_(std::move(token)) {}
  ~Held() override {
    const auto judge = judge_.lock();
    if (judge && !in_doubt_) (*judge)->release(node_, user_, token_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void in_doubt() override { in_doubt_ = true; }

 private:
  std::weak_ptr<QuotaJudge*> judge_;
  NodeId node_;
  std::string user_;
  std::string token_;
  bool in_doubt_ = false;
};

NodeId QuotaJudge::judge_of(const std::string& user, const std::set<NodeId>& except) const {
  NodeId judge = herd_.self();
  std::uint64_t highest = 0;
  for (const auto& [node, status] : herd_.nodes.nodes()) {
    const std::uint64_t weight = fnv1a(fnv1a(fnv1a_start, "quota " + user), node.raw());
    if (weight < highest || except.contains(node)) continue;
    highest = weight;
    judge = node;
  }
  return judge;
}

asio::awaitable<Result<std::shared_ptr<QuotaJudge::Grant>>> QuotaJudge::claim(
    trust::Principal user, const json& body, std::uint32_t instances) {
  const trust::User* rules = users_of(herd_).find(user.name);
  if (user.name.empty() || rules == nullptr || rules->quota.empty()) {
    co_return std::shared_ptr<Grant>();
  }
  if (auto stated = states_what_is_counted(body, rules->quota); !stated) co_return stated.error();
  const Asked asked = asked_by(body);
  ClaimQuotaVerb verb;
  verb.user = user.name;
  verb.token = random_token(herd_.random);
  verb.containers = instances;
  verb.nano_cpus = asked.nano_cpus * instances;
  verb.memory_bytes = asked.memory_bytes * instances;
  std::set<NodeId> silent;
  for (std::size_t tries = 0; tries < limits::judges_asked; ++tries) {
    const NodeId judge = judge_of(user.name, silent);
    const TimePoint deadline = herd_.clock.now() + herd_.settings.task_timeout;
    const auto answer =
        co_await herd_.bus.request(judge, encode_verb(verb), deadline, true, bus::Lane::control);
    if (answer && answer->status == 200) {
      std::shared_ptr<Grant> grant = std::make_shared<Held>(alive_, judge, user.name, verb.token);
      co_return grant;
    }
    if (answer && answer->status == 403) co_return trust::forbidden(sentence_in(answer->body));
    if (answer && answer->status == 503) co_return unavailable(sentence_in(answer->body));
    // It may have granted it all the same.
    release(judge, user.name, verb.token);
    silent.insert(judge);
  }
  co_return unavailable("no agent could say how much of the quota of " + user.name +
                        " is used; nothing was made, try again");
}

asio::awaitable<Result<QuotaJudge::Usage>> QuotaJudge::usage_in_herd(std::string user,
                                                                     TimePoint deadline) {
  UsageVerb verb;
  verb.user = user;
  std::vector<NodeId> nodes;
  for (const auto& [node, status] : herd_.nodes.nodes()) nodes.push_back(node);
  const auto answers = co_await herd_.bus.gather(std::move(nodes), encode_verb(verb), deadline,
                                                 true, bus::Lane::control);
  Usage used;
  for (const auto& answer : answers) {
    const auto document = answer.reply && answer.reply->status == 200
                              ? parse_json(answer.reply->body)
                              : Result<json>(json());
    const auto reader = document && document->is_object()
                            ? JsonReader::of(*document)
                            : Result<JsonReader>(Error(errc::bad_request, "no answer"));
    if (!reader) {
      co_return unavailable(herd_.hostname_of(answer.node) + " does not say what " + user +
                            " has there; nothing was made, try again");
    }
    Usage here;
    here.containers = number_in(*reader, "containers");
    here.nano_cpus = number_in(*reader, "nano_cpus");
    here.memory_bytes = number_in(*reader, "memory_bytes");
    used = sum(used, here);
  }
  co_return used;
}

asio::awaitable<VerbReply> QuotaJudge::judge(ClaimQuotaVerb verb, TimePoint deadline) {
  const TimePoint now = herd_.clock.now();
  std::erase_if(claims_[verb.user], [now](const auto& claim) { return claim.second.until <= now; });
  std::map<std::string, Claim> before = claims_[verb.user];
  Claim own;
  own.asked.containers = verb.containers;
  own.asked.nano_cpus = verb.nano_cpus;
  own.asked.memory_bytes = verb.memory_bytes;
  own.until = now + limits::longest_create;
  // At once, so that another that is judged meanwhile counts it.
  if (before.size() < most_claims) claims_[verb.user][verb.token] = own;
  Error refusal = unavailable("too many creates of " + verb.user + " are under way");
  for (unsigned tries = 0; tries < tries_at_most && before.size() < most_claims; ++tries) {
    const auto used = co_await usage_in_herd(verb.user, deadline - look_again);
    if (!used) {
      refusal = used.error();
      break;
    }
    const auto verdict = weigh(verb.user, *used, before, own.asked);
    if (verdict) co_return VerbReply(200, "{}");
    refusal = verdict.error();
    // One of them may end, or have ended already without our having heard of it.
    if (before.empty() || herd_.clock.now() + wait_for_others >= deadline) break;
    co_await herd_.clock.sleep_until(herd_.clock.now() + wait_for_others);
    const auto& open = claims_[verb.user];
    std::erase_if(before, [&open](const auto& claim) { return !open.contains(claim.first); });
  }
  auto& claims = claims_[verb.user];
  claims.erase(verb.token);
  if (claims.empty()) claims_.erase(verb.user);
  co_return http_api::error_reply(refusal);
}

/// What was granted before the nodes were asked counts, whether or not it has ended meanwhile: they
/// may have been asked before it was theirs to count.
Result<void> QuotaJudge::weigh(const std::string& user, const Usage& used,
                               const std::map<std::string, Claim>& granted,
                               const Usage& asked) const {
  const trust::User* rules = users_of(herd_).find(user);
  if (rules == nullptr) {
    return trust::forbidden("the user " + user + " is not in the users file of " +
                            herd_.settings.hostname);
  }
  Usage all = used;
  for (const auto& [token, claim] : granted) all = sum(all, claim.asked);
  const std::string why = why_beyond(rules->quota, all, asked);
  if (why.empty()) return {};
  return trust::forbidden("this goes beyond the quota of " + user + ": " + why);
}

asio::awaitable<VerbReply> QuotaJudge::usage(UsageVerb verb, TimePoint deadline) {
  auto used = promises_.usage_of(verb.user);
  while (!used && herd_.clock.now() + look_again < deadline) {
    co_await herd_.clock.sleep_until(herd_.clock.now() + look_again);
    used = promises_.usage_of(verb.user);
  }
  if (!used) {
    co_return http_api::error_reply(
        unavailable(herd_.settings.hostname + " has not counted its containers yet"));
  }
  co_return VerbReply(200, dump_json(json{{"containers", used->containers},
                                          {"nano_cpus", used->nano_cpus},
                                          {"memory_bytes", used->memory_bytes}}));
}

void QuotaJudge::release(const NodeId& judge, const std::string& user, const std::string& token) {
  ReleasedGrant grant;
  grant.user = user;
  grant.token = token;
  const std::string notice = encode_released_grant(grant);
  if (judge == herd_.self()) {
    const auto done = released(notice);
    if (!done) herd_.log->error("a grant was not released error={}", done.error().message);
    return;
  }
  herd_.bus.notify(judge, std::string(topic_quota_released), notice);
}

Result<void> QuotaJudge::released(const std::string& notice) {
  const auto released = decode_released_grant(notice);
  if (!released) return released.error();
  const auto claims = claims_.find(released->user);
  if (claims == claims_.end()) return {};
  claims->second.erase(released->token);
  if (claims->second.empty()) claims_.erase(claims);
  return {};
}

}  // namespace dockherd::agent
