// Follows this node's daemon: its events and its list of containers into the table, the directory,
// the bus (an endpoint per container) and the other nodes. The only writer of this node's own part
// of the directory.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "agent/container_table.hpp"
#include "agent/herd.hpp"
#include "agent/promise_keeper.hpp"
#include "docker_client/docker.hpp"

namespace dockherd::agent {

/// Notice to all agents about the sender's containers; see docs/bus.md.
inline constexpr std::string_view topic_containers = "containers";
/// Notice to all agents about the sender itself: encode_status().
inline constexpr std::string_view topic_status = "status";
/// Notice to one agent: view_sum() of the sender, for the receiver to compare.
inline constexpr std::string_view topic_sum = "sum";
/// Notice to one agent: what it has told of itself is wrong or missing here, it is to tell it anew.
inline constexpr std::string_view topic_resend = "resend";

/// Lifecycle: start() spawns its loops into herd.tasks; they end when that group closes.
class DockerWatcher {
 public:
  DockerWatcher(Herd& herd, docker_client::Docker& docker, PromiseKeeper& promises);

  void start();

  /// Called for each container that the daemon lists, whenever it does, when one was updated, and
  /// when one is gone.
  void on_listed(std::function<void(const ContainerSummary&)> listed) {
    on_listed_ = std::move(listed);
  }
  void on_updated(std::function<void(const std::string& id)> updated) {
    on_updated_ = std::move(updated);
  }
  void on_removed(std::function<void(const std::string& id)> gone) {
    on_removed_ = std::move(gone);
  }

  /// A container was made here just now: known to the herd before this returns.
  void adopt(const std::string& id, const std::string& name);
  /// A container was changed or removed here just now: looked at again soon, and by list() first.
  void touch(const std::string& id);
  void removed(const std::string& id);

  /// Docker said that the container's process has ended. Its list may say otherwise for some
  /// milliseconds more, so it is looked at until it agrees, for about 0.1 s at most.
  void stopped(const std::string& id);

  /// It was renamed here just now: known to the herd before this returns.
  void renamed(const std::string& id, const std::string& name);

  /// The list of this node's containers as of now (see ContainerTable::list_text), or why the
  /// daemon cannot be asked.
  asio::awaitable<Result<std::string>> list(TimePoint deadline);

  /// The same as ContainerTable::herd_list.
  asio::awaitable<Result<engine_api::OwnList>> herd_list(engine_api::NodeView node,
                                                         engine_api::NameStyle style, bool all,
                                                         TimePoint deadline);

  /// The notice that tells a new peer all of this node's containers.
  std::string snapshot() const;

  std::int64_t created_nano(const std::string& id) const { return table_.created_nano(id); }

  std::size_t size() const { return table_.size(); }

 private:
  asio::awaitable<void> follow();
  asio::awaitable<void> learn_facts();
  asio::awaitable<Result<void>> catch_up(TimePoint deadline);
  asio::awaitable<void> relist_at_intervals();
  asio::awaitable<void> refresh_touched();
  class Look;
  asio::awaitable<Result<void>> refresh_some(TimePoint deadline);
  asio::awaitable<void> settle(std::string id);
  void tell_listed(const ContainerSummary& summary);
  void put_listed(ContainerSummary summary);
  asio::awaitable<void> list_twice();
  asio::awaitable<void> relist_until_done();
  asio::awaitable<Result<void>> relist(TimePoint deadline);
  asio::awaitable<Result<docker_client::DockerResponse>> list_all(TimePoint deadline);
  void note_failed_list(const Error& error);

  void on_event(std::string_view line);
  void on_stream_open();
  void set_daemon_up();
  void set_daemon_down(const std::string& why);
  void apply(const TableChanges& changes);
  TimePoint call_deadline() const;

  Herd& herd_;
  docker_client::Docker& docker_;
  PromiseKeeper& promises_;
  std::function<void(const ContainerSummary&)> on_listed_;
  std::function<void(const std::string&)> on_updated_;
  std::function<void(const std::string&)> on_removed_;
  ContainerTable table_;
  std::set<std::string> touched_;               // To be looked at again.
  std::set<std::string> touched_in_relist_;     // Changed while a whole list was under way.
  std::set<std::string> ending_;                // stopped(), but perhaps still listed as running.
  std::map<std::string, std::uint64_t> looks_;  // Under way: id -> number of its latest look.
  std::uint64_t looks_ever_ = 0;
  std::size_t relists_running_ = 0;
  bool streaming_ = false;
  TimePoint listed_{};
  asio::experimental::channel<void(boost::system::error_code)> wake_;
};

}  // namespace dockherd::agent
