#include "engine_api/progress_lines.hpp"

#include <algorithm>
#include <utility>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::size_t shown_of_garbage = 200;

std::string status_line(const std::string& status) {
  return "{\"status\":" + quote_json(status) + "}" + std::string(line_end);
}

bool is_digest(std::string_view text) {
  constexpr std::string_view algorithm = "sha256:";
  return text.size() == algorithm.size() + 64 && text.starts_with(algorithm) &&
         text.find_first_not_of("0123456789abcdef", algorithm.size()) == std::string_view::npos;
}

/// What was loaded or imported.
bool is_result(const ObjectText& object) {
  if (const auto stream = string_of(object.find("stream"))) {
    return stream->starts_with("Loaded image: ") || stream->starts_with("Loaded image ID: ");
  }
  const auto status = string_of(object.find("status"));
  return status && object.find("id").empty() && is_digest(*status);
}

/// The error that the line tells of; nothing when it tells of none.
std::optional<std::string> error_of(const ObjectText& object) {
  if (const auto detail = ObjectText::sliced(object.find("errorDetail"))) {
    if (auto message = string_of(detail->find("message"))) return message;
  }
  return string_of(object.find("error"));
}

ProgressFailure failure_of(ObjectText object, const std::string& hostname, std::string message) {
  const std::string named = quote_json(hostname + ": " + message);
  if (auto detail = ObjectText::sliced(object.find("errorDetail"))) {
    detail->set("message", named);  // Beside it may be a code that clients look at.
    object.set("errorDetail", detail->text());
  } else {
    object.set("errorDetail", "{\"message\":" + named + "}");
  }
  object.set("error", named);
  return {std::move(message), object.text() + std::string(line_end)};
}

}  // namespace

std::string progress_failure_line(std::string_view hostname, std::string_view message) {
  return failure_of({}, std::string(hostname), std::string(message)).line;
}

ProgressRelabel::ProgressRelabel(std::string hostname, std::size_t longest_line)
    : hostname_(std::move(hostname)), longest_line_(longest_line) {}

std::string ProgressRelabel::feed(std::string_view bytes) {
  std::string given;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (pending_.size() + piece.size() > longest_line_) too_long_ = true;
    if (too_long_) {
      pending_.clear();
    } else {
      pending_ += piece;
    }
    if (end == std::string_view::npos) break;
    given += finish();
    bytes.remove_prefix(end + 1);
  }
  return given;
}

std::string ProgressRelabel::finish() {
  const std::string line = std::exchange(pending_, {});
  if (std::exchange(too_long_, false)) {
    return status_line(hostname_ + ": a line of more than " + std::to_string(longest_line_) +
                       " bytes is left out");
  }
  return take_line(line);
}

std::string ProgressRelabel::take_line(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  return line.empty() ? std::string() : reword(line);
}

std::string ProgressRelabel::reword(std::string_view line) {
  auto object = ObjectText::parsed(line);
  if (!object) return status_line(hostname_ + ": " + shortened(line, shown_of_garbage));
  if (auto message = error_of(*object)) {
    if (!failure_) failure_ = failure_of(*object, hostname_, *std::move(message));
    return {};
  }
  if (results_.size() < most_results && is_result(*object)) {
    results_.push_back(object->text() + std::string(line_end));
    return {};
  }
  if (const auto id = string_of(object->find("id")); id && !id->empty()) {
    object->set("id", quote_json(hostname_ + ": " + *id));
  } else if (const auto status = string_of(object->find("status"))) {
    object->set("status", quote_json(hostname_ + ": " + *status));
  }
  if (const auto stream = string_of(object->find("stream"))) {
    object->set("stream", quote_json(reword_stream(*stream)));
  }
  return object->text() + std::string(line_end);
}

std::string ProgressRelabel::reword_stream(std::string_view text) {
  std::string reworded;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line =
        text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
    if (at_line_start_ && line != "\n") reworded += hostname_ + ": ";
    reworded += line;
    at_line_start_ = line.back() == '\n';
    text.remove_prefix(line.size());
  }
  return reworded;
}

}  // namespace dockherd::engine_api
