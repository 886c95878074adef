// One bulk of creates, from shares to the account of every item. Runs on the node that was asked;
// each container is one request to the node that is to create it, a few in flight to each node, so
// that when a node dies only those in flight are in doubt and the rest go elsewhere.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/create_keys.hpp"
#include "agent/herd.hpp"
#include "agent/name_claims.hpp"
#include "agent/quota_judge.hpp"
#include "agent/replies.hpp"
#include "agent/template_render.hpp"
#include "agent/verbs.hpp"

namespace dockherd::agent {

/// What is to be created, with the template already read.
struct BulkPlan {
  /// One container's create body.
  Result<json> render(const TemplateVariables& of_item) const;

  json body;
  /// The create body as text, sent as it is: neither template nor overrides are looked at.
  std::optional<std::string> exact_body;
  std::string exact_name;                    ///< Beside exact_body; claimed by the caller.
  std::string platform;                      ///< See CreateOneVerb.
  std::string api_version;                   ///< See CreateOneVerb.
  bool pull = true;                          ///< See CreateOneVerb.
  std::optional<std::set<NodeId>> eligible;  ///< Only these may have it.
  bool expand_body = false;                  ///< It is a template: placeholders in it are replaced.
  TemplateOverrides overrides;
  TemplateVariables variables;  ///< template_name and bulk; n and hostname are set per item.
  std::uint32_t instances = 1;
  bool start = false;
  std::vector<std::pair<std::string, std::string>> headers;
  trust::Principal caller;  ///< For whom. What he makes has his label.
  /// Of a request that may be repeated: what is there already is not made again. Null for others.
  std::shared_ptr<CreateKeys::Use> use;
  bool keep_marks = false;  ///< The body is that of a container that was made before.
};

/// How one item ended.
struct BulkItem {
  enum class State { pending, created, failed, unknown };

  std::uint32_t number = 0;  ///< From 1: {n}.
  State state = State::pending;
  int status = 0;                                     ///< HTTP status of the last answer.
  std::string envelope;                               ///< The last answer.
  std::vector<std::pair<std::string, int>> refusals;  ///< "h1: why", and its status: one for each.

  std::set<NodeId> refused_by;          ///< Not asked again.
  std::optional<std::size_t> max_load;  ///< Part of the remainder: only where so few are.
  std::uint32_t declines = 0;           ///< Times that a node had more than that.
  bool extra = false;                   ///< Counted in the bulk's extras where it is placed.
  bool begun = false;                   ///< It was made by an earlier try.
  bool given_before = false;            ///< To the host that it is asked of, with unknown end.

  std::string claimed;  ///< The name that the ticket is for.
  std::shared_ptr<NameClaims::Ticket> ticket;
};

/// Purpose: carries out one bulk. Lifecycle: make, run() once; goes on in the herd's tasks when the
/// caller of run() is cancelled, because what has begun is not undone.
class BulkCreate : public std::enable_shared_from_this<BulkCreate> {
 public:
  /// `grant`: of the caller's quota; null when he has none.
  BulkCreate(Herd& herd, NameClaims& claims, BulkPlan plan,
             std::shared_ptr<QuotaJudge::Grant> grant = nullptr);

  /// Returns when every item has ended. By then all have been answered or are past their deadline,
  /// which does not come while a host pulls the image, for at most the time of a pull.
  asio::awaitable<void> run();

  /// All items, by number. Complete after run().
  const std::vector<BulkItem>& items() const { return items_; }
  Summary summary() const;
  /// HTTP status of the first item that was not created; 200 when there is none.
  int first_failure() const;

 private:
  void take_made();
  asio::awaitable<void> start_made(std::shared_ptr<BulkCreate> keep_alive, BulkItem& item,
                                   KeyedContainer container);
  std::string made_envelope(const KeyedContainer& container) const;
  std::vector<BulkItem*> give_again();
  void assign_shares(const std::vector<BulkItem*>& waiting, const Loads& before);
  void assign(BulkItem& item, const NodeId& node);
  void assign_extra(BulkItem& item, const NodeId& node, std::optional<std::size_t> max_load);
  void reassign(BulkItem& item, const NodeId& not_taken_by);
  asio::awaitable<void> work(std::shared_ptr<BulkCreate> keep_alive, NodeId node);
  asio::awaitable<void> attempt(BulkItem& item, NodeId node);
  /// What is sent: body and name of the item for that host.
  Result<CreateOneVerb> verb_for(const BulkItem& item, const TemplateVariables& variables) const;
  asio::awaitable<Result<void>> claim_name(BulkItem& item, std::string name);
  /// As long as the node pulls the image it is asked again.
  asio::awaitable<Result<bus::Reply>> ask(NodeId node, std::string verb);
  /// `hostname`: the node's when it was asked; a lost one is not known any more.
  void judge(BulkItem& item, const NodeId& node, const std::string& hostname,
             const Result<bus::Reply>& answer);
  void judge_refusal(BulkItem& item, const NodeId& node, const std::string& hostname,
                     const bus::Reply& reply);
  void end(BulkItem& item, BulkItem::State state, int status, std::string envelope);
  Error shown_to_caller(Error error) const;
  void end_with(BulkItem& item, const Error& error);
  Loads loads() const;
  std::optional<Error> name_conflict(const std::string& name) const;
  Error nowhere_to_go() const;

  Herd& herd_;
  NameClaims& claims_;
  BulkPlan plan_;
  std::shared_ptr<QuotaJudge::Grant> grant_;
  Duration allowed_{};                  // For the whole bulk, without pulls.
  TimePoint deadline_;                  // Begins anew while an image is being pulled.
  std::optional<TimePoint> pulls_end_;  // Longer than this no pull is waited for.
  std::vector<BulkItem> items_;
  std::map<NodeId, std::deque<BulkItem*>> queues_;
  std::map<NodeId, std::size_t> workers_;
  std::map<NodeId, std::size_t> reported_loads_;  // From nodes that declined.
  Loads extras_;  // What nodes have, or get, beyond their equal shares.
  std::size_t ended_ = 0;
  asio::experimental::channel<void(boost::system::error_code)> done_;
};

}  // namespace dockherd::agent
