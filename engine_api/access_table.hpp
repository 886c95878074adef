// Who may make which call of Docker's API: the policy on one screen. Pure.
#pragma once

#include "engine_api/docker_routes.hpp"
#include "trust/principal.hpp"

namespace dockherd::engine_api {

/// What a call may reach.
enum class Reach {
  none,  ///< Refused.
  own,   ///< What is labelled as the caller's own, or what he makes.
  all,   ///< Whatever it is about.
};

/// An admin reaches all. What is not in the table nobody else reaches: a call that is new there has
/// to be given first.
Reach reach_of(trust::Role role, const DockerRoute& route);

/// Why a request of one who is not an admin is not looked at; nothing when it may be. Daemons read
/// some of what is written in odd ways otherwise than this program does, so such requests must be
/// plain ones.
std::optional<std::string> why_not_plain(const DockerRoute& route, std::string_view content_type);

}  // namespace dockherd::engine_api
