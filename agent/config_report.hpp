// What an agent of this configuration would do, for `--check`. Looks at files, connects to nothing.
#pragma once

#include <string>

#include "agent/agent_config.hpp"

namespace dockherd::agent {

struct ConfigReport {
  std::string text;  ///< Lines of name and value.
  bool good = true;  ///< False when a template is broken or an interface is not there.
};

ConfigReport report_config(const AgentConfig& config);

}  // namespace dockherd::agent
