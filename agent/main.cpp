// The program's entry: command line in, exit code out.

#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "agent/agent.hpp"
#include "agent/command_line.hpp"
#include "agent/config_report.hpp"
#include "agent/resolve_config.hpp"
#include "base/log.hpp"
#include "trust/herd_key.hpp"

namespace {

using namespace dockherd;

constexpr int exit_failed = 1;  ///< Wrong configuration, or the start failed.
constexpr int exit_usage = 2;   ///< The command line is not understood.

void complain(const std::string& text) {
  std::fputs(("dockherd: " + text + "\n").c_str(), stderr);
}

int run(const agent::AgentFlags& flags) {
  const auto config = agent::resolve_config(flags, agent::read_environment());
  if (!config) {
    const Error error = config.error();
    complain(error.message);
    return error.field.rfind("--", 0) == 0 ? exit_usage : exit_failed;
  }
  if (flags.check) {
    const agent::ConfigReport report = agent::report_config(*config);
    std::fputs(report.text.c_str(), stdout);
    return report.good ? 0 : exit_failed;
  }
  if (const auto configured = configure_logging(config->log); !configured) {
    complain(configured.error().message);
    return exit_failed;
  }
  const Logger log = get_logger("agent");
  for (const std::string& note : config->notes) log->info("{}", note);
  return agent::run_agent(*config);
}

int make_key(const agent::KeygenFlags& flags) {
  const trust::HerdKey key = trust::HerdKey::generate();
  if (const auto saved = key.save(flags.file); !saved) {
    complain(saved.error().message);
    return exit_failed;
  }
  std::printf(
      "%s is the key %s of a herd. Copy it to every host, readable by the agent alone, and name "
      "it\n"
      "by \"key\" in conf.json or by --key. Whoever has it is in the herd and has root on its "
      "hosts.\n",
      flags.file.c_str(), key.id().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto command =
        agent::parse_command_line(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
    if (const auto* print = std::get_if<agent::PrintAndExit>(&command)) {
      std::fputs(print->text.c_str(), print->exit_code == 0 ? stdout : stderr);
      return print->exit_code;
    }
    if (const auto* keygen = std::get_if<agent::KeygenFlags>(&command)) return make_key(*keygen);
    if (const auto* token = std::get_if<agent::TokenFlags>(&command)) {
      return agent::run_token_command(*token);
    }
    return run(std::get<agent::AgentFlags>(command));
  } catch (const std::exception& error) {
    complain(std::string("cannot start: ") + error.what());
    return exit_failed;
  }
}
