// Who judges the keys of creates, and what a judge remembers of them. See create_keys.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/herd.hpp"
#include "agent/notice_codec.hpp"
#include "agent/replies.hpp"
#include "agent/verbs.hpp"

namespace dockherd::agent {

/// Notice to a judge of a key: {"key","token"} and "given" (host by item, empty where it certainly
/// was not made), or "ended": true. Without "token": what another judge remembers.
inline constexpr std::string_view topic_key = "create-key";

/// So many let a request pass.
inline constexpr std::size_t judges_of_a_key = 2;

/// All agents but those left out, in the order in which they judge this key.
std::vector<NodeId> key_judges(const Herd& herd, const std::string& key,
                               const std::set<NodeId>& left_out = {});

/// Purpose: one of the two agents that let only one request under a key go on at a time, and that
/// know for an hour to which host each container was given. Bounded by limits::create_keys.
/// Owned by CreateKeys. One thread only.
class KeyJudge {
 public:
  explicit KeyJudge(Herd& herd) : herd_(herd) {}

  /// Lets a request pass, or answers 409 while another goes on.
  VerbReply judge(const NodeId& from, const ClaimKeyVerb& verb);
  Result<void> noted(const NodeId& from, const std::string& notice);
  /// An agent has joined, or lost what it was told: what it is to judge from now on it is told.
  void tell(const NodeId& peer);
  /// An agent is gone: who judges in its place is told by those that know.
  void on_lost(const NodeId& peer);

 private:
  struct Entry {
    NodeId from;
    std::string token;  ///< Empty: nobody's request goes on.
    KeyPlaces given;
    TimePoint until;  ///< Remembered so long, from the last that was given.
    TimePoint lease;  ///< The request goes on until then, unless something else is given.
  };

  bool is_judge(const std::string& key, const NodeId& node) const;
  Result<void> remember(const std::string& key, KeyPlaces places);
  void hand_on(const std::string& key, const Entry& entry, const NodeId& judge);
  bool make_room();

  Herd& herd_;
  std::map<std::string, Entry> entries_;
};

}  // namespace dockherd::agent
