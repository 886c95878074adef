#include "engine_api/build_progress.hpp"

#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::string_view digest_start = "sha256:";
constexpr std::string_view built_start = "Successfully built ";  // Before API 1.30.

}  // namespace

void BuildProgress::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (pending_.size() + piece.size() > limits::docker_event_bytes) too_long_ = true;
    if (!too_long_) pending_ += piece;
    if (end == bytes.npos) return;
    finish();
    bytes.remove_prefix(end + 1);
  }
}

void BuildProgress::finish() {
  const std::string line = std::exchange(pending_, {});
  if (!std::exchange(too_long_, false)) take(line);
}

void BuildProgress::take(std::string_view line) {
  const auto object = ObjectText::parsed(line);
  if (!object) return;
  if (!object->find("error").empty() || !object->find("errorDetail").empty()) failed_ = true;
  if (const auto aux = ObjectText::sliced(object->find("aux"))) {
    const auto id = string_of(aux->find("ID"));
    if (id && id->starts_with(digest_start)) image_id_ = *id;
  }
  if (const auto stream = string_of(object->find("stream"))) take_stream(*stream);
}

void BuildProgress::take_stream(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.starts_with(digest_start) && is_hex(text.substr(digest_start.size()))) {
    image_id_ = text;  // All that a quiet build says.
  } else if (image_id_.empty() && text.starts_with(built_start) &&
             is_hex(text.substr(built_start.size()))) {
    image_id_ = text.substr(built_start.size());
  }
}

std::string with_tag(std::string name) {
  if (split_tag(name).tag.empty()) name += ":latest";
  return name;
}

TaggedName split_tag(std::string_view name) {
  const auto colon = name.rfind(':');
  const auto slash = name.rfind('/');
  const bool tagged = colon != name.npos && (slash == name.npos || slash < colon);
  TaggedName parts;
  parts.repository = name.substr(0, tagged ? colon : name.npos);
  if (tagged) parts.tag = name.substr(colon + 1);
  return parts;
}

}  // namespace dockherd::engine_api
