// `dockherd token add|list|remove`: the tokens in a users file.
#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace dockherd::agent {

struct TokenFlags {
  enum class Action { add, list, remove };

  Action action = Action::list;
  std::string file = "users.json";
  std::string name;
  std::optional<std::string> role;
  std::optional<std::string> id;  ///< Of the token to remove; nothing: all of the user.
};

/// Puts the subcommands into `token`; what is typed comes into `flags`, which outlives it.
void add_token_commands(CLI::App& token, TokenFlags& flags);

/// Does it and prints: the token itself on standard output, once, all else on standard error. The
/// exit code.
int run_token_command(const TokenFlags& flags);

}  // namespace dockherd::agent
