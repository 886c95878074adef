#include "agent/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "base/text.hpp"

namespace dockherd::agent {

namespace {

// DockerMod's users type "-conf FILE"; taken letter by letter that would be other options.
constexpr std::string_view long_options[] = {
    "conf",      "cluster",  "hostname", "docker",  "http",         "templates",
    "log-level", "insecure", "check",    "version", "help",         "key",
    "users",     "role",     "tls-cert", "tls-key", "tls-client-ca"};

const std::vector<std::string_view> commands = {"agent", "keygen", "token"};

/// "-conf" and "-conf=FILE" as "--conf" and "--conf=FILE".
std::string with_two_dashes(const std::string& argument) {
  if (argument.size() < 3 || argument[0] != '-' || argument[1] == '-') return argument;
  const std::string name = argument.substr(1, argument.find('=') - 1);
  const bool known =
      std::find(std::begin(long_options), std::end(long_options), name) != std::end(long_options);
  return known ? "-" + argument : argument;
}

PrintAndExit usage_error(const std::string& what) {
  return {"dockherd: " + what + "\nRun \"dockherd agent --help\" for the options.\n", 2};
}

std::string version_text() {
  return "dockherd " DOCKHERD_VERSION "\n";
}

void add_tls_options(CLI::App& agent, AgentFlags& flags) {
  agent
      .add_option("--tls-cert", flags.tls_cert,
                  "serve by TLS, with this certificate and those below it (PEM)")
      ->type_name("FILE");
  agent.add_option("--tls-key", flags.tls_key, "the certificate's key (PEM)")->type_name("FILE");
  agent
      .add_option("--tls-client-ca", flags.tls_client_ca,
                  "let in only clients with a certificate by one of these authorities\n(PEM)")
      ->type_name("FILE");
}

void add_agent_options(CLI::App& agent, AgentFlags& flags) {
  agent.add_option("--conf", flags.conf, "conf.json: this agent's own settings")->type_name("FILE");
  agent.add_option("--cluster", flags.cluster, "YAML file: how agents find and reach each other")
      ->type_name("FILE");
  agent.add_option("--hostname", flags.hostname, "name of this node (default: the machine's)")
      ->type_name("NAME");
  agent
      .add_option("--docker", flags.docker,
                  "the Docker daemon (default: $DOCKER_HOST, else unix:///var/run/docker.sock)")
      ->type_name("unix:///PATH|tcp://HOST:PORT");
  agent
      .add_option("--http", flags.http,
                  "where the verbs and the Docker Engine API are served (default:\n127.0.0.1:8080; "
                  "with --insecure 0.0.0.0:8080)")
      ->type_name("ADDRESS:PORT");
  agent.add_option("--templates", flags.templates, "directory of container templates")
      ->type_name("DIRECTORY");
  agent.add_option("--log-level", flags.log_level, "trace, debug, info, warn, error or off")
      ->type_name("LEVEL");
  agent
      .add_option("--key", flags.keys,
                  "the herd's key file (see keygen); twice or more while keys are changed")
      ->type_name("FILE")
      ->allow_extra_args(false);
  add_tls_options(agent, flags);
  agent.add_flag("--insecure", flags.insecure,
                 "listen beyond loopback without a key, on a network where everybody\nis trusted");
  agent.add_flag("--check", flags.check, "check the configuration, say what it does, and exit");
}

/// The error for what CLI11 did not consume; it would name the argument and no alternative.
PrintAndExit unexpected(const std::string& argument, const CLI::App& command, bool in_command) {
  if (argument.rfind('-', 0) == 0) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    const std::string option = argument.substr(0, argument.find('='));
    return usage_error("unknown option " + option + ", expected " +
                       suggest(option, {names.begin(), names.end()}));
  }
  if (in_command) return usage_error("unexpected argument \"" + argument + "\"");
  return usage_error("unknown command \"" + argument + "\", expected " +
                     suggest(argument, commands));
}

/// What can be asked for, and where CLI11 puts its flags.
struct Commands {
  explicit Commands(CLI::App& app);

  CLI::App& agent;
  CLI::App& keygen;
  CLI::App& token;
  AgentFlags agent_flags;
  KeygenFlags keygen_flags;
  TokenFlags token_flags;
};

Commands::Commands(CLI::App& app)
    : agent(*app.add_subcommand("agent",
                                "Runs the agent of this Docker host until SIGTERM or SIGINT.")),
      keygen(
          *app.add_subcommand("keygen", "Makes the key of a herd: whoever has the file is in it.")),
      token(*app.add_subcommand("token", "Tokens by which users are known to the herd.")) {
  for (CLI::App* command : {&agent, &keygen}) {
    command->set_version_flag("--version", version_text());
    command->allow_extras();
  }
  add_agent_options(agent, agent_flags);
  add_token_commands(token, token_flags);
  keygen.add_option("FILE", keygen_flags.file, "is made with mode 0600; copy it to every host")
      ->capture_default_str();
}

Command parse(CLI::App& app, const Commands& commands_known, std::vector<std::string> arguments) {
  std::transform(arguments.begin(), arguments.end(), arguments.begin(), with_two_dashes);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back.
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return PrintAndExit{app.help(), 0};
  } catch (const CLI::CallForVersion&) {
    return PrintAndExit{version_text(), 0};
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? commands_known.agent : *chosen.front();
  if (const auto left = command.remaining(); !left.empty()) {
    return unexpected(left.front(), command, true);
  }
  if (const auto left = app.remaining(); !left.empty()) {
    return unexpected(left.front(), command, !chosen.empty());
  }
  if (chosen.empty()) return PrintAndExit{app.help(), 0};
  if (commands_known.keygen.parsed()) return commands_known.keygen_flags;
  if (commands_known.token.parsed()) return commands_known.token_flags;
  return commands_known.agent_flags;
}

}  // namespace

Command parse_command_line(std::vector<std::string> arguments) {
  try {
    CLI::App app("Drives many Docker hosts as one herd.", "dockherd");
    app.set_version_flag("--version", version_text());
    app.allow_extras();
    app.require_subcommand(0, 1);
    const Commands known(app);
    return parse(app, known, std::move(arguments));
  } catch (const std::exception& error) {
    return usage_error(error.what());
  }
}

}  // namespace dockherd::agent
