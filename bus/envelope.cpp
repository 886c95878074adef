#include "bus/envelope.hpp"

#include <algorithm>
#include <charconv>

#include "base/fnv1a.hpp"

namespace dockherd::bus {

namespace {

constexpr std::string_view liveness_prefix = R"({"dockherd":"liveness",)";

using Members = std::vector<JsonMember>;

/// The value of `key`; the last one wins when it is repeated. Empty when absent.
std::string_view member(const Members& members, std::string_view key) {
  for (auto it = members.rbegin(); it != members.rend(); ++it) {
    if (it->key == key) return it->value;
  }
  return {};
}

bool is_plain_string(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return false;
  const std::string_view inside = value.substr(1, value.size() - 2);
  return std::all_of(inside.begin(), inside.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '\\' && c != '"'; });
}

Error wrong(std::string_view key, std::string_view expected, std::string_view got) {
  std::string text = std::string(key) + " must be " + std::string(expected) + ", got ";
  text += got.empty() ? "nothing" : std::string(got.substr(0, 80));
  return Error(errc::bad_request, std::move(text)).at_field(std::string(key));
}

/// Nothing when absent or null. Small values only: most need no parser.
Result<std::optional<std::string>> read_string(const Members& members, std::string_view key) {
  const std::string_view value = member(members, key);
  if (value.empty() || value == "null") return std::optional<std::string>();
  if (is_plain_string(value)) {
    return std::optional<std::string>(value.substr(1, value.size() - 2));
  }
  auto parsed = value.front() == '"' ? parse_json(value) : Result<json>(json());
  if (!parsed || !parsed->is_string()) return wrong(key, "a string", value);
  return std::optional<std::string>(parsed->get<std::string>());
}

Result<std::optional<std::int64_t>> read_integer(const Members& members, std::string_view key,
                                                 std::int64_t low, std::int64_t high) {
  const std::string_view value = member(members, key);
  if (value.empty() || value == "null") return std::optional<std::int64_t>();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < low || number > high) {
    return wrong(key, "a whole number from " + std::to_string(low) + " to " + std::to_string(high),
                 value);
  }
  return std::optional<std::int64_t>(number);
}

/// True for the second of two words, false for the first or when absent.
Result<bool> read_choice(const Members& members, std::string_view key, std::string_view first,
                         std::string_view second) {
  const auto text = read_string(members, key);
  if (text && (!*text || **text == first)) return false;
  if (text && **text == second) return true;
  return wrong(key, "\"" + std::string(first) + "\" or \"" + std::string(second) + "\"",
               member(members, key));
}

Result<std::vector<NodeId>> read_nodes(const Members& members, std::string_view key) {
  const std::string_view value = member(members, key);
  std::vector<NodeId> nodes;
  if (value.empty() || value == "null") return nodes;
  const std::string expected =
      "a list of at most " + std::to_string(one_of_nodes) + " UUIDs of 32 hexadecimal digits";
  const auto parsed = parse_json(value);
  if (!parsed || !parsed->is_array() || parsed->size() > one_of_nodes) {
    return wrong(key, expected, value);
  }
  for (const json& item : *parsed) {
    const auto node = item.is_string() ? NodeId::from_hex(item.get_ref<const std::string&>())
                                       : std::optional<NodeId>();
    if (!node) return wrong(key, expected, value);
    nodes.push_back(*node);
  }
  return nodes;
}

Result<void> only_known(const Members& members) {
  for (const JsonMember& each : members) {
    const bool known = each.key == "dockherd" || each.key == "id" || each.key == "timeout" ||
                       each.key == "scope" || each.key == "deliver" || each.key == "one_of" ||
                       each.key == "body";
    if (known) continue;
    return Error(errc::bad_request,
                 "unknown key " + quote_json(each.key.substr(0, 80)) +
                     ", expected one of id, timeout, scope, deliver, one_of, body")
        .at_field(std::string(each.key.substr(0, 80)));
  }
  return {};
}

