// A host that was lost returns, and one of its containers runs elsewhere by now: the old one is
// stopped and renamed, or removed (`superseded`). A new one that was made and never started is
// started.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/docker_watcher.hpp"
#include "agent/herd.hpp"
#include "agent/reschedule_rules.hpp"
#include "docker_client/docker.hpp"

namespace dockherd::agent {

/// Notice: the ids of containers that a container of the sender replaces, that one's own, and what
/// must be the same of both: {"ids":[…],"by":ID,"name":NAME,"owner":NAME}.
inline constexpr std::string_view topic_superseded = "superseded";

/// Purpose: tells others what this node's containers replace, and retires this node's own that are
/// replaced. The label of the new container is what says so, so that nothing has to be remembered.
/// A label can be written by anybody: a container is retired only when it asks for rescheduling,
/// has the new one's name and owner, and the new one is there. Owned by Node. One thread only.
class SupersededWatcher {
 public:
  SupersededWatcher(Herd& herd, docker_client::Docker& docker, DockerWatcher& watcher)
      : herd_(herd), docker_(docker), watcher_(watcher) {}

  /// This node's daemon lists the container, or has it no longer.
  void listed(const docker_client::ContainerSummary& summary);
  void removed(const std::string& id);
  /// An agent has joined: it may have been away while its containers were replaced.
  void on_joined(const NodeId& peer);
  Result<void> take(const NodeId& from, const std::string& text);

 private:
  /// One of this node's own that replaces others, or, of any node, that replaces one of ours.
  struct Replacing {
    std::string id;
    std::string name;
    std::string owner;
    std::vector<std::string> ids;  ///< Of those that it replaces.
  };

  void tell(const NodeId& to, const Replacing& replacing);
  std::vector<std::string> made_beside(const Replacing& other) const;
  static bool stays_before(const Replacing& one, const Replacing& other);
  void note_replaced(const Replacing& replacing);
  void begin_to_retire(const std::string& id);
  void begin_to_start(const docker_client::ContainerSummary& summary);
  asio::awaitable<void> start_if_left(std::string id);
  asio::awaitable<void> retire(std::string id, Replacing by);
  asio::awaitable<bool> is_replaced(std::string id, Replacing by);
  asio::awaitable<Result<void>> call(docker_client::DockerRequest request);
  asio::awaitable<Result<void>> stop_for_good(std::string id);

  Herd& herd_;
  docker_client::Docker& docker_;
  DockerWatcher& watcher_;
  std::map<std::string, Replacing> replacing_;  // By own id.
  std::map<std::string, Replacing> replaced_;   // By the old id.
  std::set<std::string> retiring_;
  std::set<std::string> starting_;  // Own ones that replace others.
};

}  // namespace dockherd::agent
