// Between a daemon's JSON and values. Pure. What is not understood is daemon_lost: the daemon may
// have done what was asked.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "docker_client/docker.hpp"
#include "docker_client/docker_status.hpp"
#include "docker_client/docker_types.hpp"

namespace dockherd::docker_client {

/// The body of GET /containers/json, in its order. Fails on anything but a list of objects with an
/// Id each. Takes about 1 us per entry and kilobyte: entries are sliced, not parsed, and only the
/// fields that are needed are decoded.
Result<std::vector<ContainerSummary>> decode_container_list(std::string_view body);

/// One entry of that list.
Result<ContainerSummary> decode_container_summary(std::string_view entry);

/// One line of GET /events. Fails on anything but an object with Type and Action (daemons before
/// API 1.22 are not understood).
Result<DockerEvent> decode_event(std::string_view line);

/// The body of GET /info.
Result<HostFacts> decode_host_facts(std::string_view body);

/// The body of GET /version.
Result<EngineVersion> decode_version(std::string_view body);

/// What status_text() needs, from the body of GET /containers/{id}/json.
Result<ContainerStatus> decode_container_status(std::string_view inspection);

/// The text of {"message": "…"}, or the body itself when it is something else, at most 1000 bytes.
std::string error_message(std::string_view body);

/// A daemon's error status as an error: docker_refused with its message and status.
Error refusal_of(const DockerResponse& response);

/// A pull answers 200 and may still fail on the way; the error is then in the body, which has one
/// JSON object per line. Nothing when it went well.
std::optional<std::string> pull_failure(std::string_view body);

/// The "Id" of the answer to a create; nothing when there is none.
std::optional<std::string> created_id(std::string_view body);

/// Takes out of what has been `received` of a stream the lines that are whole, each with its end;
/// once it has `ended` all that is left.
std::string take_lines(std::string& received, bool ended);

/// Calls `on_line` for each line that is not empty, without its end ("\n" or "\r\n").
void deliver_lines(std::string_view text, const std::function<void(std::string_view)>& on_line);

}  // namespace dockherd::docker_client
