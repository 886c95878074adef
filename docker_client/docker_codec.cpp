#include "docker_client/docker_codec.hpp"

#include <utility>

#include "base/json_reader.hpp"

namespace dockherd::docker_client {

namespace {

constexpr std::size_t message_bytes = 1000;

/// The daemon's fault, not the caller's. It may have done what was asked.
Error not_understood(std::string_view what, const std::string& why) {
  return {errc::daemon_lost,
          "the Docker daemon's " + std::string(what) + " is not understood: " + why};
}

Result<json> parse_answer(std::string_view text, std::string_view what) {
  auto parsed = parse_json(text);
  if (!parsed) return not_understood(what, parsed.error().message);
  if (!parsed->is_object()) return not_understood(what, "it is " + describe_type(*parsed));
  return parsed;
}

/// The string that the JSON text `value` is; empty for any other type.
std::string string_of(std::string_view value) {
  // Most have no escapes, and then the text between the quotes is the string.
  if (value.size() >= 2 && value.front() == '"' && value.find('\\') == std::string_view::npos) {
    return std::string(value.substr(1, value.size() - 2));
  }
  const auto parsed = parse_json(value);
  return parsed && parsed->is_string() ? parsed->get<std::string>() : std::string();
}

void read_names(std::string_view value, ContainerSummary& summary) {
  const auto parsed = parse_json(value);
  if (!parsed || !parsed->is_array()) return;
  for (const json& item : *parsed) {
    if (!item.is_string()) continue;
    std::string name = item.get<std::string>();
    if (name.starts_with('/')) name.erase(0, 1);
    // "/other/alias" is a link that another container has to this one, not a name of its own.
    if (!name.empty() && name.find('/') == std::string::npos) {
      summary.names.push_back(std::move(name));
    }
  }
}

std::map<std::string, std::string> strings_of(const json* object) {
  std::map<std::string, std::string> strings;
  if (object == nullptr || !object->is_object()) return strings;
  for (const auto& [key, value] : object->items()) {
    if (value.is_string()) strings.emplace(key, value.get<std::string>());
  }
  return strings;
}

std::string text_of(const JsonReader& reader, std::string_view key) {
  auto text = reader.string(key);
  return text && *text ? **std::move(text) : std::string();
}

}  // namespace

Result<ContainerSummary> decode_container_summary(std::string_view entry) {
  const auto members = slice_json_object(entry);
  if (!members) return not_understood("container", members.error().message);
  ContainerSummary summary;
  for (const auto& [key, value] : *members) {
    if (key == "Id") {
      summary.id = string_of(value);
    } else if (key == "Names") {
      read_names(value, summary);
    } else if (key == "Image") {
      summary.image = string_of(value);
    } else if (key == "State") {
      summary.state = string_of(value);
    } else if (key == "Created") {
      const auto created = parse_json(value);
      if (created && created->is_number_integer()) summary.created = created->get<std::int64_t>();
    } else if (key == "Labels" && value != "{}" && value != "null") {
      const auto labels = parse_json(value);
      if (labels) summary.labels = strings_of(&*labels);
    }
  }
  if (summary.id.empty()) return not_understood("container", "it has no Id");
  summary.raw = std::string(entry);
  return summary;
}

Result<std::vector<ContainerSummary>> decode_container_list(std::string_view body) {
  const auto entries = slice_json_array(body);
  if (!entries) return not_understood("list", entries.error().message);
  std::vector<ContainerSummary> list;
  list.reserve(entries->size());
  for (const std::string_view entry : *entries) {
    auto summary = decode_container_summary(entry);
    if (!summary) return summary.error();
    list.push_back(*std::move(summary));
  }
  return list;
}

Result<DockerEvent> decode_event(std::string_view line) {
  const auto parsed = parse_answer(line, "event");
  if (!parsed) return parsed.error();
  const auto reader = JsonReader::of(*parsed);
  DockerEvent event;
  event.type = text_of(*reader, "Type");
  event.action = text_of(*reader, "Action");
  if (event.type.empty() || event.action.empty()) {
    return not_understood("event", "it has no Type or no Action");
  }
  if (const json* actor = reader->any("Actor"); actor != nullptr && actor->is_object()) {
    const auto about = JsonReader::of(*actor);
    event.id = text_of(*about, "ID");
    event.attributes = strings_of(about->any("Attributes"));
  }
  if (event.id.empty()) event.id = text_of(*reader, "id");
  if (const auto name = event.attributes.find("name"); name != event.attributes.end()) {
    event.name = name->second;
  }
  const auto nano = reader->integer("timeNano");
  if (nano && *nano) event.time_nano = **nano;
  return event;
}

Result<HostFacts> decode_host_facts(std::string_view body) {
  const auto parsed = parse_answer(body, "information");
  if (!parsed) return parsed.error();
  const auto reader = JsonReader::of(*parsed);
  HostFacts facts;
  if (const auto cpus = reader->integer("NCPU", 0); cpus && *cpus) facts.cpus = **cpus;
  if (const auto memory = reader->integer("MemTotal", 0); memory && *memory) {
    facts.memory_bytes = **memory;
  }
  const json* labels = reader->any("Labels");
  if (labels != nullptr && labels->is_array()) {
    for (const json& label : *labels) {
      if (!label.is_string()) continue;
      const std::string& text = label.get_ref<const std::string&>();
      const auto equals = text.find('=');
      facts.labels.emplace(text.substr(0, equals),
                           equals == std::string::npos ? "" : text.substr(equals + 1));
    }
  }
  facts.operating_system = text_of(*reader, "OperatingSystem");
  facts.os_type = text_of(*reader, "OSType");
  facts.architecture = text_of(*reader, "Architecture");
  facts.kernel_version = text_of(*reader, "KernelVersion");
  facts.storage_driver = text_of(*reader, "Driver");
  return facts;
}

Result<EngineVersion> decode_version(std::string_view body) {
  const auto parsed = parse_answer(body, "version");
  if (!parsed) return parsed.error();
  const auto reader = JsonReader::of(*parsed);
  EngineVersion version;
  version.version = text_of(*reader, "Version");
  version.api_version = text_of(*reader, "ApiVersion");
  version.min_api_version = text_of(*reader, "MinAPIVersion");
  if (version.api_version.empty()) return not_understood("version", "it has no ApiVersion");
  return version;
}

Result<ContainerStatus> decode_container_status(std::string_view inspection) {
  const auto parsed = parse_answer(inspection, "inspection");
  if (!parsed) return parsed.error();
  const auto state = JsonReader::of(*parsed)->object("State");
  if (!state || *state == nullptr) return not_understood("inspection", "it has no State");
  const auto fields = JsonReader::of(**state);
  ContainerStatus status;
  status.state = text_of(*fields, "Status");
  if (const auto code = fields->integer("ExitCode", -1, 0x7fffffff); code && *code) {
    status.exit_code = static_cast<int>(**code);
  }
  status.started = parse_docker_time(text_of(*fields, "StartedAt"));
  status.finished = parse_docker_time(text_of(*fields, "FinishedAt"));
  if (const auto health = fields->object("Health"); health && *health != nullptr) {
    const auto check = JsonReader::of(**health);
    status.health = text_of(*check, "Status");
  }
  return status;
}

std::string error_message(std::string_view body) {
  const auto parsed = parse_json(body);
  if (parsed && parsed->is_object()) {
    const auto reader = JsonReader::of(*parsed);
    if (std::string message = text_of(*reader, "message"); !message.empty()) return message;
  }
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
  return std::string(body.substr(0, message_bytes));
}

Error refusal_of(const DockerResponse& response) {
  std::string message = error_message(response.body);
  if (message.empty()) message = "the Docker daemon answered " + std::to_string(response.status);
  Error refused(errc::docker_refused, std::move(message));
  refused.docker_status = response.status;
  return refused;
}

std::optional<std::string> pull_failure(std::string_view body) {
  std::optional<std::string> failure;
  deliver_lines(body, [&failure](std::string_view line) {
    // Progress lines are many; only the few that speak of an error are parsed.
    if (line.find("\"error\"") == std::string_view::npos) return;
    const auto parsed = parse_json(line);
    if (!parsed || !parsed->is_object()) return;
    const auto reader = JsonReader::of(*parsed);
    if (std::string text = text_of(*reader, "error"); !text.empty()) failure = std::move(text);
  });
  return failure;
}

std::optional<std::string> created_id(std::string_view body) {
  const auto parsed = parse_json(body);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  const auto reader = JsonReader::of(*parsed);
  std::string id = text_of(*reader, "Id");
  if (id.empty()) return std::nullopt;
  return id;
}

std::string take_lines(std::string& received, bool ended) {
  const auto newline = received.rfind('\n');
  const std::size_t whole = ended                          ? received.size()
                            : newline == std::string::npos ? 0
                                                           : newline + 1;
  std::string taken = received.substr(0, whole);
  received.erase(0, whole);
  return taken;
}

void deliver_lines(std::string_view text, const std::function<void(std::string_view)>& on_line) {
  while (!text.empty()) {
    const auto newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) on_line(line);
  }
}

}  // namespace dockherd::docker_client