Result<void> read_request(const Members& members, UnknownKeys unknown, RequestEnvelope& request) {
  const auto known = unknown == UnknownKeys::ignored ? Result<void>() : only_known(members);
  if (!known) return known.error();
  const auto timeout = read_integer(members, "timeout", 1, longest_request_timeout.count());
  if (!timeout) return timeout.error();
  if (*timeout) request.timeout = std::chrono::milliseconds(**timeout);
  const auto local = read_choice(members, "scope", "herd", "local");
  if (!local) return local.error();
  request.local = *local;
  const std::string_view absent = request.local ? "all" : "one";
  const std::string_view other = request.local ? "one" : "all";
  const auto chosen = read_choice(members, "deliver", absent, other);
  if (!chosen) return chosen.error();
  request.deliver_one = *chosen == request.local;
  auto nodes = read_nodes(members, "one_of");
  if (!nodes) return nodes.error();
  request.one_of = std::move(*nodes);
  const std::string_view body = member(members, "body");
  if (body.empty() || body.front() != '{') return wrong("body", "an object", body);
  request.body = body;
  return {};
}

Envelope decode_request(const Members& members, UnknownKeys unknown) {
  RequestEnvelope request;
  auto id = read_string(members, "id");
  if (!id) return EnvelopeFault{std::nullopt, id.error()};
  if (*id && (*id)->size() > correlation_id_bytes) {
    return EnvelopeFault{
        std::nullopt, wrong("id", "at most " + std::to_string(correlation_id_bytes) + " bytes long",
                            member(members, "id"))};
  }
  request.id = std::move(*id);
  if (const auto read = read_request(members, unknown, request); !read) {
    return EnvelopeFault{std::move(request.id), read.error()};
  }
  return request;
}

Envelope decode_reply(const Members& members) {
  ReplyEnvelope reply;
  auto id = read_string(members, "id");
  if (!id) return EnvelopeFault{std::nullopt, id.error()};
  reply.id = std::move(*id);
  const auto status = read_integer(members, "status", 100, 599);
  if (!status) return EnvelopeFault{std::nullopt, status.error()};
  reply.status = static_cast<int>(status->value_or(200));
  reply.body = member(members, "body");
  if (reply.body.empty()) reply.body = "null";
  return reply;
}

Envelope decode_notice(const Members& members) {
  NoticeEnvelope notice;
  const auto topic = read_string(members, "topic");
  if (!topic || !*topic) {
    return EnvelopeFault{std::nullopt, wrong("topic", "a string", member(members, "topic"))};
  }
  notice.topic = **topic;
  notice.body = member(members, "body");
  if (notice.body.empty()) notice.body = "null";
  return notice;
}

constexpr std::string_view kind_names[] = {"probe", "alive", "suspect", "lost"};

Envelope decode_liveness(const Members& members) {
  LivenessControl control;
  const auto kind = read_string(members, "kind");
  const auto* const name = kind && *kind
                               ? std::find(std::begin(kind_names), std::end(kind_names), **kind)
                               : std::end(kind_names);
  if (name == std::end(kind_names)) {
    return EnvelopeFault{std::nullopt,
                         wrong("kind", "probe, alive, suspect or lost", member(members, "kind"))};
  }
  control.kind = static_cast<LivenessControl::Kind>(name - std::begin(kind_names));
  const auto hex = read_string(members, "node");
  const auto node = hex && *hex ? NodeId::from_hex(**hex) : std::optional<NodeId>();
  if (!node) {
    return EnvelopeFault{std::nullopt,
                         wrong("node", "a UUID of 32 hexadecimal digits", member(members, "node"))};
  }
  control.node = *node;
  const auto incarnation = read_integer(members, "incarnation", 0, std::int64_t{1} << 53);
  if (!incarnation) return EnvelopeFault{std::nullopt, incarnation.error()};
  control.incarnation = static_cast<std::uint64_t>(incarnation->value_or(0));
  return control;
}

void append_id(std::string& text, const std::optional<std::string>& id) {
  if (!id) {
    text += "null";
  } else if (std::all_of(id->begin(), id->end(),
                         [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; })) {
    text.append(1, '"').append(*id).append(1, '"');
  } else {
    text += quote_json(*id);
  }
}

