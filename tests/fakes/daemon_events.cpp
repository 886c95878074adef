// The daemon model's events, and what tests do to it from the side.
#include "base/json_reader.hpp"
#include "tests/fakes/daemon_call.hpp"

namespace dockherd::fakes {

namespace {

using ordered_json = nlohmann::ordered_json;

constexpr std::size_t kept_events = 256;

/// "1700000000.123456789" or "1700000000" -> nanoseconds.
std::optional<std::int64_t> nanoseconds_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto dot = text.find('.');
  std::int64_t nano = std::atoll(text.substr(0, dot).c_str()) * 1'000'000'000;
  if (dot != std::string::npos) {
    std::string fraction = text.substr(dot + 1, 9);
    fraction.resize(9, '0');
    nano += std::atoll(fraction.c_str());
  }
  return nano;
}

}  // namespace

EventQuery EventQuery::of_target(std::string_view target) {
  const RequestTarget parsed = RequestTarget::parse(target);
  EventQuery query;
  query.since_nano = nanoseconds_of(parsed.get("since"));
  const json filters = json::parse(parsed.get("filters"), nullptr, false);
  if (filters.is_discarded() || !filters.is_object() || !filters.contains("type")) return query;
  for (const auto& [key, value] : filters["type"].items()) {
    query.types.insert(value.is_string() ? value.get<std::string>() : key);
  }
  return query;
}

bool EventQuery::wants(const ModelEvent& event) const {
  return types.empty() || types.count(event.type) > 0;
}

int DaemonModel::add_observer(Observer observer) {
  observers_[next_observer_] = std::move(observer);
  return next_observer_++;
}

void DaemonModel::remove_observer(int number) {
  observers_.erase(number);
}

std::vector<ModelEvent> DaemonModel::past_events(const EventQuery& query) const {
  std::vector<ModelEvent> past;
  if (!query.since_nano) return past;
  for (const ModelEvent& event : history_) {
    if (event.time_nano >= *query.since_nano && query.wants(event)) past.push_back(event);
  }
  return past;
}

std::int64_t DaemonModel::next_time_nano(WallTime now) {
  const auto nano =
      std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  // No two events of a daemon carry the same time.
  last_time_nano_ = std::max<std::int64_t>(nano, last_time_nano_ + 1);
  return last_time_nano_;
}

void DaemonModel::emit(const ModelContainer& about, std::string_view action, WallTime now,
                       const std::map<std::string, std::string>& more) {
  std::map<std::string, std::string> attributes = about.labels;
  attributes.insert(more.begin(), more.end());
  attributes["image"] = about.image;
  attributes["name"] = about.name;
  ModelEvent event;
  event.type = "container";
  event.time_nano = next_time_nano(now);
  ordered_json line;
  line["status"] = action;
  line["id"] = about.id;
  line["from"] = about.image;
  line["Type"] = event.type;
  line["Action"] = action;
  line["Actor"]["ID"] = about.id;
  line["Actor"]["Attributes"] = attributes;
  line["scope"] = "local";
  line["time"] = event.time_nano / 1'000'000'000;
  line["timeNano"] = event.time_nano;
  event.line = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  publish(std::move(event));
}

void DaemonModel::emit_network(const ModelContainer& about, std::string_view action, WallTime now) {
  ModelEvent event;
  event.type = "network";
  event.time_nano = next_time_nano(now);
  ordered_json line;
  line["Type"] = event.type;
  line["Action"] = action;
  line["Actor"]["ID"] = network_id_;
  line["Actor"]["Attributes"]["container"] = about.id;
  line["Actor"]["Attributes"]["name"] = "bridge";
  line["Actor"]["Attributes"]["type"] = "bridge";
  line["scope"] = "local";
  line["time"] = event.time_nano / 1'000'000'000;
  line["timeNano"] = event.time_nano;
  event.line = line.dump();
  publish(std::move(event));
}

void DaemonModel::publish(ModelEvent event) {
  ++changes_;
  history_.push_back(event);
  if (history_.size() > kept_events) history_.pop_front();
  for (const auto& [number, observer] : observers_) observer(event);
}

std::optional<std::string> DaemonModel::create(std::string_view name, std::string_view image,
                                               WallTime now) {
  const std::string target = "/containers/create?name=" + std::string(name);
  const std::string body = "{\"Image\":" + quote_json(image) + "}";
  const DockerResponse response = handle("POST", target, body, now);
  if (response.status != 201) return std::nullopt;
  return json::parse(response.body)["Id"].get<std::string>();
}

bool DaemonModel::start(std::string_view id, WallTime now) {
  return handle("POST", "/containers/" + std::string(id) + "/start", "", now).ok();
}

bool DaemonModel::remove(std::string_view id, WallTime now) {
  return handle("DELETE", "/containers/" + std::string(id) + "?force=1", "", now).ok();
}

bool DaemonModel::exit(std::string_view id, int exit_code, WallTime now) {
  DockerResponse refusal;
  ModelContainer* found = find(id, refusal);
  if (found == nullptr || found->state != ContainerState::running) return false;
  end_process(*found, exit_code, now);
  return true;
}

void DaemonModel::preload(std::size_t count, std::string_view prefix, WallTime now) {
  ++changes_;
  const std::string image = images_.empty() ? "busybox:latest" : images_.begin()->first;
  for (std::size_t number = 1; number <= count; ++number) {
    ModelContainer made;
    made.id = make_id();
    made.name = std::string(prefix) + std::to_string(number);
    made.image = image;
    made.image_id = images_.empty() ? "" : images_.begin()->second;
    made.command = "sleep 1000000";
    made.body = "{\"Image\":" + quote_json(image) + "}";
    made.network_mode = "default";
    made.state = ContainerState::running;
    made.created = now;
    made.started = now;
    ++created_ever_;
    names_[made.name] = made.id;
    const std::string id = made.id;
    containers_.emplace(id, std::move(made));
  }
}

void DaemonModel::add_image(std::string_view name_and_tag) {
  std::string& id = images_[with_tag(name_and_tag)];
  if (id.empty()) id = "sha256:" + make_id();
}

void DaemonModel::add_to_registry(std::string_view name_and_tag) {
  settings_.registry.insert(with_tag(name_and_tag));
}

void DaemonModel::set_versions(std::string version, std::string api_version,
                               std::string min_api_version) {
  settings_.version = std::move(version);
  settings_.api_version = std::move(api_version);
  settings_.min_api_version = std::move(min_api_version);
}

}  // namespace dockherd::fakes
