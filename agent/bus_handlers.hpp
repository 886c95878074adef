// Requests that arrive by the bus. One that says "local" is for this node's own daemon; any other
// is a client's verb and goes the way of one that came by HTTP.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "agent/cluster_service.hpp"
#include "agent/herd.hpp"
#include "agent/peer_watcher.hpp"
#include "agent/verb_executor.hpp"
#include "bus/event_bus.hpp"
#include "http_api/audit.hpp"

namespace dockherd::agent {

class BusHandlers {
 public:
  BusHandlers(Herd& herd, ClusterService& cluster, VerbExecutor& executor, PeerWatcher& peers,
              NameClaims& claims, QuotaJudge& quotas, CreateKeys& keys)
      : herd_(herd),
        cluster_(cluster),
        executor_(executor),
        peers_(peers),
        claims_(claims),
        quotas_(quotas),
        keys_(keys),
        audit_(get_logger("audit"), herd.clock) {}

  asio::awaitable<bus::Reply> handle(bus::IncomingRequest request);

 private:
  asio::awaitable<VerbReply> handle_local(bus::IncomingRequest request);
  void note(const std::string& body, const NodeId& from, const VerbReply& reply);
  /// The answer of a node that is stopping: nothing was changed.
  VerbReply declined() const;
  /// When the request was sent without a timeout it has the time that the same verb has by HTTP.
  TimePoint deadline_of(const bus::IncomingRequest& request, const Verb& verb) const;

  Herd& herd_;
  ClusterService& cluster_;
  VerbExecutor& executor_;
  PeerWatcher& peers_;
  NameClaims& claims_;
  QuotaJudge& quotas_;
  CreateKeys& keys_;
  http_api::AuditLog audit_;  ///< Of what comes from no agent.
};

}  // namespace dockherd::agent
