// One request as the daemon model sees it. Internal to the model.
#pragma once

#include "tests/fakes/daemon_model.hpp"
#include "tests/fakes/request_target.hpp"

namespace dockherd::fakes {

struct DaemonModel::Call {
  Call(std::string_view http_method, std::string_view whole_target, std::string_view raw_body,
       WallTime time)
      : method(http_method),
        raw_target(whole_target),
        target(RequestTarget::parse(whole_target)),
        body(raw_body),
        now(time) {}

  std::string_view method;
  std::string_view raw_target;
  RequestTarget target;
  std::string_view body;
  WallTime now;
};

/// "2026-11-21T10:20:30.123456789Z"; Docker's year 1 for times that never came.
std::string rfc3339(WallTime time);
std::string_view state_name(ContainerState state);

}  // namespace dockherd::fakes
