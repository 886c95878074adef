// The specifications of containers that are to run again elsewhere when their host is lost: told by
// their owner to a few other agents, kept by those for as long as owner and container are there.
// Soft state, like all else: a restarted owner tells them anew.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/herd.hpp"
#include "agent/reschedule_rules.hpp"
#include "base/limits.hpp"
#include "docker_client/docker.hpp"
#include "docker_client/docker_types.hpp"

namespace dockherd::agent {

/// Notice to a keeper: encode_specification() of a container of the sender.
inline constexpr std::string_view topic_specification = "specification";
/// Notice to a keeper: the id of a container whose specification is not needed any more.
inline constexpr std::string_view topic_specification_gone = "specification-gone";

/// Owned by Node. Lifecycle: start() spawns its loop into herd.tasks. One thread only.
class SpecificationKeeper {
 public:
  /// `most_bytes`: of what is kept for others.
  SpecificationKeeper(Herd& herd, docker_client::Docker& docker,
                      std::size_t most_bytes = limits::specification_bytes);

  void start();

  // As the owner.
  void listed(const docker_client::ContainerSummary& summary);
  /// By an update: its limits or restart policy.
  void changed(const std::string& id);
  void removed(const std::string& id);
  /// Agents have joined or are gone: others may have to keep what this one has.
  void agents_changed();
  /// A keeper may have lost what it was told.
  void tell_again(const NodeId& keeper);

  // As a keeper: notices. What is over a bound is not kept, and that is logged.
  Result<void> take(const NodeId& owner, const std::string& text);
  void forget(const NodeId& owner, const std::string& text);
  /// All that is kept for that owner, and is no longer kept.
  std::vector<Specification> take_all_of(const NodeId& owner);

  std::size_t kept() const;

 private:
  struct Own {
    std::string listed_as;  // State and names: when they change it is inspected again.
    Specification told;     // Without keepers: nothing yet.
  };

  asio::awaitable<void> tell_changes();
  asio::awaitable<void> choose_keepers_anew();
  asio::awaitable<void> look_at(std::string id);
  void tell(Own& own);
  void tell_gone(const Own& own, const std::vector<NodeId>& except);
  std::vector<NodeId> other_agents() const;
  void wake();

  Herd& herd_;
  docker_client::Docker& docker_;
  const std::size_t most_bytes_;
  std::map<std::string, Own> own_;
  std::set<std::string> to_inspect_;
  bool agents_changed_ = false;
  std::map<NodeId, std::map<std::string, Specification>> kept_;
  std::size_t kept_bytes_ = 0;
  bool told_full_ = false;
  asio::experimental::channel<void(boost::system::error_code)> wake_;
};

}  // namespace dockherd::agent