/// A fault of what is no request: nobody waits to be told.
Envelope unanswered(Envelope envelope) {
  if (auto* fault = std::get_if<EnvelopeFault>(&envelope)) fault->of_request = false;
  return envelope;
}

bool mentions(std::string_view text, std::string_view key) {
  return text.find(key) != std::string_view::npos;
}

}  // namespace

std::string encode_request(const RequestEnvelope& request) {
  std::string text;
  text.reserve(160 + request.body.size() + 35 * request.one_of.size());
  text += R"({"dockherd":"request","id":)";
  append_id(text, request.id);
  if (request.timeout) {
    text.append(R"(,"timeout":)").append(std::to_string(request.timeout->count()));
  }
  text += request.local ? R"(,"scope":"local")" : R"(,"scope":"herd")";
  if (request.deliver_one == request.local) {
    text += request.deliver_one ? R"(,"deliver":"one")" : R"(,"deliver":"all")";
  }
  if (!request.one_of.empty()) {
    text += R"(,"one_of":[)";
    for (const NodeId& node : request.one_of) {
      if (text.back() != '[') text += ',';
      text.append(1, '"').append(node.hex()).append(1, '"');
    }
    text += ']';
  }
  text.append(R"(,"body":)").append(request.body).append(1, '}');
  return text;
}

std::string encode_reply(const ReplyEnvelope& reply) {
  std::string text;
  text.reserve(128 + reply.body.size());
  text += R"({"dockherd":"reply","id":)";
  append_id(text, reply.id);
  text.append(R"(,"status":)").append(std::to_string(reply.status));
  text.append(R"(,"body":)").append(reply.body).append(1, '}');
  return text;
}

std::string encode_notice(std::string_view topic, std::string_view body) {
  std::string text;
  text.reserve(64 + topic.size() + body.size());
  text.append(R"({"dockherd":"notice","topic":)").append(quote_json(topic));
  text.append(R"(,"body":)").append(body).append(1, '}');
  return text;
}

std::string encode_liveness(const LivenessControl& control) {
  std::string text(liveness_prefix);
  text.append(R"("kind":")").append(kind_names[static_cast<std::size_t>(control.kind)]);
  text.append(R"(","node":")").append(control.node.hex());
  text.append(R"(","incarnation":)").append(std::to_string(control.incarnation)).append(1, '}');
  return text;
}

Envelope decode_envelope(std::string_view text, UnknownKeys unknown) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return ForeignText{};
  const auto members = slice_json_object(text);
  if (!members) {
    if (!mentions(text, R"("dockherd")") && !mentions(text, R"("action")")) return ForeignText{};
    return EnvelopeFault{std::nullopt, members.error()};
  }
  const std::string_view kind = member(*members, "dockherd");
  if (kind == R"("request")") return decode_request(*members, unknown);
  if (kind == R"("reply")") return unanswered(decode_reply(*members));
  if (kind == R"("notice")") return unanswered(decode_notice(*members));
  if (kind == R"("liveness")") return unanswered(decode_liveness(*members));
  if (!kind.empty()) {
    return EnvelopeFault{std::nullopt,
                         wrong("dockherd", "request, reply, notice or liveness", kind)};
  }
  if (member(*members, "action").empty()) return ForeignText{};
  RequestEnvelope bare;
  bare.body = text;
  return bare;
}

bool is_liveness_text(std::string_view text) {
  return text.starts_with(liveness_prefix);
}

std::string error_body(const Error& error) {
  std::string text = R"({"error":)" + quote_json(error.message);
  text.append(R"(,"code":")").append(to_string(error.code)).append(1, '"');
  if (!error.field.empty()) text += R"(,"field":)" + quote_json(error.field);
  return text + "}";
}

std::optional<NodeId> rendezvous(std::string_view id, const std::vector<NodeId>& nodes) {
  const std::uint64_t start = fnv1a(fnv1a_start, id);
  std::optional<NodeId> best;
  std::uint64_t best_hash = 0;
  for (const NodeId& node : nodes) {
    const std::uint64_t hash = fnv1a(start, node.raw());
    if (!best || hash > best_hash || (hash == best_hash && node > *best)) {
      best = node;
      best_hash = hash;
    }
  }
  return best;
}

}  // namespace dockherd::bus
