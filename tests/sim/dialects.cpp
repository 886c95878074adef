#include "tests/sim/dialects.hpp"

#include <charconv>

#include "base/fnv1a.hpp"
#include "bus/envelope.hpp"
#include "bus/peer_info.hpp"
#include "bus/zre_codec.hpp"
#include "tests/wire/samples/sample_files.hpp"

namespace dockherd::sim {

namespace {

const json* body_of_notice(const json& envelope, std::string_view topic) {
  if (wire::kind_of_content(envelope) != "notice-" + std::string(topic)) return nullptr;
  const auto body = envelope.find("body");
  return body == envelope.end() ? nullptr : &*body;
}

/// view_sum() is an XOR: of what the status and the containers come to.
std::string with_change(const std::string& sum, std::uint64_t change) {
  std::uint64_t value = 0;
  std::from_chars(sum.data(), sum.data() + sum.size(), value, 16);
  value ^= change;
  std::string digits(16, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, value >>= 4) {
    *digit = "0123456789abcdef"[value & 15];
  }
  return digits;
}

/// In the body that a node's sum is made of: its own notice, or the verb that says the same.
std::string status_text(const json& envelope) {
  if (const json* status = body_of_notice(envelope, "status")) return dump_json(*status);
  if (wire::kind_of_content(envelope) != "request-status") return {};
  return dump_json(envelope["body"]["status"]);
}

}  // namespace

Dialects::Dialects() {
  for (const auto& [name, text] : wire::read_samples(wire::oldest_release)) {
    if (wire::is_json(name)) {
      const auto message = parse_json(text);
      if (message) oldest_[wire::kind_of(name)].learn(*message);
    } else if (wire::kind_of(name) == "zre-hello") {
      const auto hello = bus::decode_zre(text);
      if (hello) oldest_headers_ = hello->headers;
    }
  }
}

void Dialects::speak(fakes::Host from, fakes::Host to, bus::Frames& frames) {
  const auto spoken = spoken_.find(from);
  const Dialect dialect = spoken == spoken_.end() ? Dialect::today : spoken->second;
  const auto message = bus::decode_zre(frames.front());
  if (!message) return;
  if (message->kind == bus::ZreKind::hello) greet(dialect, frames.front());
  if (message->kind == bus::ZreKind::whisper && frames.size() > 1) {
    frames[1] = reword(dialect, {from, to}, frames[1]);
  }
}

void Dialects::note_request(const json& envelope) {
  const std::string kind = wire::kind_of_content(envelope);
  if (!kind.starts_with("request-") || !envelope["id"].is_string()) return;
  asked_[envelope["id"].get<std::string>()] = kind.substr(std::string("request-").size());
}

/// As the samples are named.
std::string Dialects::kind_of(const json& envelope) const {
  const std::string kind = wire::kind_of_content(envelope);
  const auto id = envelope.find("id");
  if (!kind.empty() || id == envelope.end() || !id->is_string()) return kind;
  const auto asked = asked_.find(id->get<std::string>());
  if (asked == asked_.end()) return {};
  return (envelope.value("status", 0) < 300 ? "reply-" : "refusal-") + asked->second;
}

void Dialects::greet(Dialect dialect, std::string& frame) const {
  auto hello = bus::decode_zre(frame);
  if (!hello) return;
  if (dialect == Dialect::older) {
    std::erase_if(hello->headers,
                  [this](const auto& header) { return !oldest_headers_.contains(header.first); });
    hello->headers[std::string(bus::header_protocol)] =
        oldest_headers_.at(std::string(bus::header_protocol));
  } else if (dialect == Dialect::newer) {
    hello->headers[std::string(bus::header_version)] = "0.99.0";
    hello->headers[std::string(bus::header_protocol)] = std::string(bus::protocol_major) + ".99";
    hello->headers["X-DOCKHERD-LATER"] = "yes";
  }
  frame = bus::encode_zre(*hello);
}

std::string Dialects::reword(Dialect dialect, const Way& way, const std::string& text) {
  auto envelope = parse_json(text);
  if (!envelope || !envelope->is_object()) return text;
  note_request(*envelope);
  if (dialect == Dialect::today) return text;
  const std::string status = status_text(*envelope);
  const json before = *envelope;
  reword(dialect, *envelope);
  const std::string said = status_text(*envelope);
  if (!said.empty()) sum_changes_[way] = fnv1a(fnv1a_start, status) ^ fnv1a(fnv1a_start, said);
  fit_sum(way, *envelope);
  if (*envelope == before) return text;
  ++changed_;
  std::string reworded = dump_json(*envelope);
  const bool liveness = bus::is_liveness_text(text);
  // Its beginning is part of the protocol, and any other order of members is not.
  if (liveness && !bus::is_liveness_text(reworded)) return text;
  return reworded;
}

void Dialects::reword(Dialect dialect, json& envelope) const {
  const std::string kind = kind_of(envelope);
  if (dialect == Dialect::newer) return wire::add_unknown_members(envelope);
  if (dialect == Dialect::broken) {
    if (kind == "notice-containers") envelope["body"].erase("put");
    return;
  }
  const auto shape = oldest_.find(kind);
  if (shape != oldest_.end()) shape->second.strip(envelope);
}

void Dialects::fit_sum(const Way& way, json& envelope) const {
  const auto change = sum_changes_.find(way);
  if (change == sum_changes_.end() || change->second == 0) return;
  const std::string kind = wire::kind_of_content(envelope);
  json* sum = nullptr;
  if (kind == "notice-sum") sum = &envelope["body"];
  if (kind == "notice-containers" && envelope["body"].contains("sum")) {
    sum = &envelope["body"]["sum"];
  }
  if (sum != nullptr && sum->is_string())
    *sum = with_change(sum->get<std::string>(), change->second);
}

}  // namespace dockherd::sim
