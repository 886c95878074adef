// The verbs over the whole herd: finds who is concerned, asks them, merges their answers. Anything
// that one node alone can do is VerbExecutor's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/bulk_create.hpp"
#include "agent/herd.hpp"
#include "agent/herd_lists.hpp"
#include "agent/replies.hpp"
#include "agent/template_store.hpp"
#include "agent/verb_executor.hpp"
#include "agent/verbs.hpp"

namespace dockherd::agent {

class ClusterService {
 public:
  ClusterService(Herd& herd, VerbExecutor& executor, NameClaims& claims, QuotaJudge& quotas,
                 CreateKeys& keys)
      : herd_(herd),
        executor_(executor),
        claims_(claims),
        quotas_(quotas),
        keys_(keys),
        templates_(herd.settings.templates) {}

  /// A verb as a client sent it; `key` is that of the request's header, where the verb has none.
  /// Always answers.
  asio::awaitable<VerbReply> execute(std::string request, trust::Principal caller,
                                     std::string key = {});

  /// One container of this node's own daemon, named by its id, in the time that the action is
  /// allowed by itself.
  asio::awaitable<VerbReply> act_here(ContainerVerb verb) {
    return act_at(herd_.self(), std::move(verb));
  }

  /// This node enters or leaves the pool; answered once every peer has taken it in, or has had
  /// `deadline` to.
  asio::awaitable<VerbReply> set_own_pool(bool in_pool, TimePoint deadline);

 private:
  asio::awaitable<VerbReply> create(CreateVerb verb, trust::Principal caller, std::string request);
  asio::awaitable<VerbReply> act_on_one(ContainerVerb verb);
  asio::awaitable<VerbReply> act_at(NodeId node, ContainerVerb verb);
  asio::awaitable<VerbReply> hand_over(NodeId node, std::string hostname, ContainerVerb verb,
                                       TimePoint deadline);
  asio::awaitable<VerbReply> act_on_several(ContainerVerb verb);
  asio::awaitable<VerbReply> list(ListVerb verb);
  asio::awaitable<VerbReply> list_nodes(trust::Principal caller);
  asio::awaitable<VerbReply> set_pool(PoolVerb verb);

  Result<BulkPlan> plan(CreateVerb verb, trust::Principal caller);
  Result<void> judge_plan(const BulkPlan& plan, const json& body) const;
  asio::awaitable<void> name_hosts_with_image(std::vector<std::string>& envelopes);
  Result<ContainerLocation> locate(const std::string& reference) const;
  VerbReply not_located(const Error& error) const;
  VerbReply hidden(const std::string& reference) const;
  std::vector<std::string> lost_hosts() const;
  SharedNames shared_names(const trust::Principal& caller) const;
  Result<NodeId> node_named(const std::string& hostname) const;
  asio::awaitable<Result<bus::Reply>> ask(NodeId node, std::string verb, TimePoint deadline,
                                          bus::Lane lane = bus::Lane::work);
  asio::awaitable<std::vector<NodeAnswer>> ask_all(std::string verb, TimePoint deadline,
                                                   bus::Lane lane = bus::Lane::work);
  TimePoint task_deadline() const { return herd_.clock.now() + herd_.settings.task_timeout; }

  Herd& herd_;
  VerbExecutor& executor_;
  NameClaims& claims_;
  QuotaJudge& quotas_;
  CreateKeys& keys_;
  TemplateStore templates_;
};

}  // namespace dockherd::agent
