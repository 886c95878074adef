#include "engine_api/host_answer.hpp"

#include <algorithm>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

bool is_good(const HostAnswer& answer) {
  return answer.status >= 200 && answer.status < 300;
}

}  // namespace

std::vector<std::string> take_good_answers(std::span<const HostAnswer> answers, NotFound not_found,
                                           const std::function<bool(const HostAnswer&)>& take) {
  std::vector<std::string> left_out;
  for (const HostAnswer& answer : answers) {
    if (answer.status == 404 && not_found == NotFound::may_lack_it) continue;
    if (!is_good(answer) || !take(answer)) left_out.push_back(answer.hostname);
  }
  return left_out;
}

Merged nothing_merged(std::span<const HostAnswer> answers) {
  Merged merged;
  const HostAnswer* failure = nullptr;
  for (const HostAnswer& answer : answers) {
    if (answer.status != 404 || answers.size() == 1) merged.left_out.push_back(answer.hostname);
    if (is_good(answer)) continue;
    if (failure == nullptr || (failure->status == 404 && answer.status != 404)) failure = &answer;
  }
  if (failure != nullptr && failure->status >= 400) {
    merged.status = failure->status;
    merged.body = failure->body;
    if (failure->status == 404) merged.left_out.clear();
  } else if (answers.empty()) {
    merged.status = 503;
    merged.body = docker_message("no host of the herd answered");
  } else {
    merged.status = 502;
    merged.body =
        docker_message("not understood: what the daemon answered on " + join(merged.left_out));
  }
  return merged;
}

Merged nothing_found(std::span<const HostAnswer> answers) {
  const auto absent = std::find_if(answers.begin(), answers.end(),
                                   [](const HostAnswer& answer) { return answer.status == 404; });
  if (absent == answers.end()) return nothing_merged(answers);
  Merged merged;
  merged.status = 404;
  merged.body = absent->body;
  for (const HostAnswer& answer : answers) {
    if (answer.status != 404) merged.left_out.push_back(answer.hostname);
  }
  return merged;
}

std::vector<std::string> named_warnings(const std::string& hostname, std::string_view warnings) {
  std::vector<std::string> named;
  for (const std::string_view element :
       elements_of(warnings).value_or(std::vector<std::string_view>())) {
    if (const auto warning = string_of(element)) {
      named.push_back(quote_json(hostname + ": " + *warning));
    }
  }
  return named;
}

Merged merged_into(std::string body, std::vector<std::string> left_out) {
  Merged merged;
  merged.body = std::move(body);
  merged.body += '\n';
  merged.left_out = std::move(left_out);
  return merged;
}

}  // namespace dockherd::engine_api
