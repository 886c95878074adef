#include "agent/superseded_watcher.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"

namespace dockherd::agent {

namespace {

constexpr std::chrono::seconds call_timeout{30};
constexpr std::chrono::seconds try_again_after{5};
constexpr std::chrono::seconds grace{10};
constexpr std::string_view retired_mark = "-superseded-";

docker_client::DockerRequest no_restart_request(const std::string& id, TimePoint deadline) {
  return docker_client::DockerRequest("POST", "/containers/" + id + "/update", deadline)
      .with_body(R"({"RestartPolicy":{"Name":"no"}})");
}

docker_client::DockerRequest rename_request(const std::string& id, const std::string& name,
                                            TimePoint deadline) {
  return {"POST", "/containers/" + id + "/rename?name=" + docker_client::url_encode(name),
          deadline};
}

}  // namespace

void SupersededWatcher::listed(const docker_client::ContainerSummary& summary) {
  const auto label = summary.labels.find(supersedes_label);
  if (label != summary.labels.end() && !replacing_.contains(summary.id)) {
    const auto ids = superseded_ids(label->second);
    replacing_[summary.id] = ids;
    for (const auto& [node, status] : herd_.nodes.nodes()) {
      if (node != herd_.self()) tell(node, summary.id, ids);
    }
    // It may have been made on the very host that has returned since.
    for (const std::string& id : ids) {
      if (id != summary.id && replaced_.size() < limits::ids_per_request) {
        replaced_.emplace(id, summary.id);
        retire_if_here(id);
      }
    }
  }
  begin_to_retire(summary.id, summary.names);
}

void SupersededWatcher::removed(const std::string& id) {
  replacing_.erase(id);
  replaced_.erase(id);
}

void SupersededWatcher::on_joined(const NodeId& peer) {
  for (const auto& [by, ids] : replacing_) tell(peer, by, ids);
}

void SupersededWatcher::tell(const NodeId& to, const std::string& by,
                             const std::vector<std::string>& ids) {
  herd_.bus.notify(to, std::string(topic_superseded), dump_json(json{{"ids", ids}, {"by", by}}));
}

Result<void> SupersededWatcher::take(const NodeId& from, const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto reader = JsonReader::of(*document);
  if (!reader) return reader.error();
  const auto ids = reader->strings("ids", limits::ids_per_request);
  const auto by = reader->string("by");
  if (!ids || !*ids || !by || !*by || !looks_like_container_id(**by)) {
    return Error(errc::bad_request, "superseded containers need ids and by");
  }
  if (herd_.nodes.find(from) == nullptr) {
    return Error(errc::bad_request, "superseded containers from a node that is not a peer");
  }
  for (const std::string& id : **ids) {
    if (!looks_like_container_id(id) || replaced_.size() >= limits::ids_per_request) continue;
    replaced_.insert_or_assign(id, **by);
    retire_if_here(id);
  }
  return {};
}

void SupersededWatcher::retire_if_here(const std::string& id) {
  if (!herd_.directory.has(herd_.self(), id)) return;
  const Resolution known = herd_.directory.resolve(id, herd_.self());
  begin_to_retire(id, known.found() ? known.candidates.front().names : std::vector<std::string>());
}

void SupersededWatcher::begin_to_retire(const std::string& id,
                                        const std::vector<std::string>& names) {
  const auto replaced = replaced_.find(id);
  if (replaced == replaced_.end()) return;
  const std::string name = names.empty() ? id.substr(0, 12) : names.front();
  const bool retired = name.find(retired_mark) != std::string::npos;
  if (retired || !retiring_.insert(id).second) return;
  herd_.tasks.spawn("superseded", retire(id, name, replaced->second));
}

asio::awaitable<Result<void>> SupersededWatcher::call(docker_client::DockerRequest request) {
  auto response = co_await docker_.call(std::move(request));
  if (!response) co_return response.error();
  const bool gone = response->status == 404;
  if (!response->ok() && !gone) co_return docker_client::refusal_of(*response);
  co_return Result<void>();
}

/// Also when the daemon starts anew.
asio::awaitable<Result<void>> SupersededWatcher::stop_for_good(std::string id) {
  const TimePoint deadline = herd_.clock.now() + call_timeout;
  auto updated = co_await call(no_restart_request(id, deadline));
  if (!updated) co_return updated;
  auto stop = docker_client::stop_request(id, grace, deadline + grace);
  co_return co_await call(std::move(stop));
}

asio::awaitable<void> SupersededWatcher::retire(std::string id, std::string name, std::string by) {
  const std::string new_name = name + std::string(retired_mark) + id.substr(0, 12);
  const bool remove = herd_.settings.remove_superseded;
  herd_.log->warn(
      "superseded while this host was away name={} id={} by={}: {}", loggable(name),
      id.substr(0, 12), by.substr(0, 12),
      remove ? "it is stopped and removed" : "it is stopped and renamed to " + new_name);
  for (;;) {
    auto done = co_await stop_for_good(id);
    const TimePoint deadline = herd_.clock.now() + call_timeout;
    if (done) {
      auto last = remove ? docker_client::remove_request(id, true, false, deadline)
                         : rename_request(id, new_name, deadline);
      done = co_await call(std::move(last));
    }
    if (done) break;
    herd_.log->warn("cannot retire, trying again name={} error={}", loggable(name),
                    loggable(done.error().message, 256));
    co_await herd_.clock.sleep_until(herd_.clock.now() + try_again_after);
  }
  if (remove) {
    watcher_.removed(id);
  } else {
    watcher_.renamed(id, new_name);
    watcher_.stopped(id);
  }
  retiring_.erase(id);
}

}  // namespace dockherd::agent
