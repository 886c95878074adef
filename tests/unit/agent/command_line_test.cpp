#include "agent/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dockherd::agent;
using testing::HasSubstr;

namespace {

AgentFlags flags_of(const std::vector<std::string>& arguments) {
  const Command command = parse_command_line(arguments);
  const auto* flags = std::get_if<AgentFlags>(&command);
  EXPECT_NE(flags, nullptr) << testing::PrintToString(arguments);
  return flags == nullptr ? AgentFlags() : *flags;
}

PrintAndExit printed(const std::vector<std::string>& arguments) {
  const Command command = parse_command_line(arguments);
  const auto* print = std::get_if<PrintAndExit>(&command);
  EXPECT_NE(print, nullptr) << testing::PrintToString(arguments);
  return print == nullptr ? PrintAndExit() : *print;
}

TEST(CommandLine, agent_alone_has_no_flags) {
  const AgentFlags flags = flags_of({"agent"});
  EXPECT_FALSE(flags.conf || flags.cluster || flags.hostname || flags.docker || flags.http ||
               flags.templates || flags.log_level);
  EXPECT_FALSE(flags.insecure);
  EXPECT_FALSE(flags.check);
}

TEST(CommandLine, every_flag_is_read) {
  const AgentFlags flags =
      flags_of({"agent", "--conf", "a", "--cluster", "b", "--hostname", "c", "--docker", "d",
                "--http", "e", "--templates", "f", "--log-level", "g", "--insecure", "--check"});
  EXPECT_EQ(flags.conf, "a");
  EXPECT_EQ(flags.cluster, "b");
  EXPECT_EQ(flags.hostname, "c");
  EXPECT_EQ(flags.docker, "d");
  EXPECT_EQ(flags.http, "e");
  EXPECT_EQ(flags.templates, "f");
  EXPECT_EQ(flags.log_level, "g");
  EXPECT_TRUE(flags.insecure);
  EXPECT_TRUE(flags.check);
}

TEST(CommandLine, a_file_may_be_given_in_each_of_the_three_spellings) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"agent", "--conf", "x.json"},
                                                                     {"agent", "-conf", "x.json"},
                                                                     {"agent", "--conf=x.json"},
                                                                     {"agent", "-conf=x.json"}}) {
    EXPECT_EQ(flags_of(arguments).conf, "x.json") << testing::PrintToString(arguments);
  }
  EXPECT_EQ(flags_of({"agent", "-cluster", "c.yaml"}).cluster, "c.yaml");
  EXPECT_EQ(flags_of({"agent", "-conf", "a=b"}).conf, "a=b");
}

TEST(CommandLine, help_and_version_end_well) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {}, {"--help"}, {"-h"}, {"-help"}, {"agent", "--help"}, {"agent", "-h"}}) {
    const PrintAndExit print = printed(arguments);
    EXPECT_EQ(print.exit_code, 0) << testing::PrintToString(arguments);
    EXPECT_THAT(print.text, HasSubstr("Usage: dockherd"));
  }
  EXPECT_THAT(printed({"agent", "--help"}).text, HasSubstr("--cluster FILE"));
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--version"}, {"agent", "--version"}, {"agent", "-version"}}) {
    EXPECT_EQ(printed(arguments).text, "dockherd " DOCKHERD_VERSION "\n");
    EXPECT_EQ(printed(arguments).exit_code, 0);
  }
}

TEST(CommandLine, what_is_not_understood_is_named_with_what_is) {
  const struct {
    std::vector<std::string> arguments;
    std::string expected;
  } cases[] = {
      {{"agnet"},
       "unknown command \"agnet\", expected one of agent, keygen, token (did you "
       "mean \"agent\"?)"},
      {{"--frob"}, "unknown option --frob"},
      {{"agent", "--chekc"}, "did you mean \"--check\"?"},
      {{"agent", "--frob=1"}, "unknown option --frob, expected one of"},
      {{"agent", "-x"}, "unknown option -x"},
      {{"agent", "file"}, "unexpected argument \"file\""},
      {{"agent", "--conf"}, "--conf"},
      {{"agent", "-cluster"}, "--cluster"},
      {{"agent", "--conf", "a", "--conf", "b"}, "--conf"},
      {{"agent", "--check=perhaps"}, "perhaps"},
      {{"agent", ""}, "unexpected argument \"\""},
  };
  for (const auto& [arguments, expected] : cases) {
    const PrintAndExit print = printed(arguments);
    EXPECT_EQ(print.exit_code, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(print.text, HasSubstr(expected));
    EXPECT_THAT(print.text, HasSubstr("dockherd agent --help"));
  }
}

}  // namespace
