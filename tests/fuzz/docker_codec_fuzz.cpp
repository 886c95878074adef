// Whatever a daemon may answer: lists, events, inspections, versions, errors, pulls.
#include "docker_client/docker_codec.hpp"

#include "tests/fuzz/fuzz_target.hpp"

namespace {

using namespace dockherd;
using namespace dockherd::docker_client;

/// An entry of a list is a slice of the body, and reads the same alone.
void check_list(std::string_view body) {
  const auto list = decode_container_list(body);
  if (!list) return;
  for (const ContainerSummary& summary : *list) {
    const auto again = decode_container_summary(summary.raw);
    fuzz::require(again && !again->id.empty() && again->id == summary.id);
    fuzz::require(again->names == summary.names && again->labels == summary.labels);
    fuzz::require(body.find(summary.raw) != std::string_view::npos);
  }
}

void check_lines(std::string_view text) {
  deliver_lines(text, [](std::string_view line) {
    fuzz::require(!line.empty() && line.find('\n') == std::string_view::npos);
    const auto event = decode_event(line);
    fuzz::require(!event || (!event->type.empty() && !event->action.empty()));
  });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  check_list(text);
  check_lines(text);
  if (const auto version = decode_version(text)) fuzz::require(!version->api_version.empty());
  if (const auto status = decode_container_status(text)) {
    for (const std::int64_t seconds : {0, 2'000'000'000}) {
      (void)status_text(*status, WallTime(std::chrono::seconds(seconds)));
    }
  }
  (void)error_message(text);
  (void)pull_failure(text);
  if (const auto id = created_id(text)) fuzz::require(!id->empty());
  return 0;
}
