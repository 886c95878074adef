// The calls that the program makes of a daemon. Pure. Ids may be full ids, names or prefixes; all
// arguments are encoded here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "docker_client/docker.hpp"

namespace dockherd::docker_client {

/// Everything but letters, digits and "-._~" becomes %XX (RFC 3986, section 2.3).
std::string url_encode(std::string_view text);

DockerRequest ping_request(TimePoint deadline);
DockerRequest version_request(TimePoint deadline);
DockerRequest info_request(TimePoint deadline);

/// `filters` is Docker's JSON ({"label":["a=b"]}) or empty. Without `all` only running ones.
DockerRequest list_containers_request(bool all, std::string_view filters, TimePoint deadline);
/// The list entry of one container, whatever its state: a list of one, or of none.
DockerRequest list_container_request(std::string_view full_id, TimePoint deadline);
DockerRequest inspect_request(std::string_view id, TimePoint deadline);

/// `body` is Docker's create body. An empty name lets Docker make one up. `platform`
/// ("linux/arm64") needs API 1.41.
DockerRequest create_request(std::string_view name, std::string body, TimePoint deadline,
                             std::string_view platform = "");
DockerRequest start_request(std::string_view id, TimePoint deadline);
/// Without `grace` the container's own stop timeout holds, 10 s by default; 0 kills at once. The
/// deadline must allow for it. `signal` is what it begins with, empty the container's own; daemons
/// before API 1.42 ignore it.
DockerRequest stop_request(std::string_view id, std::optional<std::chrono::seconds> grace,
                           TimePoint deadline, std::string_view signal = "");
DockerRequest restart_request(std::string_view id, std::optional<std::chrono::seconds> grace,
                              TimePoint deadline, std::string_view signal = "");
/// "SIGTERM", "TERM" or "15"; empty is SIGKILL.
DockerRequest kill_request(std::string_view id, std::string_view signal, TimePoint deadline);
DockerRequest pause_request(std::string_view id, TimePoint deadline);
DockerRequest unpause_request(std::string_view id, TimePoint deadline);
/// `force` kills a running one; `volumes` removes its anonymous volumes too.
DockerRequest remove_request(std::string_view id, bool force, bool volumes, TimePoint deadline);

DockerRequest list_images_request(bool all, std::string_view filters, TimePoint deadline);
DockerRequest inspect_image_request(std::string_view image, TimePoint deadline);
/// "alpine", "alpine:3.18", "host:5000/a/b@sha256:…". Without a tag, "latest" (Docker would pull
/// every tag). See pull_failure() about the answer.
DockerRequest pull_request(std::string_view image, TimePoint deadline);

/// For stream_lines(). `since_nano` asks for past events too, from that time on (the daemon's
/// clock; dockerd keeps 256). `types` ("container") empty: all.
DockerRequest events_request(std::optional<std::int64_t> since_nano,
                             const std::vector<std::string>& types, TimePoint deadline);

}  // namespace dockherd::docker_client
