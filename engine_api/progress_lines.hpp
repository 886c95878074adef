// The progress of one host among that of several: what a pull, load or import says, line by line,
// with the host's name before it. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"

namespace dockherd::engine_api {

/// How a host's progress ended badly.
struct ProgressFailure {
  std::string message;  ///< In the daemon's words.
  std::string line;     ///< As the last line of the herd's answer: "h1: …".
};

/// {"errorDetail":{"message":"h1: …"},"error":"h1: …"}, for a host that failed in another way.
std::string progress_failure_line(std::string_view hostname, std::string_view message);

/// One for each host. Takes its bytes in any pieces and gives whole lines.
class ProgressRelabel {
 public:
  explicit ProgressRelabel(std::string hostname,
                           std::size_t longest_line = limits::docker_event_bytes);

  /// The lines that are now complete, reworded, each ended by CR LF as dockerd does. A line that is
  /// no JSON object becomes a status; one that is too long is dropped and said to be.
  std::string feed(std::string_view bytes);
  /// What came after the last line end. Nothing is to be fed after it.
  std::string finish();

  /// The first error. Its line is not among those given: a client stops reading at an error, and
  /// other hosts may still be at work. Whoever merges puts it at the end.
  const std::optional<ProgressFailure>& failure() const { return failure_; }

  /// Lines that name what was made ("Loaded image: x", "sha256:…"), as they came. They are not
  /// among those given: SDKs look for them at the beginning of a line, so they are to be told once
  /// for all hosts and without a name. Beyond `most_results` they are given as other lines are.
  const std::vector<std::string>& results() const { return results_; }

  static constexpr std::size_t most_results = 1000;

 private:
  std::string take_line(std::string_view line);
  std::string reword(std::string_view line);
  std::string reword_stream(std::string_view text);

  std::string hostname_;
  std::size_t longest_line_;
  std::string pending_;
  bool too_long_ = false;      ///< The line under way is; it is being dropped.
  bool at_line_start_ = true;  ///< Of the text that "stream" members make together.
  std::optional<ProgressFailure> failure_;
  std::vector<std::string> results_;
};

}  // namespace dockherd::engine_api
