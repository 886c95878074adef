// The command line: what to do, and the flags that override the files. Prints and runs nothing.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/token_command.hpp"

namespace dockherd::agent {

/// Flags of `dockherd agent`. Values are as typed; resolve_config checks them.
struct AgentFlags {
  std::optional<std::string> conf;
  std::optional<std::string> cluster;
  std::optional<std::string> hostname;
  std::optional<std::string> docker;
  std::optional<std::string> http;
  std::optional<std::string> templates;
  std::optional<std::string> log_level;
  std::vector<std::string> keys;
  std::optional<std::string> tls_cert;
  std::optional<std::string> tls_key;
  std::optional<std::string> tls_client_ca;
  bool insecure = false;
  bool check = false;  ///< Say what would be done, and end.
};

/// `dockherd keygen`.
struct KeygenFlags {
  std::string file = "herd.key";
};

/// Text to print, and the code to exit with: 0 for help and version, 2 for a usage error, whose
/// text belongs on standard error.
struct PrintAndExit {
  std::string text;
  int exit_code = 0;
};

using Command = std::variant<AgentFlags, KeygenFlags, TokenFlags, PrintAndExit>;

/// `arguments` without the program's name. Never throws.
Command parse_command_line(std::vector<std::string> arguments);

}  // namespace dockherd::agent
