// What went wrong on which hosts, in one sentence for all of them. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine_api/host_answer.hpp"

namespace dockherd::engine_api {

struct HostFailure {
  HostFailure(std::string host, int http_status, std::string words)
      : hostname(std::move(host)), status(http_status), message(std::move(words)) {}

  std::string hostname;
  int status;  ///< That it has for clients.
  std::string message;
};

/// What an answer that is no success says, without the host's name before it.
HostFailure failure_of(const HostAnswer& answer);

/// "h1, h3: no space left; h2: in use": each message once, with all hosts that say it.
std::string failures_text(std::span<const HostFailure> failures);

/// The answer when every host failed; a 404 only when all are, for another host may have the thing.
/// What all of them say alike is passed on as it is, so that the
/// clients that look at it find a daemon's words.
Merged failed_everywhere(std::span<const HostFailure> failures);

/// {"errorDetail":{"message":…},"error":…} as the last line of progress.
std::string error_line(std::string_view message);

/// POST /images/x/tag: done when every host that has the image has done it. The answer is empty
/// then; else it is the error, with the hosts where it is done.
Merged merge_image_tags(std::span<const HostAnswer> answers);

}  // namespace dockherd::engine_api
