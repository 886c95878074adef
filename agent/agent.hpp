// The composition root: the whole program on one screen.
#pragma once

#include "agent/agent_config.hpp"

namespace dockherd::agent {

/// Runs until SIGTERM or SIGINT. The exit code: 0 after an orderly stop, 1 when the start failed.
int run_agent(const AgentConfig& config);

}  // namespace dockherd::agent
