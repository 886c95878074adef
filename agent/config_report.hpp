// What an agent of this configuration would do, for `--check`. Looks at files and at this host's
// addresses, connects to nothing.
#pragma once

#include <string>

#include "agent/agent_config.hpp"

namespace dockherd::agent {

struct ConfigReport {
  std::string text;  ///< Lines of name and value.
  bool good = true;  ///< False when a file is broken or this host has not an address named.
};

ConfigReport report_config(const AgentConfig& config);

}  // namespace dockherd::agent
