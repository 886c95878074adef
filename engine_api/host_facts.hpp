// What is known of a host without asking it, as the placement filter takes it.
#pragma once

#include "engine_api/herd_port.hpp"
#include "engine_api/placement_filter.hpp"

namespace dockherd::engine_api {

/// Without its containers, images and volumes.
HostFacts facts_of(const HerdNode& node);

}  // namespace dockherd::engine_api
