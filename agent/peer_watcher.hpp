// Follows the other nodes: their status and containers into the node table and the directory, and
// tells newcomers what this node has. The only writer of the others' part of the directory.
//
// Whoever is told changes only stays wrong for good when something once went astray. So what is
// told is summed up in one number, which comes with every change and, from each node to one other
// in turn, at intervals: that costs the same in a herd of any size. Who has another number asks for
// everything anew.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "agent/create_keys.hpp"
#include "agent/docker_watcher.hpp"
#include "agent/herd.hpp"
#include "agent/name_claims.hpp"
#include "agent/quota_judge.hpp"
#include "agent/rescheduler.hpp"
#include "agent/specification_keeper.hpp"
#include "agent/superseded_watcher.hpp"
#include "bus/event_bus.hpp"

namespace dockherd::agent {

/// Who is told that agents come and go, besides the tables.
struct Rescheduling {
  SpecificationKeeper& specifications;
  Rescheduler& rescheduler;
  SupersededWatcher& superseded;
};

class PeerWatcher final : public bus::BusListener {
 public:
  PeerWatcher(Herd& herd, const DockerWatcher& own_containers, NameClaims& claims,
              QuotaJudge& quotas, CreateKeys& keys)
      : herd_(herd),
        own_containers_(own_containers),
        claims_(claims),
        quotas_(quotas),
        keys_(keys) {}

  void start();
  /// Called with the address at which an agent was called that is lost or gone.
  void on_gone(std::function<void(const std::string& address)> gone) { gone_ = std::move(gone); }

  /// Set before start().
  void reschedule_with(Rescheduling rescheduling) { rescheduling_.emplace(rescheduling); }

  void on_peer_joined(const bus::PeerInfo& peer) override;
  void on_peer_lost(const bus::PeerInfo& peer, const std::string& reason) override;
  void on_session_renewed(const bus::PeerInfo& peer) override;
  void on_notice(const NodeId& from, const std::string& topic, const std::string& body) override;

  /// Takes in what a node says of itself; also the verb between agents, which is acknowledged.
  Result<void> take_status(const NodeId& from, const std::string& text);

 private:
  void tell_everything(const NodeId& to);
  asio::awaitable<void> tell_sums();
  void compare(const NodeId& from, const std::string& sum);
  Result<void> take_rescheduling(const NodeId& from, const std::string& topic,
                                 const std::string& body);
  Result<void> take_sum(const NodeId& from, const std::string& text);
  Result<void> take_containers(const NodeId& from, const std::string& text);

  Herd& herd_;
  const DockerWatcher& own_containers_;
  NameClaims& claims_;
  QuotaJudge& quotas_;
  CreateKeys& keys_;
  /// Of each node: the text of its last status, and when it was asked for everything anew.
  struct Told {
    std::string status;
    std::optional<TimePoint> asked;
  };
  std::function<void(const std::string& address)> gone_;
  std::optional<Rescheduling> rescheduling_;
  std::map<NodeId, Told> told_;
  NodeId sum_told_to_;
};

}  // namespace dockherd::agent
