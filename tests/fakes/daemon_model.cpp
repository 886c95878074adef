#include "tests/fakes/daemon_model.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <utility>

#include "base/json_reader.hpp"
#include "tests/fakes/daemon_call.hpp"

namespace dockherd::fakes {

namespace {

/// Major and minor, for comparison: "1.41" -> {1, 41}.
std::pair<int, int> version_numbers(std::string_view text) {
  const auto dot = text.find('.');
  const auto number = [](std::string_view digits) {
    return std::atoi(std::string(digits).c_str());
  };
  if (dot == std::string_view::npos) return {number(text), 0};
  return {number(text.substr(0, dot)), number(text.substr(dot + 1))};
}

/// In any case of its letters, as Go's decoder finds it.
std::string text_of(const json& body, std::string_view key) {
  for (const auto& [name, value] : body.items()) {
    if (boost::beast::iequals(name, key) && value.is_string()) return value.get<std::string>();
  }
  return {};
}

std::string command_of(const json& body) {
  const auto command = body.find("Cmd");
  if (command == body.end() || command->is_null()) return "sh";
  if (command->is_string()) return command->get<std::string>();
  std::string words;
  for (const json& word : *command) {
    if (!word.is_string()) continue;
    if (!words.empty()) words += ' ';
    words += word.get<std::string>();
  }
  return words;
}

}  // namespace

std::string with_tag(std::string_view image) {
  const auto slash = image.rfind('/');
  const auto colon = image.rfind(':');
  const bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  return tagged ? std::string(image) : std::string(image) + ":latest";
}

DockerResponse answer_json(int status, std::string text) {
  DockerResponse response(status, std::move(text));
  response.headers = {{"Api-Version", "1.41"}, {"Content-Type", "application/json"}};
  return response;
}

DockerResponse refuse(int status, std::string_view message) {
  return answer_json(status, "{\"message\":" + quote_json(message) + "}\n");
}

DaemonModel::DaemonModel(DaemonSettings settings)
    : settings_(std::move(settings)), random_(settings_.random_seed) {
  network_id_ = make_id();
  for (const std::string& image : settings_.images) add_image(image);
}

DockerResponse DaemonModel::handle(std::string_view method, std::string_view target,
                                   std::string_view body, WallTime now) {
  const Call call(method, target, body, now);
  const std::string& asked = call.target.version;
  DockerResponse response;
  if (!asked.empty() && version_numbers(asked) > version_numbers(settings_.api_version)) {
    response =
        refuse(400, "client version " + asked + " is too new. Maximum supported API version is " +
                        settings_.api_version);
  } else if (!asked.empty() &&
             version_numbers(asked) < version_numbers(settings_.min_api_version)) {
    response = refuse(
        400, "client version " + asked + " is too old. Minimum supported API version is " +
                 settings_.min_api_version + ", please upgrade your client to a newer version");
  } else {
    response = route(call);
  }
  if (!response.headers.empty()) response.headers.front().second = settings_.api_version;
  return response;
}

DockerResponse DaemonModel::route(const Call& call) {
  const std::string_view path = call.target.path;
  const bool get = call.method == "GET";
  if (path == "/_ping" && (get || call.method == "HEAD")) return ping(call.method);
  if (path == "/version" && get) return version();
  if (path == "/info" && get) return info(call.now);
  if (path == "/containers/json" && get) return list(call);
  if (path == "/containers/create" && call.method == "POST") return create_container(call);
  if (path == "/images/json" && get) return list_images();
  if (path == "/images/create" && call.method == "POST") return pull(call);
  if (path.starts_with("/images/") && path.ends_with("/json") && get) {
    return inspect_image(path.substr(8, path.size() - 8 - 5));
  }
  if (path.starts_with("/containers/")) return route_container(call, path.substr(12));
  return refuse(404, "page not found");
}

DockerResponse DaemonModel::route_container(const Call& call, std::string_view rest) {
  const auto slash = rest.find('/');
  const std::string_view name = rest.substr(0, slash);
  const std::string_view action =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  DockerResponse refusal;
  ModelContainer* found = find(name, refusal);
  if (found == nullptr) return refusal;
  if (call.method == "GET" && action == "json") return inspect(*found);
  if (call.method == "DELETE" && action.empty()) return remove_container(call, *found);
  if (call.method == "POST") return act(call, *found, action);
  return refuse(404, "page not found");
}

DockerResponse DaemonModel::act(const Call& call, ModelContainer& found, std::string_view action) {
  if (action == "start") return start_container(found, call.now);
  if (action == "stop") return stop_container(found, call.now);
  if (action == "kill") return kill_container(call, found);
  if (action == "pause") return pause_container(found, true, call.now);
  if (action == "unpause") return pause_container(found, false, call.now);
  if (action == "rename") return rename_container(call, found);
  if (action == "update") return update_container(call, found);
  if (action == "restart") {
    stop_container(found, call.now);
    start_container(found, call.now);
    emit(found, "restart", call.now);
    return {204, ""};
  }
  return refuse(404, "page not found");
}

DockerResponse DaemonModel::create_container(const Call& call) {
  const json body = json::parse(call.body, nullptr, false);
  if (body.is_discarded() || !body.is_object()) {
    return refuse(400, "invalid character in the request body");
  }
  const std::string image = text_of(body, "Image");
  if (image.empty()) {
    return refuse(400, "config cannot be empty in order to create a container");
  }
  const auto present = images_.find(with_tag(image));
  if (present == images_.end()) return refuse(404, "No such image: " + with_tag(image));

  ModelContainer made;
  made.id = make_id();
  made.name = call.target.get("name");
  if (made.name.starts_with('/')) made.name.erase(0, 1);
  if (made.name.empty()) made.name = "quiet_" + made.id.substr(0, 8);
  if (const auto taken = names_.find(made.name); taken != names_.end()) {
    return refuse(409, "Conflict. The container name \"/" + made.name +
                           "\" is already in use by container \"" + taken->second +
                           "\". You have to remove (or rename) that container to be able to reuse "
                           "that name.");
  }
  made.image = image;
  made.image_id = present->second;
  made.command = command_of(body);
  made.body = std::string(call.body);
  if (const auto labels = body.find("Labels"); labels != body.end() && labels->is_object()) {
    for (const auto& [key, value] : labels->items()) {
      if (value.is_string()) made.labels[key] = value.get<std::string>();
    }
  }
  if (const auto host = body.find("HostConfig"); host != body.end() && host->is_object()) {
    made.network_mode = text_of(*host, "NetworkMode");
  }
  if (made.network_mode.empty()) made.network_mode = "default";
  made.created = call.now;
  ++created_ever_;
  names_[made.name] = made.id;
  const std::string id = made.id;
  const auto placed = containers_.emplace(id, std::move(made)).first;
  emit(placed->second, "create", call.now);
  return answer_json(201, "{\"Id\":\"" + id + "\",\"Warnings\":[]}\n");
}

DockerResponse DaemonModel::start_container(ModelContainer& found, WallTime now) {
  if (found.state == ContainerState::paused) {
    return refuse(409, "cannot start a paused container, try unpause instead");
  }
  if (found.state == ContainerState::running) return {304, ""};
  found.state = ContainerState::running;
  found.started = now;
  found.exit_code = 0;
  emit_network(found, "connect", now);
  emit(found, "start", now);
  return {204, ""};
}

DockerResponse DaemonModel::stop_container(ModelContainer& found, WallTime now) {
  if (found.state == ContainerState::created || found.state == ContainerState::exited) {
    return {304, ""};
  }
  const std::map<std::string, std::string> terminate = {{"signal", "15"}};
  emit(found, "kill", now, terminate);
  end_process(found, 143, now);
  emit(found, "stop", now);
  return {204, ""};
}

DockerResponse DaemonModel::kill_container(const Call& call, ModelContainer& found) {
  if (found.state == ContainerState::created || found.state == ContainerState::exited) {
    return refuse(
        409, "Cannot kill container: " + found.id + ": Container " + found.id + " is not running");
  }
  std::string signal = call.target.get("signal");
  if (signal.empty() || signal == "SIGKILL" || signal == "KILL") signal = "9";
  if (signal == "SIGTERM" || signal == "TERM") signal = "15";
  if (signal == "SIGHUP" || signal == "HUP") signal = "1";
  const std::map<std::string, std::string> sent = {{"signal", signal}};
  emit(found, "kill", call.now, sent);
  if (signal == "9") end_process(found, 137, call.now);
  if (signal == "15") end_process(found, 143, call.now);
  return {204, ""};
}

DockerResponse DaemonModel::pause_container(ModelContainer& found, bool pause, WallTime now) {
  if (pause && found.state == ContainerState::paused) {
    return refuse(409, "Container " + found.id + " is already paused");
  }
  if (pause && found.state != ContainerState::running) {
    return refuse(409, "Container " + found.id + " is not running");
  }
  if (!pause && found.state != ContainerState::paused) {
    return refuse(409, "Container " + found.id + " is not paused");
  }
  found.state = pause ? ContainerState::paused : ContainerState::running;
  emit(found, pause ? "pause" : "unpause", now);
  return {204, ""};
}

DockerResponse DaemonModel::remove_container(const Call& call, ModelContainer& found) {
  const bool active =
      found.state == ContainerState::running || found.state == ContainerState::paused;
  if (active && !call.target.flag("force")) {
    const std::string paused = found.state == ContainerState::paused ? "paused" : "running";
    return refuse(409, "You cannot remove a " + paused + " container " + found.id +
                           (paused == "paused" ? ". Unpause and then stop the container before "
                                                 "attempting removal or force remove"
                                               : ". Stop the container before attempting removal "
                                                 "or force remove"));
  }
  if (active) {
    const std::map<std::string, std::string> killed = {{"signal", "9"}};
    emit(found, "kill", call.now, killed);
    end_process(found, 137, call.now);
  }
  emit(found, "destroy", call.now);
  names_.erase(found.name);
  containers_.erase(containers_.find(found.id));
  return {204, ""};
}

DockerResponse DaemonModel::rename_container(const Call& call, ModelContainer& found) {
  const std::string name = call.target.get("name");
  if (name.empty()) return refuse(400, "Neither old nor new names may be empty");
  if (const auto taken = names_.find(name); taken != names_.end()) {
    return refuse(409, "Conflict. The container name \"/" + name +
                           "\" is already in use by container \"" + taken->second +
                           "\". You have to remove (or rename) that container to be able to reuse "
                           "that name.");
  }
  const std::map<std::string, std::string> old = {{"oldName", "/" + found.name}};
  names_.erase(found.name);
  found.name = name;
  names_[name] = found.id;
  emit(found, "rename", call.now, old);
  return {204, ""};
}

/// Into what the container was made of, from where inspections have it.
DockerResponse DaemonModel::update_container(const Call& call, ModelContainer& found) {
  const json changes = json::parse(call.body, nullptr, false);
  if (!changes.is_object()) return refuse(400, "invalid character in the request body");
  json body = json::parse(found.body, nullptr, false);
  if (!body.is_object()) body = json::object();
  body["HostConfig"].update(changes);
  found.body = body.dump();
  emit(found, "update", call.now);
  return answer_json(200, "{\"Warnings\":null}\n");
}

DockerResponse DaemonModel::pull(const Call& call) {
  std::string image = call.target.get("fromImage");
  if (const std::string tag = call.target.get("tag"); !tag.empty()) image += ":" + tag;
  image = with_tag(image);
  if (settings_.registry.count(image) == 0) {
    return refuse(404, "pull access denied for " + image.substr(0, image.rfind(':')) +
                           ", repository does not exist or may require 'docker login': denied: "
                           "requested access to the resource is denied");
  }
  add_image(image);
  return answer_json(200,
                     "{\"status\":\"Pulling from library\",\"id\":\"latest\"}\r\n"
                     "{\"status\":\"Status: Downloaded newer image for " +
                         image + "\"}\r\n");
}

void DaemonModel::end_process(ModelContainer& found, int exit_code, WallTime now) {
  found.state = ContainerState::exited;
  found.exit_code = exit_code;
  found.finished = now;
  const std::map<std::string, std::string> code = {{"exitCode", std::to_string(exit_code)}};
  emit(found, "die", now, code);
  emit_network(found, "disconnect", now);
}

ModelContainer* DaemonModel::find(std::string_view name, DockerResponse& refusal) {
  if (const auto exact = containers_.find(std::string(name)); exact != containers_.end()) {
    return &exact->second;
  }
  const std::string_view bare = name.starts_with('/') ? name.substr(1) : name;
  if (const auto named = names_.find(std::string(bare)); named != names_.end()) {
    return &containers_.find(named->second)->second;
  }
  const auto first = containers_.lower_bound(std::string(name));
  if (name.empty() || first == containers_.end() || !first->first.starts_with(name)) {
    refusal = refuse(404, "No such container: " + std::string(name));
    return nullptr;
  }
  if (const auto second = std::next(first);
      second != containers_.end() && second->first.starts_with(name)) {
    refusal = refuse(500, "Multiple IDs found with provided prefix: " + std::string(name));
    return nullptr;
  }
  return &first->second;
}

std::string DaemonModel::make_id() {
  static constexpr char digits[] = "0123456789abcdef";
  std::string id;
  for (int word = 0; word < 4; ++word) {
    std::uint64_t bits = random_();
    for (int digit = 0; digit < 16; ++digit, bits >>= 4) id += digits[bits & 15];
  }
  return id;
}

}  // namespace dockherd::fakes
