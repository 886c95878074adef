// The daemon model's reading half: lists and inspections, in the shapes of API 1.41.
#include <algorithm>
#include <ctime>

#include "base/json_reader.hpp"
#include "docker_client/docker_status.hpp"
#include "tests/fakes/daemon_call.hpp"

namespace dockherd::fakes {

namespace {

using ordered_json = nlohmann::ordered_json;

std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string status_of(const ModelContainer& container, WallTime now) {
  docker_client::ContainerStatus status;
  status.state = std::string(state_name(container.state));
  status.exit_code = container.exit_code;
  status.started = container.started;
  status.finished = container.finished;
  return docker_client::status_text(status, now);
}

/// Docker's list filters: {"label":["a=b"]} or {"label":{"a=b":true}}.
std::vector<std::string> filter_values(const json& filters, const char* key) {
  std::vector<std::string> values;
  const auto found = filters.is_object() ? filters.find(key) : filters.end();
  if (!filters.is_object() || found == filters.end()) return values;
  for (const auto& [name, value] : found->items()) {
    values.push_back(value.is_string() ? value.get<std::string>() : name);
  }
  return values;
}

template <typename Matches>
bool any_matches(const std::vector<std::string>& wanted, Matches matches) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), matches);
}

/// Docker matches names as regular expressions; tests use plain parts and "^/name$" only.
bool name_matches(const std::string& name, std::string pattern) {
  std::string subject = "/" + name;
  if (pattern.starts_with('^')) {
    pattern.erase(0, 1);
    if (pattern.ends_with('$')) {
      pattern.pop_back();
      return subject == pattern || name == pattern;
    }
    return subject.starts_with(pattern) || name.starts_with(pattern);
  }
  return subject.find(pattern) != std::string::npos;
}

bool has_label(const ModelContainer& container, const std::string& wanted) {
  const auto equals = wanted.find('=');
  const auto found = container.labels.find(wanted.substr(0, equals));
  if (found == container.labels.end()) return false;
  return equals == std::string::npos || found->second == wanted.substr(equals + 1);
}

bool passes(const ModelContainer& container, const json& filters) {
  const auto labels = filter_values(filters, "label");
  return any_matches(filter_values(filters, "id"),
                     [&](const std::string& id) { return container.id.starts_with(id); }) &&
         any_matches(filter_values(filters, "name"),
                     [&](const std::string& name) { return name_matches(container.name, name); }) &&
         any_matches(
             filter_values(filters, "status"),
             [&](const std::string& status) { return status == state_name(container.state); }) &&
         std::all_of(labels.begin(), labels.end(),
                     [&](const std::string& label) { return has_label(container, label); });
}

ordered_json list_entry(const ModelContainer& container, WallTime now) {
  ordered_json entry;
  entry["Id"] = container.id;
  entry["Names"] = ordered_json::array({"/" + container.name});
  entry["Image"] = container.image;
  entry["ImageID"] = container.image_id;
  entry["Command"] = container.command;
  entry["Created"] = unix_seconds(container.created);
  entry["Ports"] = ordered_json::array();
  entry["Labels"] = container.labels;
  entry["State"] = state_name(container.state);
  entry["Status"] = status_of(container, now);
  entry["HostConfig"]["NetworkMode"] = container.network_mode;
  entry["NetworkSettings"]["Networks"] = ordered_json::object();
  entry["Mounts"] = ordered_json::array();
  return entry;
}

}  // namespace

std::string_view state_name(ContainerState state) {
  switch (state) {
    case ContainerState::created:
      return "created";
    case ContainerState::running:
      return "running";
    case ContainerState::paused:
      return "paused";
    case ContainerState::exited:
      return "exited";
  }
  return "dead";
}

std::string rfc3339(WallTime time) {
  if (time <= WallTime()) return "0001-01-01T00:00:00Z";
  const std::time_t seconds = static_cast<std::time_t>(unix_seconds(time));
  const auto nano = std::chrono::duration_cast<std::chrono::nanoseconds>(
                        time - WallTime(std::chrono::seconds(seconds)))
                        .count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string(nano);
  return std::string(text, size) + "." + std::string(9 - fraction.size(), '0') + fraction + "Z";
}

DockerResponse DaemonModel::list(const Call& call) {
  const std::int64_t second = unix_seconds(call.now);
  const bool good = rendered_.target == call.raw_target && rendered_.second == second &&
                    rendered_.changes == changes_;
  if (!good) {
    rendered_ = RenderedList{std::string(call.raw_target), second, changes_, render_list(call)};
  }
  return rendered_.response;
}

DockerResponse DaemonModel::render_list(const Call& call) const {
  const std::string text = call.target.get("filters");
  const json filters = text.empty() ? json::object() : json::parse(text, nullptr, false);
  if (filters.is_discarded()) return refuse(400, "invalid filter");
  const int limit = std::atoi(call.target.get("limit").c_str());
  const bool all =
      call.target.flag("all") || limit > 0 || !filter_values(filters, "status").empty();
  std::vector<const ModelContainer*> chosen;
  for (const auto& [id, container] : containers_) {
    const bool active =
        container.state == ContainerState::running || container.state == ContainerState::paused;
    if ((all || active) && passes(container, filters)) chosen.push_back(&container);
  }
  std::stable_sort(chosen.begin(), chosen.end(), [](const auto* left, const auto* right) {
    return left->created > right->created;
  });
  if (limit > 0 && chosen.size() > static_cast<std::size_t>(limit)) {
    chosen.resize(static_cast<std::size_t>(limit));
  }
  ordered_json entries = ordered_json::array();
  for (const ModelContainer* container : chosen)
    entries.push_back(list_entry(*container, call.now));
  return answer_json(200, dump(entries));
}

