// What a daemon says line by line, in the pieces in which it may arrive: events, and the progress
// of pulls and builds. The first byte says which of these it is, and what the pieces are.
#include "docker_client/docker_codec.hpp"
#include "engine_api/build_progress.hpp"
#include "engine_api/event_merge.hpp"
#include "engine_api/event_query.hpp"
#include "engine_api/object_text.hpp"
#include "engine_api/progress_lines.hpp"

#include "base/json_reader.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace {

using namespace dockherd;
using namespace dockherd::engine_api;

using Pieces = std::vector<std::string_view>;

std::vector<std::string> lines_of(const Pieces& pieces) {
  std::vector<std::string> lines;
  const auto keep = [&lines](std::string_view line) { lines.emplace_back(line); };
  std::string received;
  for (const std::string_view piece : pieces) {
    received += piece;
    docker_client::deliver_lines(docker_client::take_lines(received, false), keep);
    fuzz::require(received.find('\n') == received.npos);
  }
  docker_client::deliver_lines(docker_client::take_lines(received, true), keep);
  return lines;
}

NodeView node() {
  NodeView view;
  view.id = "n1";
  view.name = "h\"1";
  view.ip = "10.0.0.1";
  return view;
}

/// The line as the herd tells it; empty when it does not.
std::string check_event(const std::string& line) {
  const std::string told = herd_event(line, node());
  const auto event = docker_client::decode_event(line);
  fuzz::require(!event || !told.empty());
  if (told.empty()) return told;
  fuzz::require(told.find_first_of("\r\n") == told.npos || line.find_first_of("\r\n") != line.npos);
  const auto again = docker_client::decode_event(told);
  // Members are found as they are written: one whose name is written with escapes is another.
  const bool plain = line.find("\\u") == line.npos;
  if (!event) {
    fuzz::require(parse_json(told).has_value());
    return told;
  }
  fuzz::require(again && again->type == event->type && again->action == event->action);
  fuzz::require(again->time_nano == event->time_nano);
  if (!plain) return told;
  fuzz::require(again->name == event->name && again->attributes.at("node.name") == "h\"1");
  return told;
}

/// Nothing is lost, and what comes out at once is in order.
void check_merge(const std::vector<std::string>& events) {
  const auto hold = std::chrono::seconds(1);
  EventMerge merge(hold);
  for (const char* host : {"h0", "h1"}) merge.open(host);
  TimePoint now{};
  std::size_t told = 0;
  std::size_t turn = 0;
  for (const std::string& event : events) {
    fuzz::require(merge.push(turn++ % 3 == 0 ? "h0" : "h1", event, now));
    if (turn % 4 == 0) told += merge.pop_ready(now).size();
    now += std::chrono::milliseconds(1);
  }
  fuzz::require(merge.held() == events.size() - told);
  fuzz::require(merge.next_due().has_value() == (merge.held() > 0));
  std::optional<std::int64_t> before;
  for (const std::string& line : merge.pop_ready(now + hold)) {
    ++told;
    const auto event = ObjectText::sliced(line);
    fuzz::require(event.has_value());
    const auto time = integer_of(event->find("timeNano"));
    fuzz::require(!time || !before || *before <= *time);
    if (time) before = time;
  }
  fuzz::require(told == events.size() && merge.held() == 0);
}

/// Where a stream goes on is something that a daemon takes.
void check_resuming(const std::string& event) {
  const auto object = ObjectText::sliced(event);
  const auto nano = object ? integer_of(object->find("timeNano")) : std::nullopt;
  if (!nano) return;
  const auto since = read_event_time(event_time_text(moment_after(*nano)));
  fuzz::require(since || *nano > 9'000'000'000 * nanos_per_second);
  fuzz::require(!since || *nano < 0 || *since == *nano + 1);
}

struct Relabelled {
  std::string given;
  std::string failure;
  std::vector<std::string> results;

  bool operator==(const Relabelled&) const = default;
};

Relabelled relabelled(const Pieces& pieces, std::size_t longest_line) {
  ProgressRelabel progress("h1", longest_line);
  Relabelled all;
  for (const std::string_view piece : pieces) all.given += progress.feed(piece);
  all.given += progress.finish();
  if (progress.failure()) all.failure = progress.failure()->line;
  all.results = progress.results();
  return all;
}

void check_progress(const Relabelled& progress) {
  const auto is_line = [](std::string_view line) {
    const auto object = parse_json(line);
    return object && object->is_object();
  };
  docker_client::deliver_lines(progress.given,
                               [&](std::string_view line) { fuzz::require(is_line(line)); });
  fuzz::require(progress.given.empty() || progress.given.ends_with("\r\n"));
  fuzz::require(progress.failure.empty() || is_line(progress.failure));
  for (const std::string& result : progress.results) fuzz::require(is_line(result));
}

BuildProgress build_of(const Pieces& pieces) {
  BuildProgress build;
  for (const std::string_view piece : pieces) build.feed(piece);
  build.finish();
  return build;
}

void check_events(std::string_view text, const Pieces& pieces) {
  const std::vector<std::string> lines = lines_of({text});
  fuzz::require(lines == lines_of(pieces));
  std::vector<std::string> events;
  for (const std::string& line : lines) {
    std::string event = check_event(line);
    if (event.empty()) continue;
    check_resuming(event);
    events.push_back(std::move(event));
  }
  check_merge(events);
}

void check_pull(std::string_view text, const Pieces& pieces, std::size_t longest_line) {
  const Relabelled progress = relabelled({text}, longest_line);
  fuzz::require(progress == relabelled(pieces, longest_line));
  check_progress(progress);
}

void check_build(std::string_view text, const Pieces& pieces) {
  const BuildProgress build = build_of({text});
  const BuildProgress same = build_of(pieces);
  fuzz::require(build.failed() == same.failed() && build.image_id() == same.image_id());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  const std::uint8_t seed = fuzz::take_byte(text);
  const Pieces pieces = fuzz::pieces_of(text, seed);
  switch (seed % 4) {
    case 0:
      check_events(text, pieces);
      break;
    case 1:
      check_pull(text, pieces, limits::docker_event_bytes);
      break;
    case 2:
      check_pull(text, pieces, 40);
      break;
    default:
      check_build(text, pieces);
  }
  return 0;
}
