// From flags, files, environment and defaults to one AgentConfig. The rules that need more than
// one of them are here; first of all that nothing listens beyond loopback without a key unless told
// so.
#pragma once

#include <optional>
#include <string>

#include "agent/agent_config.hpp"
#include "agent/cluster_file.hpp"
#include "agent/command_line.hpp"
#include "agent/conf_file.hpp"
#include "base/error.hpp"

namespace dockherd::agent {

/// What is taken from the process and the machine.
struct Environment {
  std::string docker_host;            ///< $DOCKER_HOST, or empty.
  std::string hostname;               ///< gethostname().
  bool docker_tls_verify = false;     ///< $DOCKER_TLS_VERIFY is not empty.
  std::string docker_cert_path = {};  ///< $DOCKER_CERT_PATH, or where the docker command looks.
};

Environment read_environment();

/// Flags go before files, files before the environment, that before defaults. Fails with
/// bad_config; the message names flag, or file and key. Looks at the disk only to choose the
/// default templates directory.
Result<AgentConfig> merge_config(const AgentFlags& flags, const ConfFile& conf,
                                 const ClusterFile& cluster, const Environment& environment);

/// Reads the files that `flags` names (and the cluster file that conf.json names), merges, and
/// reads the keys.
Result<AgentConfig> resolve_config(const AgentFlags& flags, const Environment& environment);

}  // namespace dockherd::agent
