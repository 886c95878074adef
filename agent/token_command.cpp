#include "agent/token_command.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "trust/token.hpp"
#include "trust/users_file.hpp"

namespace dockherd::agent {

namespace {

constexpr int failed = 1;

int complain(const std::string& text) {
  std::fputs(("dockherd: " + text + "\n").c_str(), stderr);
  return failed;
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32] = "";
  ::gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// "t1", "t2"…: the first that the user does not have.
std::string next_id(const trust::User& user) {
  for (std::size_t number = 1;; ++number) {
    std::string id = "t" + std::to_string(number);
    const bool taken = std::any_of(user.tokens.begin(), user.tokens.end(),
                                   [&id](const auto& token) { return token.id == id; });
    if (!taken) return id;
  }
}

int add(const TokenFlags& flags, trust::Users users) {
  if (!trust::is_user_name(flags.name)) {
    return complain("NAME must be " + std::string(trust::user_name_rule));
  }
  const auto role = trust::role_from_string(flags.role.value_or(""));
  if (flags.role && !role) return complain("--role must be viewer, operator or admin");
  const bool is_new = !users.contains(flags.name);
  if (is_new && !role) {
    return complain(flags.name + " is a new user: give --role viewer, operator or admin");
  }
  trust::User& user = users[flags.name];
  if (role) user.role = *role;
  trust::StoredToken stored;
  const std::string token = trust::new_token();
  stored.id = next_id(user);
  stored.sha256 = trust::hash_of(token);
  stored.created = now_text();
  user.tokens.push_back(stored);
  if (const auto written = trust::write_users_file(flags.file, users); !written) {
    return complain(written.error().message);
  }
  std::fprintf(stderr, "The token %s of %s (%s) is in %s, as a hash. It is shown this once:\n",
               stored.id.c_str(), flags.name.c_str(), std::string(to_string(user.role)).c_str(),
               flags.file.c_str());
  std::printf("%s\n", token.c_str());
  std::fputs("Copy the file to every host, and send the agents SIGHUP.\n", stderr);
  return 0;
}

int list(const trust::Users& users) {
  for (const auto& [name, user] : users) {
    std::printf("%s %s\n", name.c_str(), std::string(to_string(user.role)).c_str());
    for (const trust::StoredToken& token : user.tokens) {
      std::printf("  %s %s\n", token.id.c_str(), token.created.c_str());
    }
  }
  return 0;
}

int remove(const TokenFlags& flags, trust::Users users) {
  const auto user = users.find(flags.name);
  if (user == users.end()) return complain("there is no user " + flags.name + " in " + flags.file);
  const auto removed = std::erase_if(user->second.tokens, [&flags](const auto& token) {
    return !flags.id || token.id == *flags.id;
  });
  if (removed == 0) return complain(flags.name + " has no such token");
  if (const auto written = trust::write_users_file(flags.file, users); !written) {
    return complain(written.error().message);
  }
  std::fprintf(stderr,
               "Removed %zu of the tokens of %s. Copy the file to every host, and send the "
               "agents SIGHUP.\n",
               removed, flags.name.c_str());
  return 0;
}

}  // namespace

void add_token_commands(CLI::App& token, TokenFlags& flags) {
  token.require_subcommand(1);
  const auto with_file = [&flags](CLI::App* command, TokenFlags::Action action) {
    command->add_option("--users", flags.file, "the users file")
        ->type_name("FILE")
        ->capture_default_str();
    command->callback([&flags, action] { flags.action = action; });
    return command;
  };
  CLI::App* adds = with_file(token.add_subcommand("add", "Makes a token of a user, and prints it."),
                             TokenFlags::Action::add);
  adds->add_option("NAME", flags.name, "the user; made when he is new")->required();
  adds->add_option("--role", flags.role, "viewer, operator or admin")->type_name("ROLE");
  with_file(token.add_subcommand("list", "Lists users and the ids of their tokens."),
            TokenFlags::Action::list);
  CLI::App* removes = with_file(token.add_subcommand("remove", "Takes tokens from a user."),
                                TokenFlags::Action::remove);
  removes->add_option("NAME", flags.name, "the user")->required();
  removes->add_option("ID", flags.id, "the token's id; without it, all");
}

int run_token_command(const TokenFlags& flags) {
  std::error_code failure;
  const bool is_there = std::filesystem::exists(flags.file, failure);
  trust::Users users;
  if (is_there || flags.action != TokenFlags::Action::add) {
    auto read = trust::read_users_file(flags.file);
    if (!read) return complain(read.error().message);
    users = std::move(*read);
  }
  switch (flags.action) {
    case TokenFlags::Action::add:
      return add(flags, std::move(users));
    case TokenFlags::Action::remove:
      return remove(flags, std::move(users));
    case TokenFlags::Action::list:
      break;
  }
  return list(users);
}

}  // namespace dockherd::agent
