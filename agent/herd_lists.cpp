#include "agent/herd_lists.hpp"

#include <algorithm>
#include <cmath>

#include "base/json_reader.hpp"
#include "http_api/responses.hpp"

namespace dockherd::agent {

namespace {

std::string missing_entry(const std::string& hostname, const std::string& error) {
  return "{\"dockerInstance\":" + quote_json(hostname) + ",\"error\":" + quote_json(error) + "}";
}

std::string lost_text(const LostNode& lost, TimePoint now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - lost.since).count();
  return "lost " + std::to_string(seconds) + " s ago: " + lost.reason;
}

bool is_good(const NodeAnswer& answer) {
  return answer.reply && answer.reply->status == 200;
}

/// The text of an error reply's `error`, or all of it.
std::string error_text(const std::string& body) {
  const auto document = parse_json(body);
  if (document && document->is_object()) {
    const auto error = document->find("error");
    if (error != document->end() && error->is_string()) return error->get<std::string>();
  }
  return body;
}

/// Why this node's answer cannot be used; empty when it can.
std::string failure_of(const NodeAnswer& answer) {
  if (!answer.reply) return answer.reply.error().message;
  if (answer.reply->status != 200) return error_text(answer.reply->body);
  return {};
}

/// The entries in an envelope's Response.Body: the list's text without its brackets.
std::string_view entries_of(std::string_view envelope) {
  const auto find = [](std::string_view object, std::string_view key) {
    const auto members = slice_json_object(object);
    if (!members) return std::string_view();
    const auto it = std::find_if(members->begin(), members->end(),
                                 [&](const JsonMember& member) { return member.key == key; });
    return it == members->end() ? std::string_view() : it->value;
  };
  const std::string_view list = find(find(envelope, "Response"), "Body");
  if (list.size() < 2 || list.front() != '[') return {};
  return list.substr(1, list.size() - 2);
}

VerbReply reply_of(const NodeAnswer& answer) {
  if (answer.reply) return {answer.reply->status, answer.reply->body};
  return http_api::error_reply(answer.reply.error().at_node(answer.hostname));
}

std::string envelope_of(const NodeAnswer& answer) {
  const VerbReply reply = reply_of(answer);
  return reply.status == 200 ? reply.body : with_envelope(reply, answer.hostname);
}

/// `error` and `code` of a list that nobody has, as the first node says.
std::string failure_members(const NodeAnswer& first) {
  const auto code = code_of(reply_of(first).body);
  std::string members = ",\"error\":" + quote_json("no host has a list; " + first.hostname + ": " +
                                                   failure_of(first));
  if (code) members += ",\"code\":" + quote_json(to_string(*code));
  return members;
}

/// `name_collisions`, and how many are not in it.
std::string collision_members(const SharedNames& names) {
  std::vector<std::string> collisions;
  for (const SharedName& shared : names.shown) {
    std::vector<std::string> containers;
    for (const auto& [hostname, id] : shared.containers) {
      containers.push_back("{\"dockerInstance\":" + quote_json(hostname) +
                           ",\"id\":" + quote_json(id) + "}");
    }
    collisions.push_back("{\"name\":" + quote_json(shared.name) + ",\"containers\":" +
                         json_array(containers) + (shared.more ? ",\"more\":true}" : "}"));
  }
  std::string members = ",\"name_collisions\":" + json_array(collisions);
  if (names.not_shown > 0) {
    members += ",\"name_collisions_not_shown\":" + std::to_string(names.not_shown);
  }
  return members;
}

/// Every entry of every node, as one list.
void append_entries(std::string& out, const std::vector<NodeAnswer>& answers) {
  bool first = true;
  for (const NodeAnswer& answer : answers) {
    if (!is_good(answer)) continue;
    const std::string_view entries = entries_of(answer.reply->body);
    if (entries.empty()) continue;
    if (!first) out += ',';
    out += entries;
    first = false;
  }
}

}  // namespace

VerbReply merge_lists(const std::vector<NodeAnswer>& answers, const std::vector<LostNode>& lost,
                      const ListVerb& verb, std::string_view hostname, TimePoint now) {
  std::size_t size = 1024;
  for (const NodeAnswer& answer : answers) {
    if (answer.reply) size += 2 * answer.reply->body.size();
  }
  const bool failed = !answers.empty() && std::none_of(answers.begin(), answers.end(), is_good);
  const int status = failed ? reply_of(answers.front()).status : 200;
  std::string out;
  out.reserve(size);
  out +=
      "{\"statusCode\":" + std::to_string(status) + ",\"dockerInstance\":" + quote_json(hostname);
  if (failed) out += failure_members(answers.front());
  std::vector<std::string> missing;
  if (verb.shape != ListShape::nodes) {
    out += ",\"Response\":{\"Content-Type\":\"application/json\",\"Body\":[";
    append_entries(out, answers);
    out += "]}";
  }
  if (verb.shape != ListShape::flat) {
    out += verb.images ? ",\"images\":[" : ",\"containers\":[";
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (i > 0) out += ',';
      out += envelope_of(answers[i]);
    }
    out += ']';
  }
  for (const NodeAnswer& answer : answers) {
    const std::string why = failure_of(answer);
    if (!why.empty()) missing.push_back(missing_entry(answer.hostname, why));
  }
  for (const LostNode& node : lost) {
    missing.push_back(missing_entry(node.hostname, lost_text(node, now)));
  }
  out += ",\"missing\":" + json_array(missing) + "}";
  return {status, std::move(out)};
}

std::string with_round_trip(std::string_view row, double round_trip_ms) {
  std::string out(row.substr(0, row.rfind('}')));
  return out + ",\"round_trip_ms\":" + dump_json(json(std::round(round_trip_ms * 1000) / 1000)) +
         "}";
}

VerbReply merge_nodes(const std::vector<NodeAnswer>& answers, const std::vector<LostNode>& lost,
                      const SharedNames& names, std::string_view hostname, TimePoint now) {
  std::vector<std::pair<std::string, std::string>> rows;  // By hostname.
  std::vector<std::string> missing;
  for (const NodeAnswer& answer : answers) {
    const std::string why = failure_of(answer);
    if (!why.empty()) {
      rows.emplace_back(answer.hostname, dump_json(json{{"hostname", answer.hostname},
                                                        {"id", answer.node.hex()},
                                                        {"state", "not answering"},
                                                        {"error", why}}));
      missing.push_back(missing_entry(answer.hostname, why));
      continue;
    }
    rows.emplace_back(answer.hostname, answer.reply->body);
  }
  for (const LostNode& node : lost) {
    const std::string why = lost_text(node, now);
    rows.emplace_back(
        node.hostname,
        dump_json(json{{"hostname", node.hostname}, {"state", "lost"}, {"error", why}}));
    missing.push_back(missing_entry(node.hostname, why));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> texts;
  texts.reserve(rows.size());
  for (auto& [name, row] : rows) texts.push_back(std::move(row));
  return {200, "{\"statusCode\":200,\"dockerInstance\":" + quote_json(hostname) +
                   ",\"nodes\":" + json_array(texts) + ",\"missing\":" + json_array(missing) +
                   collision_members(names) + "}"};
}

}  // namespace dockherd::agent
