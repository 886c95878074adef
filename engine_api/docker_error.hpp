// Errors as the Docker Engine API words them: {"message": "..."} with an HTTP status. Pure.
#pragma once

#include <string>
#include <string_view>

namespace dockherd::engine_api {

/// {"message":"..."} and a line end, as dockerd ends its JSON.
std::string docker_message(std::string_view message);

}  // namespace dockherd::engine_api
