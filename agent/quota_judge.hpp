// Quotas hold over the whole herd, also when several nodes are asked for containers of one user at
// the same moment: before a create its node asks the one agent that judges this user. That one asks
// every node what the user has there, adds what it has granted and not yet heard the end of, and
// refuses what goes beyond.
//
// Who judges follows from the user's name, as with container names (name_claims). A node that is in
// the herd and does not say what the user has there makes the judge refuse (503): better no
// container than one too many. What a lost host has is not counted until it is back.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "agent/herd.hpp"
#include "agent/promise_keeper.hpp"
#include "agent/replies.hpp"
#include "agent/verbs.hpp"

namespace dockherd::agent {

/// Notice to the judge of a user: {"user", "token"}: what was granted is counted by its owner, or
/// was not used.
inline constexpr std::string_view topic_quota_released = "quota-released";

/// Owned by Node. One thread only.
class QuotaJudge {
 public:
  QuotaJudge(Herd& herd, PromiseKeeper& promises) : herd_(herd), promises_(promises) {}
  QuotaJudge(const QuotaJudge&) = delete;
  QuotaJudge& operator=(const QuotaJudge&) = delete;

  /// What is granted for as long as it lives.
  class Grant {
   public:
    virtual ~Grant() = default;
    /// Something may have been made that is not counted yet: the judge keeps it for a while.
    virtual void in_doubt() = 0;
  };

  /// Asks for `instances` containers with this body. Null for a user without a quota. Fails with
  /// 403, with what he has and what his quota is, or with 503.
  asio::awaitable<Result<std::shared_ptr<Grant>>> claim(trust::Principal user, const json& body,
                                                        std::uint32_t instances);

  /// As the judge.
  asio::awaitable<VerbReply> judge(ClaimQuotaVerb verb, TimePoint deadline);
  Result<void> released(const std::string& notice);

  /// As any node: what the user has here.
  asio::awaitable<VerbReply> usage(UsageVerb verb, TimePoint deadline);

 private:
  using Usage = PromiseKeeper::Usage;
  struct Claim {
    Usage asked;
    TimePoint until;
  };
  class Held;

  NodeId judge_of(const std::string& user, const std::set<NodeId>& except) const;
  void release(const NodeId& judge, const std::string& user, const std::string& token);
  Result<void> weigh(const std::string& user, const Usage& used,
                     const std::map<std::string, Claim>& granted, const Usage& asked) const;
  asio::awaitable<Result<Usage>> usage_in_herd(std::string user, TimePoint deadline);

  Herd& herd_;
  PromiseKeeper& promises_;
  std::map<std::string, std::map<std::string, Claim>> claims_;  // User -> token -> what.
  std::shared_ptr<QuotaJudge*> alive_ = std::make_shared<QuotaJudge*>(this);
};

}  // namespace dockherd::agent
