// Creates that a client may repeat without making anything twice (Idempotency-Key).
//
// Three things hold together. Each container carries its key and its number in the bulk as labels,
// and a repeat asks every daemon for them before it creates. Two agents, chosen by the key as with
// names (name_claims), let only one request under a key go on at a time, and remember for an hour
// which host each container was given to; so a repeat whose first try has an unknown end goes to
// that host and to no other. And there the container's name is the same as before, so the daemon
// itself refuses a second one while the first is still being made.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/herd.hpp"
#include "agent/key_judge.hpp"
#include "agent/key_labels.hpp"
#include "agent/notice_codec.hpp"
#include "agent/replies.hpp"
#include "agent/verbs.hpp"
#include "docker_client/docker.hpp"
#include "trust/principal.hpp"

namespace dockherd::agent {

/// A container that was made under a key before.
struct KeyedContainer {
  std::string id;
  NodeId node;
  std::string host;    ///< The node's name; it may be lost by now.
  bool begun = false;  ///< It has been started.
};

/// Owned by Node. One thread only.
class CreateKeys {
 public:
  CreateKeys(Herd& herd, docker_client::Docker& docker);
  CreateKeys(const CreateKeys&) = delete;
  CreateKeys& operator=(const CreateKeys&) = delete;

  /// One request under a key. Nobody else's request under it goes on while this lives.
  class Use {
   public:
    virtual ~Use() = default;
    /// The container is about to be asked of that host; empty: it certainly has not made it.
    virtual void give(std::uint32_t item, const std::string& hostname) = 0;

    KeyMark mark_of(std::uint32_t item) const;

    std::string key;
    std::string user;
    std::string request;                           ///< See KeyMark.
    std::map<std::uint32_t, KeyedContainer> made;  ///< By number.
    /// Given to a host before, with an end that is not known: by number.
    std::map<std::uint32_t, std::string> given;
  };

  /// `request` is what is asked, as text. Fails with 409 while another goes on under the key, 422
  /// when the key was used for another request, 503 when it cannot be known whether something has
  /// been made. While agents come and go it waits: one that was just started, or was cut off and
  /// sees itself alone for a moment, would judge without knowing anything.
  asio::awaitable<Result<std::shared_ptr<Use>>> begin(std::string key, std::string request,
                                                      trust::Principal caller);

  /// As a judge.
  VerbReply judge(const NodeId& from, const ClaimKeyVerb& verb) { return judge_.judge(from, verb); }
  Result<void> noted(const NodeId& from, const std::string& notice) {
    return judge_.noted(from, notice);
  }
  void on_joined(const NodeId& peer);
  /// The agent is there, and has not got what it was told of late.
  void tell_again(const NodeId& peer);
  void on_lost(const NodeId& peer, bool said_goodbye);
  /// As any node: what its daemon has under the key.
  asio::awaitable<VerbReply> find(FindKeyVerb verb, TimePoint deadline);

 private:
  class Held;

  std::set<NodeId> newcomers() const;
  asio::awaitable<Result<bool>> claim_of(NodeId judge, std::shared_ptr<Held> held);
  asio::awaitable<Result<void>> claim(std::shared_ptr<Held> held);
  asio::awaitable<Result<std::shared_ptr<Held>>> claim_at_rest(std::string key);
  asio::awaitable<Result<void>> find_made(std::shared_ptr<Use> use);
  Result<void> take_found(Use& use, const KeyedContainer& place, const std::string& body) const;
  Result<void> judge_silence(const Use& use, const std::vector<std::string>& silent) const;
  void tell(const std::vector<NodeId>& judges, const json& notice);
  void tell_now(const std::vector<NodeId>& judges, const std::string& text);
  asio::awaitable<void> say_again(std::vector<NodeId> judges, std::string text);
  void tell_new_judges();

  Herd& herd_;
  docker_client::Docker& docker_;
  KeyJudge judge_;
  const TimePoint started_;
  TimePoint settled_at_;                // Until then judges may not be seen.
  std::map<NodeId, TimePoint> joined_;  // Others, and when.
  std::map<std::string, Held*> live_;   // Requests that go on here, by token.
  std::shared_ptr<CreateKeys*> alive_ = std::make_shared<CreateKeys*>(this);
};

}  // namespace dockherd::agent
