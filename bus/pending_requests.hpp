// Requests that wait for a reply: id -> who is to answer, until when, and who waits. Must not know
// what waiting is: a Waiter is a completion handler for the event bus, a number in a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"

namespace dockherd::bus {

/// Purpose: gives each waiter back exactly once: to the reply, the deadline, the loss of its peer,
/// or the end of the bus, whichever comes first.
/// Owner: EventBus.
template <typename Waiter>
class PendingRequests {
 public:
  using Id = std::uint64_t;

  explicit PendingRequests(Id first_id, std::size_t limit = limits::bus_pending_requests)
      : next_id_(first_id), limit_(limit) {}

  bool full() const { return entries_.size() >= limit_; }
  std::size_t size() const { return entries_.size(); }
  /// Those that wait for a reply of this one.
  std::size_t size_of(const NodeId& replier) const {
    const auto found = by_replier_.find(replier);
    return found == by_replier_.end() ? 0 : found->second;
  }
  /// An id never given before.
  Id new_id() { return next_id_++; }

  void add(Id id, const NodeId& replier, TimePoint deadline, Waiter waiter) {
    deadlines_.emplace(deadline, id);
    ++by_replier_[replier];
    entries_.emplace(id, Entry{replier, deadline, std::move(waiter)});
  }

  /// The waiter for a reply from `replier`; nothing when the id is unknown (late, repeated) or was
  /// sent to somebody else.
  std::optional<Waiter> take(Id id, const NodeId& replier) {
    const auto it = entries_.find(id);
    if (it == entries_.end() || it->second.replier != replier) return std::nullopt;
    return take(it);
  }
  std::optional<Waiter> take(Id id) {
    const auto it = entries_.find(id);
    if (it == entries_.end()) return std::nullopt;
    return take(it);
  }

  bool contains(Id id) const { return entries_.contains(id); }

  /// In order of their ids, which is the order in which they were sent.
  std::vector<Waiter> take_of(const NodeId& replier) {
    std::vector<Waiter> waiters;
    for (auto it = entries_.begin(); it != entries_.end();) {
      const auto next = std::next(it);
      if (it->second.replier == replier) waiters.push_back(take(it));
      it = next;
    }
    return waiters;
  }

  /// In order of their deadlines.
  std::vector<Waiter> take_expired(TimePoint now) {
    std::vector<Waiter> waiters;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      waiters.push_back(take(entries_.find(deadlines_.begin()->second)));
    }
    return waiters;
  }

  std::vector<Waiter> take_all() {
    std::vector<Waiter> waiters;
    while (!entries_.empty()) waiters.push_back(take(entries_.begin()));
    return waiters;
  }

  TimePoint next_deadline() const {
    return deadlines_.empty() ? TimePoint::max() : deadlines_.begin()->first;
  }

 private:
  struct Entry {
    NodeId replier;
    TimePoint deadline;
    Waiter waiter;
  };
  using Entries = std::map<Id, Entry>;

  Waiter take(typename Entries::iterator it) {
    Waiter waiter = std::move(it->second.waiter);
    deadlines_.erase({it->second.deadline, it->first});
    const auto count = by_replier_.find(it->second.replier);
    if (--count->second == 0) by_replier_.erase(count);
    entries_.erase(it);
    return waiter;
  }

  Id next_id_;
  std::size_t limit_;
  Entries entries_;  // Ordered: the order in which waiters fail shows.
  std::set<std::pair<TimePoint, Id>> deadlines_;
  std::map<NodeId, std::size_t> by_replier_;  // How many wait for whom.
};

}  // namespace dockherd::bus
