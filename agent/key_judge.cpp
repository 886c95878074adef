#include "agent/key_judge.hpp"

#include <algorithm>

#include "base/fnv1a.hpp"
#include "base/json_reader.hpp"
#include "base/limits.hpp"
#include "http_api/responses.hpp"

namespace dockherd::agent {

namespace {

constexpr std::chrono::hours remembered_for{1};
/// Longer than the longest pull and the create after it.
constexpr std::chrono::minutes longest_request{12};
/// A lost agent that is back within this goes on with what it did.
constexpr std::chrono::seconds may_be_back{3};

std::uint64_t key_weight(const std::string& key, const NodeId& node) {
  return fnv1a(fnv1a(fnv1a(fnv1a_start, "key "), key), node.raw());
}

}  // namespace

std::vector<NodeId> key_judges(const Herd& herd, const std::string& key,
                               const std::set<NodeId>& left_out) {
  std::vector<std::pair<std::uint64_t, NodeId>> ranked;
  for (const auto& [node, status] : herd.nodes.nodes()) {
    if (!left_out.contains(node)) ranked.emplace_back(key_weight(key, node), node);
  }
  std::sort(ranked.rbegin(), ranked.rend());
  std::vector<NodeId> judges;
  judges.reserve(ranked.size());
  for (const auto& [weight, node] : ranked) judges.push_back(node);
  return judges;
}

/// Without ranking all: most nodes are found not to be one after a few others.
bool KeyJudge::is_judge(const std::string& key, const NodeId& node) const {
  const std::pair own(key_weight(key, node), node);
  std::size_t before = 0;
  for (const auto& [other, status] : herd_.nodes.nodes()) {
    if (std::pair(key_weight(key, other), other) > own && ++before >= judges_of_a_key) return false;
  }
  return true;
}

/// The one that ended first is forgotten when there are too many.
bool KeyJudge::make_room() {
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

VerbReply KeyJudge::judge(const NodeId& from, const ClaimKeyVerb& verb) {
  if (!entries_.contains(verb.key) && !make_room()) {
    return http_api::error_reply(Error(errc::busy, "too many creates with keys are under way"));
  }
  Entry& entry = entries_[verb.key];
  const TimePoint now = herd_.clock.now();
  // The end of one may have been lost on its way.
  if (!entry.token.empty() && now < entry.lease && entry.token != verb.token) {
    Error under_way(errc::docker_refused, "a create with this key is under way");
    under_way.docker_status = 409;
    return http_api::error_reply(under_way);
  }
  entry.from = from;
  entry.token = verb.token;
  entry.lease = now + longest_request;
  if (entry.until <= now) entry.given.clear();
  json given = json::object();
  for (const auto& [item, host] : entry.given) given[std::to_string(item)] = host;
  return {200, dump_json(json{{"given", std::move(given)}})};
}

Result<void> KeyJudge::noted(const NodeId& from, const std::string& notice) {
  auto news = decode_key_news(notice);
  if (!news) return news.error();
  if (!news->token) return remember(news->key, std::move(news->given));
  auto entry = entries_.find(news->key);
  const bool is_free = entry == entries_.end() || entry->second.token.empty();
  if (is_free) {
    // Who judges in place of one that is gone hears of what goes on like this.
    if (news->ended || (entry == entries_.end() && !make_room())) return {};
    entry = entries_.try_emplace(news->key).first;
    entry->second.from = from;
    entry->second.token = *news->token;
  } else if (entry->second.from != from || entry->second.token != *news->token) {
    return {};
  }
  const TimePoint now = herd_.clock.now();
  entry->second.lease = now + longest_request;
  for (auto& [item, host] : news->given) {
    if (host.empty()) {
      entry->second.given.erase(item);
    } else {
      entry->second.given[item] = std::move(host);
    }
    entry->second.until = now + remembered_for;
  }
  if (news->ended) {
    entry->second.token.clear();
    if (entry->second.given.empty()) entries_.erase(entry);
  }
  return {};
}

Result<void> KeyJudge::remember(const std::string& key, KeyPlaces places) {
  if (!entries_.contains(key) && !make_room()) return {};
  Entry& entry = entries_[key];
  entry.given.merge(places);
  entry.until = herd_.clock.now() + remembered_for;
  return {};
}

void KeyJudge::hand_on(const std::string& key, const Entry& entry, const NodeId& judge) {
  if (judge == herd_.self() || entry.given.empty() || herd_.clock.now() >= entry.until) return;
  KeyNews news;
  news.key = key;
  news.given = entry.given;
  herd_.bus.notify(judge, std::string(topic_key), encode_key_news(news));
}

void KeyJudge::tell(const NodeId& peer) {
  for (auto& [key, entry] : entries_) {
    if (entry.from == peer) entry.lease = herd_.clock.now() + longest_request;
    if (is_judge(key, peer)) hand_on(key, entry, peer);
  }
}

/// Without this the two that know could go one after the other, each giving way to one that was
/// there all the time and so is not told as one that joins.
void KeyJudge::on_lost(const NodeId& peer) {
  for (auto& [key, entry] : entries_) {
    if (entry.from == peer) entry.lease = std::min(entry.lease, herd_.clock.now() + may_be_back);
    if (entry.given.empty() || !is_judge(key, peer)) continue;
    std::vector<NodeId> judges = key_judges(herd_, key);
    if (judges.size() > judges_of_a_key) judges.resize(judges_of_a_key);
    for (const NodeId& judge : judges) hand_on(key, entry, judge);
  }
}

}  // namespace dockherd::agent
