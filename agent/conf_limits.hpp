// The key "limits" of conf.json: how much of the agent one client may take.
#pragma once

#include "base/json_reader.hpp"
#include "http_api/client_limits.hpp"

namespace dockherd::agent {

/// What is not given stays as it is by default; 0 is without that bound.
Result<http_api::LimitSettings> read_limits(const JsonReader& conf);

}  // namespace dockherd::agent
