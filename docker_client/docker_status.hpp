// Docker's own words for a container's state, so that a list kept in memory can be shown as dockerd
// would show it now. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace dockherd::docker_client {

/// "Less than a second", "5 minutes", "About an hour", "3 weeks": the rounding of docker/go-units
/// HumanDuration, which dockerd uses. A negative duration counts as none.
std::string human_duration(std::chrono::nanoseconds duration);

/// "2026-11-21T10:20:30.123456789Z", as in an inspection; also with an offset. The epoch for
/// Docker's "never" and for anything that is not a time.
WallTime parse_docker_time(std::string_view text);

/// What the Status text depends on. Times at the epoch or before it mean "never", as Docker's
/// "0001-01-01T00:00:00Z" does.
struct ContainerStatus {
  std::string state;   ///< created, running, paused, restarting, removing, exited, dead.
  std::string health;  ///< starting, healthy, unhealthy; empty or "none" without a health check.
  int exit_code = 0;
  WallTime started;
  WallTime finished;
};

/// "Up 5 minutes (healthy)", "Exited (0) 3 hours ago", "Created"…: moby's State.String() at `now`.
std::string status_text(const ContainerStatus& status, WallTime now);

}  // namespace dockherd::docker_client
