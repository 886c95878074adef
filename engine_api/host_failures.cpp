#include "engine_api/host_failures.hpp"

#include <algorithm>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "docker_client/docker_codec.hpp"
#include "engine_api/docker_error.hpp"

namespace dockherd::engine_api {

HostFailure failure_of(const HostAnswer& answer) {
  std::string message = docker_client::error_message(answer.body);
  const std::string prefix = answer.hostname + ": ";
  if (message.starts_with(prefix)) message.erase(0, prefix.size());
  if (message.empty()) message = "the daemon answered " + std::to_string(answer.status);
  return {answer.hostname, answer.status >= 400 ? answer.status : 502, std::move(message)};
}

std::string failures_text(std::span<const HostFailure> failures) {
  std::vector<std::string> sentences;
  for (auto at = failures.begin(); at != failures.end(); ++at) {
    const auto says_the_same = [at](const HostFailure& other) {
      return other.message == at->message;
    };
    if (std::any_of(failures.begin(), at, says_the_same)) continue;
    std::vector<std::string> hosts;
    for (const HostFailure& failure : failures) {
      if (says_the_same(failure)) hosts.push_back(failure.hostname);
    }
    sentences.push_back(join(hosts) + ": " + at->message);
  }
  return join(sentences, "; ");
}

Merged failed_everywhere(std::span<const HostFailure> failures) {
  Merged merged;
  if (failures.empty()) return nothing_merged({});
  const auto other_than_404 =
      std::find_if(failures.begin(), failures.end(),
                   [](const HostFailure& failure) { return failure.status != 404; });
  merged.status = other_than_404 == failures.end() ? 404 : other_than_404->status;
  const bool alike =
      std::all_of(failures.begin(), failures.end(), [&failures](const HostFailure& failure) {
        return failure.message == failures.front().message;
      });
  merged.body = docker_message(alike ? failures.front().message : failures_text(failures));
  return merged;
}

std::string error_line(std::string_view message) {
  const std::string quoted = quote_json(message);
  return "{\"errorDetail\":{\"message\":" + quoted + "},\"error\":" + quoted + "}\r\n";
}

Merged merge_image_tags(std::span<const HostAnswer> answers) {
  std::vector<std::string> done;
  std::vector<HostFailure> failures;
  for (const HostAnswer& answer : answers) {
    if (answer.status >= 200 && answer.status < 300) {
      done.push_back(answer.hostname);
    } else {
      failures.push_back(failure_of(answer));
    }
  }
  Merged merged;
  merged.status = 201;
  if (failures.empty() && !done.empty()) return merged;
  if (done.empty()) return failed_everywhere(failures);
  merged.status = failures.front().status;
  merged.body = docker_message(failures_text(failures) + "; tagged on " + join(done));
  return merged;
}

}  // namespace dockherd::engine_api
