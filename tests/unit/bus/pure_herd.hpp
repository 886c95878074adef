// Several Memberships joined by wires that only the test controls: no event loop, no sockets, only
// a queue of what happens when.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bus/membership.hpp"

namespace dockherd::bus {

class PureHerd {
 public:
  struct Event {
    TimePoint time;
    int at;     ///< The node that saw it.
    int about;  ///< The node that joined or was lost.
    bool joined;
    std::string reason;
  };

  explicit PureHerd(int count, const LivenessSettings& liveness = {}) {
    std::mt19937_64 random(count);
    for (int i = 0; i < count; ++i) {
      auto made = std::make_unique<Node>(settings_of(i, NodeId::random(random), liveness));
      by_id_[made->id] = i;
      by_endpoint_[endpoint_of(i)] = i;
      nodes_.push_back(std::move(made));
    }
  }

  Membership& operator[](int i) { return nodes_[index(i)]->membership; }
  const NodeId& id(int i) const { return nodes_[index(i)]->id; }
  int size() const { return static_cast<int>(nodes_.size()); }

  /// Everybody sees everybody.
  void introduce_all() {
    for (int a = 0; a < size(); ++a) {
      for (int b = 0; b < size(); ++b) {
        if (a != b) nodes_[index(a)]->membership.sighting(id(b), endpoint_of(b), now);
      }
      carry_out(a);
    }
  }
  void cut(int a, int b) { cuts_.insert({a, b}); }
  void cut_both(int a, int b) {
    cut(a, b);
    cut(b, a);
  }
  void heal_all() { cuts_.clear(); }
  /// Neither reads nor ticks until thawed (SIGSTOP); what arrives is kept.
  void freeze(int i) { nodes_[index(i)]->frozen = true; }
  void thaw(int i, bool tick_first = true) {
    Node& node = *nodes_[index(i)];
    node.frozen = false;
    if (tick_first) tick(i);
    for (auto& [from, frames] : std::exchange(node.inbox, {})) {
      node.membership.message(from, std::move(frames), now);
      carry_out(i);
    }
    tick(i);
  }
  /// The message is dropped instead of sent when this says so.
  std::function<bool(int from, int to, const Frames&)> drop = [](int, int, const Frames&) {
    return false;
  };

  void run_for(Duration time) { run_until(now + time); }
  void run_until(TimePoint end) {
    while (true) {
      TimePoint next = queue_.empty() ? TimePoint::max() : queue_.begin()->first.first;
      int due = -1;
      for (int i = 0; i < size(); ++i) {
        const Node& node = *nodes_[index(i)];
        const TimePoint deadline = node.membership.next_deadline();
        if (!node.frozen && deadline < next) {
          next = deadline;
          due = i;
        }
      }
      if (next > end) break;
      now = std::max(now, next);
      if (due >= 0) {
        tick(due);
      } else {
        const auto action = std::move(queue_.begin()->second);
        queue_.erase(queue_.begin());
        action();
      }
    }
    now = end;
  }

  bool whole() const {
    return std::all_of(nodes_.begin(), nodes_.end(), [this](const auto& node) {
      return node->membership.peers().size() + 1 == nodes_.size();
    });
  }
  std::vector<Event> losses() const {
    std::vector<Event> found;
    for (const Event& event : events) {
      if (!event.joined) found.push_back(event);
    }
    return found;
  }

  TimePoint now = TimePoint{} + std::chrono::seconds(1000);
  std::vector<Event> events;
  std::uint64_t messages = 0;
  std::map<ZreKind, int> sent;

 private:
  struct Node {
    explicit Node(MembershipSettings settings)
        : id(settings.id), membership(std::move(settings), 7) {}
    NodeId id;
    Membership membership;
    std::map<NodeId, std::pair<int, int>> links;  // link -> target, generation
    int generation = 0;
    bool frozen = false;
    std::vector<std::pair<NodeId, Frames>> inbox;
  };

  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  static std::string endpoint_of(int i) {
    return "tcp://10.0.0." + std::to_string(i + 1) + ":49152";
  }
  static MembershipSettings settings_of(int i, NodeId id, const LivenessSettings& liveness) {
    MembershipSettings settings;
    settings.id = id;
    settings.name = "n" + std::to_string(i);
    settings.endpoint = endpoint_of(i);
    settings.headers = {{std::string(header_version), "1"}};
    settings.liveness = liveness;
    return settings;
  }

  void tick(int i) {
    nodes_[index(i)]->membership.tick(now);
    carry_out(i);
  }

  void carry_out(int i) {
    Node& node = *nodes_[index(i)];
    for (auto actions = node.membership.take_actions(); !actions.empty();
         actions = node.membership.take_actions()) {
      for (MembershipAction& action : actions) {
        if (const auto* connect = std::get_if<Connect>(&action)) {
          node.links[connect->link] = {by_endpoint_.at(connect->endpoint), ++node.generation};
        } else if (const auto* gone = std::get_if<Disconnect>(&action)) {
          node.links.erase(gone->link);
        } else if (auto* send = std::get_if<Send>(&action)) {
          transmit(i, send->link, std::move(send->frames));
        } else if (const auto* joined = std::get_if<PeerJoined>(&action)) {
          events.push_back({now, i, by_id_.at(joined->peer.id), true, ""});
        } else if (const auto* lost = std::get_if<PeerLost>(&action)) {
          events.push_back({now, i, by_id_.at(lost->peer.id), false, lost->reason});
        }
      }
    }
  }

  void transmit(int from, const NodeId& link, Frames frames) {
    const auto found = nodes_[index(from)]->links.find(link);
    if (found == nodes_[index(from)]->links.end()) return;
    const int to = found->second.first;
    ++messages;
    if (const auto message = decode_zre(frames.front())) ++sent[message->kind];
    if (cuts_.contains({from, to}) || drop(from, to, frames)) return;
    auto arrive = [this, from, to, held = std::move(frames)]() mutable {
      Node& target = *nodes_[index(to)];
      if (target.frozen) {
        target.inbox.emplace_back(id(from), std::move(held));
        return;
      }
      target.membership.message(id(from), std::move(held), now);
      carry_out(to);
    };
    queue_.emplace(std::pair(now + std::chrono::milliseconds(1), ++order_), std::move(arrive));
  }

  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<NodeId, int> by_id_;
  std::map<std::string, int> by_endpoint_;
  std::set<std::pair<int, int>> cuts_;
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> queue_;
  std::uint64_t order_ = 0;
};

}  // namespace dockherd::bus
