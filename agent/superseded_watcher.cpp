#include "agent/superseded_watcher.hpp"

#include <algorithm>

#include "agent/notice_codec.hpp"
#include "base/limits.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "trust/users.hpp"

namespace dockherd::agent {

namespace {

constexpr std::chrono::seconds retire_timeout{30};
constexpr std::chrono::seconds retire_again_after{5};
constexpr std::chrono::seconds grace{10};
/// Longer than a create and its start take. (An image is pulled before.)
constexpr std::chrono::seconds surely_left{20};

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
  const bool retired =
      !summary.names.empty() && summary.names.front().find(retired_mark) != std::string::npos;
  const bool replaces = label != summary.labels.end() && !retired;
  // One that was never started replaces nothing: the old one may be all that runs.
  const bool never_ran = summary.state == "created";
  if (replaces && never_ran) begin_to_start(summary);
  if (replaces && !never_ran && !replacing_.contains(summary.id)) {
    Replacing replacing;
    replacing.id = summary.id;
    replacing.name = summary.names.empty() ? "" : summary.names.front();
    const auto owner = summary.labels.find(std::string(trust::owner_label));
    if (owner != summary.labels.end()) replacing.owner = owner->second;
    replacing.ids = superseded_ids(label->second);
    // Copied: to notify one whose link is full may lose it.
    const auto nodes = herd_.nodes.nodes();
    for (const auto& [node, status] : nodes) {
      if (node != herd_.self()) tell(node, replacing);
    }
    note_replaced(replacing);  // It may have been made on the very host that has returned since.
    replacing_.emplace(summary.id, std::move(replacing));
  }
  begin_to_retire(summary.id);
}

/// Its start failed or was lost, and so did its removal: by its name it is in everybody's way to
/// make another, and nobody else would start it.
void SupersededWatcher::begin_to_start(const docker_client::ContainerSummary& summary) {
  if (!asks_for_rescheduling(summary.labels) || !starting_.insert(summary.id).second) return;
  herd_.tasks.spawn("start of a new one", start_if_left(summary.id));
}

asio::awaitable<void> SupersededWatcher::start_if_left(std::string id) {
  co_await herd_.clock.sleep_until(herd_.clock.now() + surely_left);
  auto inspect = docker_client::inspect_request(id, herd_.clock.now() + retire_timeout);
  const auto response = co_await docker_.call(std::move(inspect));
  const auto inspection =
      response && response->ok() ? parse_json(response->body) : Result<json>(json());
  const json* state = inspection ? find_member(*inspection, "State") : nullptr;
  const json* status = state == nullptr ? nullptr : find_member(*state, "Status");
  if (status != nullptr && *status == "created") {
    herd_.log->warn("never started since its host was lost, starting it id={}", id.substr(0, 12));
    auto start = docker_client::start_request(id, herd_.clock.now() + retire_timeout);
    const auto started = co_await call(std::move(start));
    if (started) watcher_.touch(id);
  }
  starting_.erase(id);  // A later list begins anew if it has not helped.
}

void SupersededWatcher::removed(const std::string& id) {
  replacing_.erase(id);
  replaced_.erase(id);
}

void SupersededWatcher::on_joined(const NodeId& peer) {
  for (const auto& [id, replacing] : replacing_) tell(peer, replacing);
}

void SupersededWatcher::tell(const NodeId& to, const Replacing& replacing) {
  SupersededNotice notice;
  notice.by = replacing.id;
  notice.ids = replacing.ids;
  notice.name = replacing.name;
  notice.owner = replacing.owner;
  herd_.bus.notify(to, std::string(topic_superseded), encode_superseded(notice));
}

Result<void> SupersededWatcher::take(const NodeId& from, const std::string& text) {
  auto notice = decode_superseded(text);
  if (!notice) return notice.error();
  if (herd_.nodes.find(from) == nullptr) {
    return Error(errc::bad_request, "superseded containers from a node that is not a peer");
  }
  Replacing replacing;
  replacing.id = std::move(notice->by);
  replacing.name = std::move(notice->name);
  replacing.owner = std::move(notice->owner);
  replacing.ids = std::move(notice->ids);
  // A host that was frozen may have gone on with what another had done meanwhile: both have made
  // the same container anew. Of these one stays: that which replaces more, as what replaces another
  // does, so that no circle comes to be; among equals the one with the lesser id.
  std::vector<std::string> beaten;
  for (const std::string& id : made_beside(replacing)) {
    if (stays_before(replacing, replacing_.at(id))) {
      beaten.push_back(id);
    } else {
      tell(from, replacing_.at(id));  // Ours may not have been there when its node joined.
    }
  }
  replacing.ids.insert(replacing.ids.end(), beaten.begin(), beaten.end());
  note_replaced(replacing);
  return {};
}

bool SupersededWatcher::stays_before(const Replacing& one, const Replacing& other) {
  if (one.ids.size() != other.ids.size()) return one.ids.size() > other.ids.size();
  return one.id < other.id;
}

/// Ours that replace the same as another's, and neither the other.
std::vector<std::string> SupersededWatcher::made_beside(const Replacing& other) const {
  const auto replaces = [](const Replacing& one, const std::string& id) {
    return std::find(one.ids.begin(), one.ids.end(), id) != one.ids.end();
  };
  std::vector<std::string> made;
  for (const auto& [id, own] : replacing_) {
    const bool same_kind = own.name == other.name && own.owner == other.owner;
    if (!same_kind || id == other.id || replaces(other, id) || replaces(own, other.id)) continue;
    const auto shared = [&](const std::string& each) { return replaces(other, each); };
    if (std::any_of(own.ids.begin(), own.ids.end(), shared)) made.push_back(id);
  }
  return made;
}

void SupersededWatcher::note_replaced(const Replacing& replacing) {
  for (const std::string& id : replacing.ids) {
    if (!looks_like_container_id(id) || id == replacing.id) continue;
    if (replaced_.size() >= limits::ids_per_request) {
      std::erase_if(replaced_, [this](const auto& entry) {
        return !herd_.directory.resolve(entry.second.id).found();
      });
    }
    if (replaced_.size() >= limits::ids_per_request) return;
    replaced_.insert_or_assign(id, replacing);
    begin_to_retire(id);
  }
}

/// Called again with each list of the daemon, for as long as there is something to do.
void SupersededWatcher::begin_to_retire(const std::string& id) {
  const auto replaced = replaced_.find(id);
  if (replaced == replaced_.end() || !herd_.directory.has(herd_.self(), id)) return;
  if (!herd_.directory.resolve(replaced->second.id).found()) return;  // The new one is not there.
  if (!retiring_.insert(id).second) return;
  herd_.tasks.spawn("superseded", retire(id, replaced->second));
}

/// By what the daemon says of it.
asio::awaitable<bool> SupersededWatcher::is_replaced(std::string id, Replacing by) {
  auto request = docker_client::inspect_request(id, herd_.clock.now() + retire_timeout);
  const auto response = co_await docker_.call(std::move(request));
  if (!response || !response->ok()) co_return false;
  const auto inspection = parse_json(response->body);
  if (!inspection || !inspection->is_object()) co_return false;
  std::map<std::string, std::string> labels;
  const json* config = find_member(*inspection, "Config");
  const json* given = config == nullptr ? nullptr : find_member(*config, "Labels");
  if (given != nullptr && given->is_object()) {
    for (const auto& [label, value] : given->items()) {
      if (value.is_string()) labels.emplace(label, value.get<std::string>());
    }
  }
  const auto owner = labels.find(std::string(trust::owner_label));
  const bool same_owner = by.owner == (owner == labels.end() ? "" : owner->second);
  const auto name = inspection->find("Name");
  const bool same_name = name != inspection->end() && name->is_string() && *name == "/" + by.name;
  co_return asks_for_rescheduling(labels) && same_owner&& same_name;
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
  const TimePoint deadline = herd_.clock.now() + retire_timeout;
  auto updated = co_await call(no_restart_request(id, deadline));
  if (!updated) co_return updated;
  auto stop = docker_client::stop_request(id, grace, deadline + grace);
  co_return co_await call(std::move(stop));
}

asio::awaitable<void> SupersededWatcher::retire(std::string id, Replacing by) {
  const bool replaced = co_await is_replaced(id, by);
  if (!replaced) {
    retiring_.erase(id);
    co_return;
  }
  const std::string new_name = by.name + std::string(retired_mark) + id.substr(0, 12);
  const bool remove = herd_.settings.remove_superseded;
  herd_.log->warn("superseded while this host was away name={} id={} by={}: {}", loggable(by.name),
                  id.substr(0, 12), by.id.substr(0, 12),
                  remove ? "it is stopped and removed" : "it is stopped and renamed");
  auto done = co_await stop_for_good(id);
  if (done) {
    const TimePoint deadline = herd_.clock.now() + retire_timeout;
    auto last = remove ? docker_client::remove_request(id, true, false, deadline)
                       : rename_request(id, new_name, deadline);
    done = co_await call(std::move(last));
  }
  if (!done) {
    // It is begun anew with a later list.
    herd_.log->warn("cannot retire, trying again name={} error={}", loggable(by.name),
                    loggable(done.error().message, 256));
    co_await herd_.clock.sleep_until(herd_.clock.now() + retire_again_after);
  } else if (remove) {
    watcher_.removed(id);
  } else {
    watcher_.renamed(id, new_name);
    watcher_.stopped(id);
  }
  if (done) replacing_.erase(id);
  retiring_.erase(id);
}

}  // namespace dockherd::agent
