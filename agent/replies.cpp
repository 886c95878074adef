#include "agent/replies.hpp"

#include <algorithm>
#include <array>

#include "base/json_reader.hpp"
#include "http_api/responses.hpp"

namespace dockherd::agent {

namespace {

/// Headers that describe the daemon's connection rather than its answer.
bool is_hop_header(std::string_view name) {
  static constexpr std::array<std::string_view, 4> hop{"content-length", "transfer-encoding",
                                                       "connection", "keep-alive"};
  for (const std::string_view other : hop) {
    if (name.size() != other.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < name.size() && same; ++i) {
      same = (name[i] | 0x20) == (other[i] | 0x20);
    }
    if (same) return true;
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

/// What is announced as JSON and is none would make none of the whole answer. Lists of megabytes
/// are looked at where they are taken apart.
bool is_valid_json(std::string_view body) {
  constexpr std::size_t longest_looked_at = 1u << 20;
  return !body.empty() && (body.size() > longest_looked_at || is_json(body));
}

void append_response(std::string& out, const docker_client::DockerResponse& response) {
  out += "{\"Body\":";
  const std::string_view body = trimmed(response.body);
  const bool is_json = response.header("Content-Type").starts_with("application/json");
  if (is_json && is_valid_json(body)) {
    out += body;
  } else {
    out += quote_json(body);
  }
  for (const auto& [name, value] : response.headers) {
    if (is_hop_header(name)) continue;
    out += ',';
    out += quote_json(name);
    out += ':';
    out += quote_json(value);
  }
  out += '}';
}

std::string docker_message(const docker_client::DockerResponse& response) {
  if (response.header("Content-Type").starts_with("application/json")) {
    const auto document = parse_json(response.body);
    if (document && document->is_object() && document->contains("message") &&
        (*document)["message"].is_string()) {
      return (*document)["message"].get<std::string>();
    }
  }
  const std::string_view text = trimmed(response.body);
  return text.empty() ? "Docker answered with status " + std::to_string(response.status)
                      : std::string(text);
}

}  // namespace

int client_status(int docker_status) {
  const bool succeeded = (docker_status >= 200 && docker_status < 300) || docker_status == 304;
  if (succeeded) return 200;
  return docker_status >= 400 && docker_status <= 599 ? docker_status : 502;
}

std::string docker_envelope(std::string_view hostname,
                            const docker_client::DockerResponse& response) {
  std::string out;
  out.reserve(response.body.size() + 512);
  out += "{\"statusCode\":";
  out += std::to_string(response.status);
  out += ",\"dockerInstance\":";
  out += quote_json(hostname);
  if (client_status(response.status) != 200) {
    out += ",\"error\":";
    out += quote_json(docker_message(response));
    out += ",\"code\":\"docker_refused\"";
  }
  out += ",\"Response\":";
  append_response(out, response);
  out += '}';
  return out;
}

docker_client::DockerResponse created_response(const std::string& id) {
  const json created{{"Id", id}, {"Warnings", json::array()}};
  docker_client::DockerResponse response(201, dump_json(created));
  response.headers.emplace_back("Content-Type", "application/json");
  return response;
}

VerbReply docker_reply(std::string_view hostname, const docker_client::DockerResponse& response) {
  return {client_status(response.status), docker_envelope(hostname, response)};
}

std::string error_envelope(const Error& error) {
  const VerbReply reply = http_api::error_reply(error);
  return with_members(reply.body, "\"statusCode\":" + std::to_string(reply.status));
}

std::string with_envelope(const VerbReply& failure, std::string_view hostname) {
  const auto members = slice_json_object(failure.body);
  if (!members) return failure.body;
  const auto has = [&](std::string_view key) {
    return std::any_of(members->begin(), members->end(),
                       [&](const JsonMember& member) { return member.key == key; });
  };
  std::string added;
  if (!has("statusCode")) added = "\"statusCode\":" + std::to_string(failure.status);
  if (!hostname.empty() && !has("dockerInstance")) {
    added += (added.empty() ? "" : ",") + ("\"dockerInstance\":" + quote_json(hostname));
  }
  return added.empty() ? failure.body : with_members(failure.body, added);
}

std::string body_envelope(std::string_view hostname, std::string_view json_body) {
  std::string out;
  out.reserve(json_body.size() + 128);
  out += "{\"statusCode\":200,\"dockerInstance\":";
  out += quote_json(hostname);
  out += ",\"Response\":{\"Content-Type\":\"application/json\",\"Body\":";
  out += json_body;
  out += "}}";
  return out;
}

std::string with_members(std::string_view object, std::string_view members) {
  std::string out;
  out.reserve(object.size() + members.size() + 2);
  out += '{';
  out += members;
  const std::string_view rest = trimmed(object).substr(1);
  if (trimmed(rest) != "}") out += ',';
  out += rest;
  return out;
}

std::string with_error(std::string_view object, std::string_view error) {
  const auto members = slice_json_object(object);
  if (!members) return std::string(object);
  for (const JsonMember& member : *members) {
    if (member.key != "error") continue;
    const auto begin = static_cast<std::size_t>(member.value.data() - object.data());
    return std::string(object.substr(0, begin)) + quote_json(error) +
           std::string(object.substr(begin + member.value.size()));
  }
  return with_members(object, "\"error\":" + quote_json(error));
}

std::string with_instance(std::string_view json_list, std::string_view hostname) {
  const auto elements = slice_json_array(json_list);
  if (!elements) return std::string(json_list);
  const std::string member = "\"dockerInstance\":" + quote_json(hostname);
  std::vector<std::string> items;
  items.reserve(elements->size());
  for (const std::string_view element : *elements) {
    items.push_back(element.starts_with('{') ? with_members(element, member)
                                             : std::string(element));
  }
  return json_array(items);
}

std::string json_array(const std::vector<std::string>& items) {
  std::size_t size = 2;
  for (const std::string& item : items) size += item.size() + 1;
  std::string out;
  out.reserve(size);
  out += '[';
  for (const std::string& item : items) {
    if (out.size() > 1) out += ',';
    out += item;
  }
  out += ']';
  return out;
}

std::optional<errc> code_of(std::string_view body) {
  const auto members = slice_json_object(body);
  if (!members) return std::nullopt;
  for (const JsonMember& member : *members) {
    if (member.key != "code" || member.value.size() < 2) continue;
    return errc_from_string(member.value.substr(1, member.value.size() - 2));
  }
  return std::nullopt;
}

void count(const VerbReply& reply, Summary& summary) {
  if (reply.status == 200) {
    ++summary.created;
    return;
  }
  const auto code = code_of(reply.body);
  const bool in_doubt = code ? !nothing_was_changed(*code) : reply.status >= 500;
  ++(in_doubt ? summary.unknown : summary.failed);
}

int summary_status(const Summary& summary, int first_failure) {
  if (summary.created == summary.asked) return 200;
  return summary.created > 0 ? 207 : first_failure;
}

std::string encode_summary(const Summary& summary, std::string_view succeeded) {
  return "{\"asked\":" + std::to_string(summary.asked) + ",\"" + std::string(succeeded) +
         "\":" + std::to_string(summary.created) + ",\"failed\":" + std::to_string(summary.failed) +
         ",\"unknown\":" + std::to_string(summary.unknown) + "}";
}

}  // namespace dockherd::agent
