// Container names are unique over the herd, also when two nodes are asked for one at the same
// moment: before a create or a rename its node asks the one agent that judges this name.
//
// Which agent that is follows from the name and the agents that are there (rendezvous hashing), so
// that all ask the same one and no one judges for all. While agents join or are lost, nodes may ask
// different ones for a moment: then only what each has heard of counts, as in a split herd.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "agent/herd.hpp"
#include "agent/replies.hpp"
#include "agent/verbs.hpp"
#include "engine_api/herd_port.hpp"

namespace dockherd::agent {

/// Notice to the judge of a name: {"name", "token", "used"}.
inline constexpr std::string_view topic_name_released = "name-released";

/// Owned by Node. One thread only.
class NameClaims {
 public:
  using Ticket = engine_api::HerdPort::NameTicket;

  explicit NameClaims(Herd& herd) : herd_(herd) {
    // What the directory has guards its name itself.
    herd.on_name_seen = [this](const std::string& name) { claims_.erase(name); };
  }
  NameClaims(const NameClaims&) = delete;
  NameClaims& operator=(const NameClaims&) = delete;

  /// See HerdPort::claim_name().
  asio::awaitable<Result<std::shared_ptr<Ticket>>> claim(std::string name);

  /// As the judge: 200, or 409 with the sentence that Docker has for it.
  VerbReply judge(const ClaimNameVerb& verb);
  /// As the judge: a notice.
  Result<void> released(const std::string& notice);

 private:
  struct Claim {
    std::string token;
    TimePoint until;
  };
  class Held;

  NodeId judge_of(const std::string& name, const std::set<NodeId>& except) const;
  void release(const NodeId& judge, const std::string& name, const std::string& token, bool used);
  void end_claim(const std::string& name, const std::string& token, bool used);
  std::optional<Error> taken(const std::string& name) const;

  Herd& herd_;
  std::map<std::string, Claim> claims_;
  // What a ticket holds weakly: bulks that are cut off when the agent ends outlive this.
  std::shared_ptr<NameClaims*> alive_ = std::make_shared<NameClaims*>(this);
};

}  // namespace dockherd::agent
