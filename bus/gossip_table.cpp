#include "bus/gossip_table.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"

namespace dockherd::bus {

namespace {

// A node has one endpoint for life. Two links that claim different ones for the same node must not
// make us repeat both to each other without end.
constexpr std::chrono::seconds between_changes{1};

std::uint32_t to_millis(Duration time) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

}  // namespace

GossipTable::GossipTable(GossipTimes times) : times_(times) {}

void GossipTable::set_own(const NodeId& id, const std::string& endpoint) {
  GossipTuple tuple;
  tuple.id = id;
  tuple.endpoint = endpoint;
  own_ = std::move(tuple);
  entries_.erase(id);
}

std::optional<GossipMessage> GossipTable::take(GossipLinkId from, const GossipMessage& message,
                                               TimePoint now) {
  const auto tuple = to_tuple(message);
  if (!tuple || (own_ && tuple->id == own_->id)) return std::nullopt;
  const auto found = entries_.find(tuple->id);
  if (found == entries_.end()) return insert(from, *tuple, message.ttl_millis, now);

  Entry& entry = found->second;
  if (entry.tuple != *tuple) {
    if (now - entry.changed < between_changes) return std::nullopt;
    entries_.erase(found);
    return insert(from, *tuple, message.ttl_millis, now);
  }
  if (message.ttl_millis == 0) {
    if (!entry.refreshed) entry.held_by.insert(from);
    return std::nullopt;
  }
  const TimePoint ends =
      now + std::min<Duration>(std::chrono::milliseconds(message.ttl_millis), times_.lifetime);
  if (ends - end_of(entry, now) < times_.refresh / 2) return std::nullopt;
  entry.ends = ends;
  entry.refreshed = true;
  return publish(entry, now);
}

std::optional<GossipMessage> GossipTable::insert(GossipLinkId from, const GossipTuple& tuple,
                                                 std::uint32_t ttl_millis, TimePoint now) {
  if (entries_.size() >= limits::gossip_tuples) return std::nullopt;
  const auto grave = buried_.find(tuple.id);
  if (grave != buried_.end()) {
    if (ttl_millis == 0 && grave->second.endpoint == tuple.endpoint) return std::nullopt;
    buried_.erase(grave);
  }
  Entry entry;
  entry.tuple = tuple;
  entry.changed = now;
  entry.ends = now + times_.lifetime;
  if (ttl_millis == 0) {
    entry.held_by.insert(from);
  } else {
    entry.refreshed = true;
    entry.ends = now + std::min<Duration>(std::chrono::milliseconds(ttl_millis), times_.lifetime);
  }
  const auto inserted = entries_.emplace(tuple.id, std::move(entry)).first;
  return publish(inserted->second, now);
}

void GossipTable::drop_link(GossipLinkId link, TimePoint now) {
  for (auto& [id, entry] : entries_) {
    if (entry.held_by.erase(link) == 0 || !entry.held_by.empty()) continue;
    entry.ends = now + times_.lifetime;
  }
}

std::vector<GossipMessage> GossipTable::tick(TimePoint now) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (end_of(it->second, now) > now) {
      ++it;
      continue;
    }
    if (it->second.refreshed) bury(it->second, now);
    it = entries_.erase(it);
  }
  std::vector<GossipMessage> messages;
  if (next_refresh_ && now < *next_refresh_) return messages;
  next_refresh_ = now + times_.refresh;
  if (own_) messages.push_back(publish_own());
  for (const auto& [id, entry] : entries_) {
    if (!entry.held_by.empty()) messages.push_back(publish(entry, now));
  }
  return messages;
}

std::vector<GossipMessage> GossipTable::dump(TimePoint now) const {
  std::vector<GossipMessage> messages;
  messages.reserve(entries_.size() + 1);
  if (own_) messages.push_back(publish_own());
  for (const auto& [id, entry] : entries_) {
    if (end_of(entry, now) > now) messages.push_back(publish(entry, now));
  }
  return messages;
}

std::vector<GossipTuple> GossipTable::tuples() const {
  std::vector<GossipTuple> tuples;
  tuples.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) tuples.push_back(entry.tuple);
  return tuples;
}

/// What we vouch for has its whole life before it.
TimePoint GossipTable::end_of(const Entry& entry, TimePoint now) const {
  return entry.held_by.empty() ? entry.ends : now + times_.lifetime;
}

/// At least 1: 0 would mean a plain zgossip tuple.
GossipMessage GossipTable::publish(const Entry& entry, TimePoint now) const {
  GossipMessage message = to_publish(entry.tuple);
  const Duration left = std::max<Duration>(end_of(entry, now) - now, Duration::zero());
  message.ttl_millis = std::max(1u, to_millis(left));
  return message;
}

GossipMessage GossipTable::publish_own() const {
  GossipMessage message = to_publish(*own_);
  message.ttl_millis = to_millis(times_.lifetime);
  return message;
}

void GossipTable::bury(const Entry& entry, TimePoint now) {
  if (buried_.size() >= limits::gossip_tuples) {
    buried_.erase(std::min_element(
        buried_.begin(), buried_.end(),
        [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  }
  Grave grave;
  grave.endpoint = entry.tuple.endpoint;
  grave.since = now;
  buried_[entry.tuple.id] = std::move(grave);
}

}  // namespace dockherd::bus
