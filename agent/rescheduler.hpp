// Makes containers of a lost host anew on others, for those that ask for it (reschedule_rules).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/herd.hpp"
#include "agent/name_claims.hpp"
#include "agent/specification_keeper.hpp"
#include "engine_api/herd_port.hpp"
#include "engine_api/placement_filter.hpp"

namespace dockherd::agent {

/// Purpose: acts once a host has been gone for settings.reschedule_after, as the first of a
/// container's keepers that is still there, if this side of a split may act.
/// Owned by Node. Lifecycle: start() spawns its loop into herd.tasks. One thread only.
class Rescheduler {
 public:
  Rescheduler(Herd& herd, NameClaims& claims, SpecificationKeeper& keeper,
              engine_api::HerdPort& port);

  void start();
  /// A host is gone without a goodbye; its containers have left the directory.
  void on_lost(const NodeId& node, const std::string& hostname);

  /// Containers of lost hosts that are not made again yet, as far as they are kept here.
  std::size_t waiting() const { return orphans_.size(); }

 private:
  struct Orphan {
    Specification specification;
    std::string hostname;   ///< Where it was.
    TimePoint due;          ///< Not before.
    bool told = false;      ///< That it cannot be made has been logged.
    bool in_doubt = false;  ///< It may have been made by this agent's order, and not begun.
    TimePoint begin_due{};  ///< Then: not begun before.
    /// Then: keeps other keepers from making it, too, for as long as a claim lasts.
    std::shared_ptr<NameClaims::Ticket> ticket;
  };
  enum class Step { forget, wait, act, begin };

  asio::awaitable<void> watch();
  Step step_for(const Orphan& orphan, TimePoint now) const;
  bool is_there(const std::string& name) const;
  bool this_side_acts() const;
  void look_at_sides();
  asio::awaitable<void> act(std::size_t index);
  asio::awaitable<void> begin(std::size_t index);
  asio::awaitable<Result<bool>> begin_at(NodeId node, std::string id, std::string superseded);
  asio::awaitable<Result<std::string>> make(Specification specification,
                                            std::shared_ptr<NameClaims::Ticket>& in_doubt);
  void add_containers(engine_api::HostFacts& facts) const;
  std::vector<std::string> hosts_that_fit(const std::string& body, std::string& why_none) const;

  Herd& herd_;
  NameClaims& claims_;
  SpecificationKeeper& keeper_;
  engine_api::HerdPort& port_;
  std::vector<Orphan> orphans_;
  std::optional<TimePoint> acts_from_;  ///< Empty: this side is the smaller one.
  asio::experimental::channel<void(boost::system::error_code)> wake_;
};

}  // namespace dockherd::agent
