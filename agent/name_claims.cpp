#include "agent/name_claims.hpp"

#include <algorithm>

#include "agent/notice_codec.hpp"
#include "base/fnv1a.hpp"
#include "base/json_reader.hpp"
#include "base/limits.hpp"
#include "http_api/responses.hpp"

namespace dockherd::agent {

namespace {

/// The owner's word of the new container is on its way to the judge.
constexpr std::chrono::seconds until_heard_of{5};

Error conflict(const std::string& name, const std::string& by) {
  Error error(errc::docker_refused, "Conflict. The container name \"/" + name +
                                        "\" is already in use by " + by +
                                        ". You have to remove (or rename) that container to be "
                                        "able to reuse that name.");
  error.docker_status = 409;
  return error;
}

}  // namespace

/// Says to the judge how the claim ended, however it does.
class NameClaims::Held final : public Ticket {
 public:
  Held(std::weak_ptr<NameClaims*> claims, NodeId judge, std::string name, std::string token)
      : claims_(std::move(claims)),
        judge_(judge),
        name_(std::move(name)),
        token_(std::move(token)) {}
  ~Held() override {
    if (const auto claims = claims_.lock()) (*claims)->release(judge_, name_, token_, used_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void used() override { used_ = true; }

 private:
  std::weak_ptr<NameClaims*> claims_;
  NodeId judge_;
  std::string name_;
  std::string token_;
  bool used_ = false;
};

NodeId NameClaims::judge_of(const std::string& name, const std::set<NodeId>& except) const {
  NodeId judge = herd_.self();
  std::uint64_t highest = 0;
  for (const auto& [node, status] : herd_.nodes.nodes()) {
    const std::uint64_t weight = fnv1a(fnv1a(fnv1a_start, name), node.raw());
    if (weight < highest || except.contains(node)) continue;
    highest = weight;
    judge = node;
  }
  return judge;
}

std::optional<Error> NameClaims::taken(const std::string& name) const {
  const Resolution holders = herd_.directory.named(name);
  if (holders.candidates.empty()) return std::nullopt;
  return conflict(name, "container \"" + holders.candidates.front().id + "\"");
}

asio::awaitable<Result<std::shared_ptr<NameClaims::Ticket>>> NameClaims::claim(std::string name) {
  if (name.empty()) co_return std::shared_ptr<Ticket>();
  if (const auto error = taken(name)) co_return *error;
  ClaimNameVerb verb;
  verb.name = name;
  verb.token = random_token(herd_.random);
  NodeId judge = herd_.self();
  std::set<NodeId> silent;
  for (std::size_t asked = 0; asked < limits::judges_asked; ++asked) {
    judge = judge_of(name, silent);
    const TimePoint deadline = herd_.clock.now() + limits::judge_answers_in;
    const auto answer =
        co_await herd_.bus.request(judge, encode_verb(verb), deadline, true, bus::Lane::control);
    if (answer && answer->status == 200) break;
    if (!answer || answer->status != 409) {  // It is stopping, busy, or of an older version.
      silent.insert(judge);
      continue;
    }
    Error refused = conflict(name, "a container that is being created");
    const auto body = parse_json(answer->body);
    if (body && body->is_object() && body->contains("error") && (*body)["error"].is_string()) {
      refused.message = (*body)["error"].get<std::string>();
    }
    co_return refused;
  }
  // Without a judge it is as in a split herd: what this node knows must do.
  std::shared_ptr<Ticket> ticket = std::make_shared<Held>(alive_, judge, name, verb.token);
  co_return ticket;
}

VerbReply NameClaims::judge(const ClaimNameVerb& verb) {
  const TimePoint now = herd_.clock.now();
  std::erase_if(claims_, [now](const auto& claim) { return claim.second.until <= now; });
  if (const auto error = taken(verb.name)) return http_api::error_reply(*error);
  const auto [claim, free] =
      claims_.try_emplace(verb.name, Claim{verb.token, now + limits::longest_create});
  if (!free && claim->second.token != verb.token) {
    return http_api::error_reply(conflict(verb.name, "a container that is being created"));
  }
  return {200, "{}"};
}

void NameClaims::release(const NodeId& judge, const std::string& name, const std::string& token,
                         bool used) {
  if (judge == herd_.self()) {
    end_claim(name, token, used);
    return;
  }
  ReleasedName released;
  released.name = name;
  released.token = token;
  released.used = used;
  herd_.bus.notify(judge, std::string(topic_name_released), encode_released_name(released));
}

void NameClaims::end_claim(const std::string& name, const std::string& token, bool used) {
  const auto claim = claims_.find(name);
  if (claim == claims_.end() || claim->second.token != token) return;
  if (used) {
    claim->second.until = herd_.clock.now() + until_heard_of;
  } else {
    claims_.erase(claim);
  }
}

Result<void> NameClaims::released(const std::string& notice) {
  const auto released = decode_released_name(notice);
  if (!released) return released.error();
  end_claim(released->name, released->token, released->used);
  return {};
}

}  // namespace dockherd::agent
