// What conf.json, flags and the environment say of TLS. Opens no file: that is for the start and
// for SIGHUP, alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/agent_config.hpp"
#include "agent/command_line.hpp"
#include "agent/conf_file.hpp"
#include "agent/resolve_config.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

/// The object `key` with "cert", "key" and `authority` ("client_ca", "ca"), if it is there. Paths
/// are as written.
Result<std::optional<trust::CertificateFiles>> read_certificate_files(const JsonReader& reader,
                                                                      std::string_view key,
                                                                      std::string_view authority);

/// Whose certificates clients see and must have. Paths of the file begin at its directory.
Result<void> resolve_tls(const AgentFlags& flags, const ConfFile& conf, AgentConfig& config);

/// For a daemon on TCP: as the file says, else as the docker command reads the environment.
void resolve_docker_tls(const ConfFile& conf, const Environment& environment, AgentConfig& config);

}  // namespace dockherd::agent