DockerResponse DaemonModel::inspect(const ModelContainer& found) const {
  const ordered_json body = ordered_json::parse(found.body, nullptr, false);
  const bool alive =
      found.state == ContainerState::running || found.state == ContainerState::paused;
  ordered_json answer;
  answer["Id"] = found.id;
  answer["Created"] = rfc3339(found.created);
  answer["Path"] = found.command.substr(0, found.command.find(' '));
  answer["Args"] = ordered_json::array();
  ordered_json& state = answer["State"];
  state["Status"] = state_name(found.state);
  state["Running"] = alive;
  state["Paused"] = found.state == ContainerState::paused;
  state["Restarting"] = false;
  state["OOMKilled"] = false;
  state["Dead"] = false;
  state["Pid"] = alive ? 4242 : 0;
  state["ExitCode"] = found.exit_code;
  state["Error"] = "";
  state["StartedAt"] = rfc3339(found.started);
  state["FinishedAt"] = rfc3339(found.finished);
  answer["Image"] = found.image_id;
  answer["Name"] = "/" + found.name;
  answer["RestartCount"] = 0;
  answer["Driver"] = "overlay2";
  answer["Platform"] = "linux";
  answer["Mounts"] = ordered_json::array();
  ordered_json config = body.is_object() ? body : ordered_json::object();
  ordered_json host = ordered_json::object();
  if (config.contains("HostConfig") && config["HostConfig"].is_object()) {
    host = config["HostConfig"];
    config.erase("HostConfig");
  }
  host["NetworkMode"] = found.network_mode;
  answer["HostConfig"] = host;
  config["Hostname"] = found.id.substr(0, 12);
  config["Image"] = found.image;
  config["Labels"] = found.labels;
  answer["Config"] = config;
  answer["NetworkSettings"]["Networks"] = ordered_json::object();
  return answer_json(200, dump(answer));
}

DockerResponse DaemonModel::list_images() const {
  ordered_json entries = ordered_json::array();
  for (const auto& [name, id] : images_) {
    ordered_json entry;
    entry["Containers"] = -1;
    entry["Created"] = 1'700'000'000;
    entry["Id"] = id;
    entry["Labels"] = nullptr;
    entry["ParentId"] = "";
    entry["RepoDigests"] = ordered_json::array();
    entry["RepoTags"] = ordered_json::array({name});
    entry["SharedSize"] = -1;
    entry["Size"] = 1'200'000;
    entry["VirtualSize"] = 1'200'000;
    entries.push_back(std::move(entry));
  }
  return answer_json(200, dump(entries));
}

DockerResponse DaemonModel::inspect_image(std::string_view name) const {
  for (const auto& [tag, id] : images_) {
    if (tag != with_tag(name) && id != name) continue;
    ordered_json answer;
    answer["Id"] = id;
    answer["RepoTags"] = ordered_json::array({tag});
    answer["Os"] = "linux";
    answer["Size"] = 1'200'000;
    return answer_json(200, dump(answer));
  }
  return refuse(404, "No such image: " + with_tag(name));
}

DockerResponse DaemonModel::ping(std::string_view method) const {
  DockerResponse response(200, method == "HEAD" ? "" : "OK");
  response.headers = {{"Api-Version", settings_.api_version},
                      {"Docker-Experimental", "false"},
                      {"Ostype", "linux"},
                      {"Server", "Docker/" + settings_.version + " (linux)"},
                      {"Content-Type", "text/plain; charset=utf-8"}};
  return response;
}

DockerResponse DaemonModel::version() const {
  ordered_json answer;
  answer["Platform"]["Name"] = "";
  answer["Version"] = settings_.version;
  answer["ApiVersion"] = settings_.api_version;
  answer["MinAPIVersion"] = settings_.min_api_version;
  answer["Os"] = "linux";
  answer["Arch"] = "amd64";
  return answer_json(200, dump(answer));
}

DockerResponse DaemonModel::info(WallTime now) const {
  std::map<ContainerState, int> counts;
  for (const auto& [id, container] : containers_) ++counts[container.state];
  ordered_json answer;
  answer["ID"] = network_id_.substr(0, 12);
  answer["Containers"] = containers_.size();
  answer["ContainersRunning"] = counts[ContainerState::running];
  answer["ContainersPaused"] = counts[ContainerState::paused];
  answer["ContainersStopped"] = counts[ContainerState::created] + counts[ContainerState::exited];
  answer["Images"] = images_.size();
  answer["SystemTime"] = rfc3339(now);
  answer["OperatingSystem"] = "a fake daemon";
  answer["OSType"] = "linux";
  answer["Name"] = settings_.name;
  answer["ServerVersion"] = settings_.version;
  return answer_json(200, dump(answer));
}

}  // namespace dockherd::fakes
