#include "agent/docker_watcher.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "agent/notice_codec.hpp"
#include "base/counted.hpp"
#include "base/json_reader.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "trust/users.hpp"

namespace dockherd::agent {

namespace {

constexpr std::chrono::milliseconds first_retry{100};
constexpr std::chrono::milliseconds last_retry{1'000};
constexpr std::size_t refresh_at_once = 32;  // Beyond, one whole list costs less.
constexpr std::chrono::milliseconds status_fresh_for{1'000};
constexpr std::chrono::milliseconds surely_subscribed{500};
constexpr std::chrono::milliseconds first_second_look{2};  // Doubled with each further one.
constexpr unsigned second_looks = 6;

std::string owner_of(const ContainerSummary& summary) {
  const auto label = summary.labels.find(std::string(trust::owner_label));
  return label == summary.labels.end() ? std::string() : label->second;
}

std::string id_filter(const std::vector<std::string>& ids) {
  return dump_json(json{{"id", ids}});
}

Result<std::vector<ContainerSummary>> read_list(const docker_client::DockerResponse& response) {
  if (!response.ok()) return docker_client::refusal_of(response);
  return docker_client::decode_container_list(response.body);
}

/// Actions of container events after which the daemon lists the container differently. Others
/// (exec_*, attach, resize, top, copy…) come often and change nothing that we keep.
bool changes_listing(std::string_view action) {
  static constexpr std::array<std::string_view, 13> changing{
      "create", "start",   "die",    "stop",    "kill", "destroy",      "rename",
      "pause",  "unpause", "update", "restart", "oom",  "health_status"};
  const std::string_view verb = action.substr(0, action.find(':'));
  return std::find(changing.begin(), changing.end(), verb) != changing.end();
}

}  // namespace

DockerWatcher::DockerWatcher(Herd& herd, docker_client::Docker& docker, PromiseKeeper& promises)
    : herd_(herd), docker_(docker), promises_(promises), wake_(herd.tasks.executor(), 1) {
  promises_.on_created(
      [this](const std::string& id, std::int64_t nano) { table_.set_created_nano(id, nano); });
}

void DockerWatcher::start() {
  herd_.tasks.spawn("docker events", follow());
  herd_.tasks.spawn("docker relist", relist_at_intervals());
  herd_.tasks.spawn("docker refresh", refresh_touched());
}

TimePoint DockerWatcher::call_deadline() const {
  return herd_.clock.now() +
         std::max<Duration>(herd_.settings.task_timeout * 4, std::chrono::seconds(10));
}

asio::awaitable<void> DockerWatcher::follow() {
  const std::vector<std::string> types{"container"};
  Duration retry = first_retry;
  for (;;) {
    bool opened = false;
    std::function<void()> on_open = [this, &opened] {
      opened = true;
      on_stream_open();
    };
    std::function<void(std::string_view)> on_line = [this](std::string_view line) {
      on_event(line);
    };
    auto request = docker_client::events_request(std::nullopt, types, call_deadline());
    const auto ended =
        co_await docker_.stream_lines(std::move(request), std::move(on_open), std::move(on_line));
    streaming_ = false;
    set_daemon_down(ended ? "the daemon ended its event stream" : ended.error().message);
    // A stream that had been open means that the daemon was well a moment ago.
    retry = opened ? Duration(first_retry) : std::min<Duration>(retry * 2, last_retry);
    co_await herd_.clock.sleep_until(herd_.clock.now() + retry);
  }
}

void DockerWatcher::on_stream_open() {
  streaming_ = true;
  // Listed only now, so that nothing falls between list and events.
  herd_.tasks.spawn("docker first list", list_twice());
}

/// dockerd sends the headers of its event stream before it subscribes to its own events (moby's
/// getEvents), so there is a moment of which neither the first list nor the stream tells.
asio::awaitable<void> DockerWatcher::list_twice() {
  co_await relist_until_done();
  co_await herd_.clock.sleep_until(herd_.clock.now() + surely_subscribed);
  co_await relist_until_done();
}

asio::awaitable<void> DockerWatcher::relist_until_done() {
  while (streaming_) {
    const auto listed = co_await relist(call_deadline());
    if (listed) co_return;
    note_failed_list(listed.error());
    co_await herd_.clock.sleep_until(herd_.clock.now() + last_retry);
  }
}

asio::awaitable<void> DockerWatcher::relist_at_intervals() {
  for (;;) {
    co_await herd_.clock.sleep_until(herd_.clock.now() + herd_.settings.relist_interval);
    if (!streaming_) continue;
    const auto listed = co_await relist(call_deadline());
    if (listed) continue;
    // A daemon that hangs keeps its event stream open: only this call finds out.
    note_failed_list(listed.error());
    co_await relist_until_done();
  }
}

/// That all our calls at once are taken says nothing about the daemon.
void DockerWatcher::note_failed_list(const Error& error) {
  if (error.code != errc::busy) set_daemon_down(error.message);
}

asio::awaitable<Result<void>> DockerWatcher::relist(TimePoint deadline) {
  if (relists_running_ == 0) touched_in_relist_.clear();
  auto response = co_await list_all(deadline);
  if (!response) co_return response.error();
  auto parsed = read_list(*response);
  if (!parsed) co_return parsed.error();
  // What was touched while the daemon was answering may be in its answer or not: looked at again
  // below, and until then left as it is.
  const std::set<std::string> unsure = touched_in_relist_;
  for (const ContainerSummary& summary : *parsed) {
    if (!unsure.contains(summary.id)) tell_listed(summary);
  }
  apply(table_.replace_all(std::move(*parsed), unsure));
  listed_ = herd_.clock.now();
  if (streaming_) set_daemon_up();
  for (const std::string& id : unsure) touch(id);
  co_return Result<void>();
}

asio::awaitable<Result<docker_client::DockerResponse>> DockerWatcher::list_all(TimePoint deadline) {
  // Also one that is cancelled at its caller's deadline is no longer running.
  const Counted running(relists_running_);
  auto request = docker_client::list_containers_request(true, "", deadline).as_own_look();
  co_return co_await docker_.call(std::move(request));
}

void DockerWatcher::on_event(std::string_view line) {
  const auto event = docker_client::decode_event(line);
  if (!event) {
    herd_.log->debug("event not understood error={}", event.error().message);
    return;
  }
  if (event->type != "container" || !changes_listing(event->action)) return;
  if (event->action == "destroy") {
    removed(event->id);
    touch(event->id);  // A look-up under way may still bring it back.
  } else if (event->action == "create") {
    adopt(event->id, event->name);
    table_.set_created_nano(event->id, event->time_nano);
  } else if (event->action == "die") {
    stopped(event->id);
  } else {
    if (event->action == "start") ending_.erase(event->id);
    if (event->action == "update") {
      promises_.changed(event->id);
      if (on_updated_) on_updated_(event->id);
    }
    touch(event->id);
  }
}

void DockerWatcher::stopped(const std::string& id) {
  touch(id);
  if (ending_.insert(id).second) herd_.tasks.spawn("docker settle", settle(id));
}

/// dockerd reports the end of a process before it saves the container's new state to where its list
/// reads it (moby's handleContainerExit).
asio::awaitable<void> DockerWatcher::settle(std::string id) {
  Duration delay = first_second_look;
  for (unsigned look = 0; look < second_looks; ++look, delay *= 2) {
    co_await herd_.clock.sleep_until(herd_.clock.now() + delay);
    if (!ending_.contains(id)) co_return;
    touch(id);
  }
  ending_.erase(id);
}

void DockerWatcher::tell_listed(const ContainerSummary& summary) {
  promises_.listed(summary.id, summary.state, owner_of(summary));
  if (on_listed_) on_listed_(summary);
}

void DockerWatcher::put_listed(ContainerSummary summary) {
  if (summary.state != "running") ending_.erase(summary.id);
  tell_listed(summary);
  apply(table_.put(std::move(summary)));
}

void DockerWatcher::adopt(const std::string& id, const std::string& name) {
  std::vector<std::string> names;
  if (!name.empty()) names.push_back(name);
  apply(table_.adopt(id, std::move(names)));
  touch(id);
}

void DockerWatcher::renamed(const std::string& id, const std::string& name) {
  apply(table_.rename(id, name));
  touch(id);
}

void DockerWatcher::touch(const std::string& id) {
  touched_.insert(id);
  if (relists_running_ > 0) touched_in_relist_.insert(id);
  wake_.try_send(boost::system::error_code());
}

void DockerWatcher::removed(const std::string& id) {
  touched_.erase(id);
  ending_.erase(id);
  if (relists_running_ > 0) touched_in_relist_.insert(id);
  apply(table_.remove(id));
}

asio::awaitable<void> DockerWatcher::refresh_touched() {
  for (;;) {
    co_await wake_.async_receive(asio::use_awaitable);
    while (!touched_.empty()) {
      const auto refreshed = co_await refresh_some(call_deadline());
      // The daemon is away or failing; when its stream opens again everything is listed anew.
      if (!refreshed) co_await herd_.clock.sleep_until(herd_.clock.now() + first_retry);
    }
  }
}

/// The ids that one look is about. Unless it comes to an end they are to be looked at again, also
/// when the look is cancelled.
class DockerWatcher::Look {
 public:
  explicit Look(DockerWatcher& watcher)
      : watcher_(watcher), number_(++watcher.looks_ever_), ids_(watcher.touched_) {
    watcher_.touched_.clear();
    for (const std::string& id : ids_) watcher_.looks_[id] = number_;
  }
  ~Look() {
    for (const std::string& id : ids_) {
      if (take(id)) watcher_.touched_.insert(id);
    }
  }
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;

  std::vector<std::string> ids() const { return {ids_.begin(), ids_.end()}; }
  /// The look at this id is over; false when a later one decides about it.
  bool take(const std::string& id) {
    const auto latest = watcher_.looks_.find(id);
    if (latest == watcher_.looks_.end() || latest->second != number_) return false;
    watcher_.looks_.erase(latest);
    return true;
  }

 private:
  DockerWatcher& watcher_;
  std::uint64_t number_;
  std::set<std::string> ids_;
};

asio::awaitable<Result<void>> DockerWatcher::refresh_some(TimePoint deadline) {
  Look look(*this);
  const std::vector<std::string> ids = look.ids();
  if (ids.size() > refresh_at_once) {
    const auto listed = co_await relist(deadline);
    if (!listed) co_return listed.error();
    for (const std::string& id : ids) look.take(id);
    co_return Result<void>();
  }
  auto request = docker_client::list_containers_request(true, id_filter(ids), deadline);
  auto response = co_await docker_.call(std::move(request).as_own_look());
  if (!response) co_return response.error();
  auto parsed = read_list(*response);
  if (!parsed) co_return parsed.error();
  std::map<std::string, ContainerSummary> found;
  for (ContainerSummary& summary : *parsed) found.emplace(summary.id, std::move(summary));
  for (const std::string& id : ids) {
    // Touched again meanwhile: this answer may already be wrong.
    if (!look.take(id) || touched_.contains(id)) continue;
    const auto summary = found.find(id);
    if (summary != found.end()) {
      put_listed(std::move(summary->second));
    } else {
      ending_.erase(id);
      apply(table_.remove(id));
    }
  }
  co_return Result<void>();
}

asio::awaitable<Result<std::string>> DockerWatcher::list(TimePoint deadline) {
  const auto fresh = co_await catch_up(deadline);
  if (!fresh) co_return fresh.error();
  co_return table_.list_text(herd_.settings.hostname);
}

asio::awaitable<Result<engine_api::OwnList>> DockerWatcher::herd_list(engine_api::NodeView node,
                                                                      engine_api::NameStyle style,
                                                                      bool all,
                                                                      TimePoint deadline) {
  const auto fresh = co_await catch_up(deadline);
  if (!fresh) co_return fresh.error();
  co_return table_.herd_list(node, style, all);
}

/// Returns when the table has all that has happened by now.
asio::awaitable<Result<void>> DockerWatcher::catch_up(TimePoint deadline) {
  const NodeStatus& status = herd_.own_status();
  if (!status.daemon_up) co_return Error(errc::daemon_down, status.daemon_error);
  Result<void> fresh;
  const bool stale = table_.counts_seconds() && herd_.clock.now() - listed_ > status_fresh_for;
  if (stale) fresh = co_await relist(deadline);
  // A look under way may have begun before the latest change: look again rather than wait for it.
  for (const auto& [id, look] : looks_) touched_.insert(id);
  // Only what has changed by now is waited for; on a busy host something always changes.
  std::set<std::string> awaited = touched_;
  awaited.insert(ending_.begin(), ending_.end());
  const auto under_way = [&](const std::string& id) {
    return touched_.contains(id) || looks_.contains(id) || ending_.contains(id);
  };
  while (fresh && std::any_of(awaited.begin(), awaited.end(), under_way)) {
    if (herd_.clock.now() >= deadline) {
      co_return Error(errc::timeout, "the daemon did not list its latest changes in time");
    }
    if (!touched_.empty()) {
      fresh = co_await refresh_some(deadline);
    } else {
      co_await herd_.clock.sleep_until(herd_.clock.now() + first_second_look);
    }
  }
  co_return fresh;
}

/// What the daemon says of its host: for placement by labels, and for people.
asio::awaitable<void> DockerWatcher::learn_facts() {
  auto request = docker_client::info_request(call_deadline());
  const auto response = co_await docker_.call(std::move(request));
  if (!response || !response->ok()) co_return;
  auto facts = docker_client::decode_host_facts(response->body);
  if (!facts) co_return;
  NodeStatus& status = herd_.own_status();
  NodeStatus learnt = status;
  learnt.cpus = facts->cpus;
  learnt.memory_bytes = facts->memory_bytes;
  learnt.labels = std::move(facts->labels);
  learnt.facts.operating_system = std::move(facts->operating_system);
  learnt.facts.os_type = std::move(facts->os_type);
  learnt.facts.architecture = std::move(facts->architecture);
  learnt.facts.kernel_version = std::move(facts->kernel_version);
  learnt.facts.storage_driver = std::move(facts->storage_driver);
  if (learnt == status) co_return;
  status = std::move(learnt);
  herd_.bus.notify_all(std::string(topic_status), encode_status(status));
}

void DockerWatcher::apply(const TableChanges& changes) {
  if (changes.empty()) return;
  for (const auto& [id, names] : changes.put) {
    if (!herd_.directory.has(herd_.self(), id)) {
      herd_.note_new_container(herd_.self());
      herd_.log->info("container appeared id={} name={}", id.substr(0, 12),
                      names.empty() ? "" : names.front());
      herd_.bus.join(id);
    }
    herd_.put(herd_.self(), id, names);
  }
  for (const std::string& id : changes.removed) {
    herd_.log->info("container removed id={}", id.substr(0, 12));
    herd_.directory.remove(herd_.self(), id);
    herd_.bus.leave(id);
    promises_.removed(id);
    if (on_removed_) on_removed_(id);
  }
  ContainersNotice notice;
  notice.put = changes.put;
  notice.removed = changes.removed;
  notice.sum = herd_.own_sum();
  herd_.bus.notify_all(std::string(topic_containers), encode_containers(notice));
}

std::string DockerWatcher::snapshot() const {
  ContainersNotice notice;
  notice.all = true;
  notice.put = table_.names();
  return encode_containers(notice);
}

void DockerWatcher::set_daemon_up() {
  NodeStatus& status = herd_.own_status();
  const docker_client::DaemonVersion version = docker_.version();
  if (status.daemon_up && status.docker_version == version.version &&
      status.docker_api_version == version.api_version) {
    return;
  }
  if (!status.daemon_up) herd_.tasks.spawn("docker facts", learn_facts());
  status.daemon_up = true;
  status.daemon_error.clear();
  status.docker_version = version.version;
  status.docker_api_version = version.api_version;
  herd_.log->info("daemon up version={} api={} containers={}", version.version, version.api_version,
                  table_.size());
  herd_.bus.notify_all(std::string(topic_status), encode_status(status));
}

void DockerWatcher::set_daemon_down(const std::string& why) {
  NodeStatus& status = herd_.own_status();
  const bool was_up = status.daemon_up;
  if (!was_up && status.daemon_error == why) return;
  status.daemon_up = false;
  status.daemon_error = why;
  herd_.log->warn("daemon down error={}", why);
  // Its containers stay known: whoever asks for one is told which host is in trouble.
  herd_.bus.notify_all(std::string(topic_status), encode_status(status));
}

}  // namespace dockherd::agent
