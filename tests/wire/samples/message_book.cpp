#include "tests/wire/samples/message_book.hpp"

#include "bus/zre_codec.hpp"
#include "tests/wire/samples/message_shape.hpp"

namespace dockherd::wire {

namespace {

std::string frame_kind(bus::ZreKind kind) {
  static const std::map<bus::ZreKind, std::string> names{
      {bus::ZreKind::hello, "hello"},     {bus::ZreKind::whisper, "whisper"},
      {bus::ZreKind::shout, "shout"},     {bus::ZreKind::join, "join"},
      {bus::ZreKind::leave, "leave"},     {bus::ZreKind::ping, "ping"},
      {bus::ZreKind::ping_ok, "ping-ok"}, {bus::ZreKind::goodbye, "goodbye"}};
  const auto found = names.find(kind);
  return found == names.end() ? std::string() : "zre-" + found->second;
}

}  // namespace

void MessageBook::add(const std::string& kind, const std::string& suffix, std::string text) {
  const int number = ++counts_[kind];
  samples_[kind + "." + std::to_string(number) + suffix] = std::move(text);
}

void MessageBook::add_bytes(const std::string& kind, std::string bytes) {
  if (known_.insert(kind).second) add(kind, ".hex", std::move(bytes));
}

void MessageBook::add_message(const bus::Frames& frames) {
  const auto message = bus::decode_zre(frames.front());
  if (!message) return;
  const std::string kind = frame_kind(message->kind);
  if (!kind.empty()) add_bytes(kind, frames.front());
  if (message->kind == bus::ZreKind::whisper && frames.size() > 1) add_content(frames[1]);
}

void MessageBook::add_content(const std::string& text) {
  const auto envelope = parse_json(text);
  if (!envelope || !envelope->is_object()) return;
  std::string kind = kind_of_content(*envelope);
  const std::string id = envelope->contains("id") && (*envelope)["id"].is_string()
                             ? (*envelope)["id"].get<std::string>()
                             : std::string();
  if (kind.starts_with("request-")) {
    asked_[id] = kind.substr(std::string("request-").size());
  } else if (kind.empty() && asked_.contains(id)) {
    const bool success = envelope->value("status", 0) < 300;
    kind = success ? "reply-" + asked_[id] : "refusal-" + asked_[id];
  }
  if (kind.empty()) return;
  std::string members = kind;
  for (const std::string& path : member_paths(*envelope)) members += " " + path;
  if (known_.insert(members).second) add(kind, ".json", text);
}

}  // namespace dockherd::wire
