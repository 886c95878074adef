#include "agent/resolve_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "agent/config_report.hpp"

using namespace dockherd;
using namespace dockherd::agent;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

const Environment machine = {"", "alpha"};

struct Input {
  std::string conf = "{}";
  std::string cluster;
  AgentFlags flags;
  Environment environment = machine;
};

Result<AgentConfig> merged(const Input& input) {
  return merge_config(input.flags, parse_conf_file(input.conf, "conf.json").value(),
                      parse_cluster_file(input.cluster, "cluster.yaml").value(), input.environment);
}

AgentFlags with(std::optional<std::string> AgentFlags::*flag, const std::string& value) {
  AgentFlags flags;
  flags.*flag = value;
  return flags;
}

TEST(ResolveConfig, without_anything_all_is_on_loopback) {
  const AgentConfig config = resolve_config({}, machine).value();
  EXPECT_EQ(config.docker, "unix:///var/run/docker.sock");
  EXPECT_EQ(config.http.text(), "127.0.0.1:8080");
  EXPECT_EQ(config.bus.bind_address, "127.0.0.1");
  EXPECT_EQ(config.bus.first_port, 49152);
  ASSERT_TRUE(config.beacon);
  EXPECT_EQ(config.beacon->interface, "127.0.0.1");
  EXPECT_EQ(config.beacon->port, 5670);
  EXPECT_EQ(config.beacon->interval, milliseconds(1000));
  EXPECT_FALSE(config.gossip);
  EXPECT_EQ(config.hostname, "alpha");
  EXPECT_EQ(config.cluster_address, "deblox.docker");
  EXPECT_EQ(config.relist_interval, milliseconds(10000));
  EXPECT_EQ(config.task_timeout, milliseconds(2500));
  EXPECT_EQ(config.new_container_timeout, milliseconds(15000));
  EXPECT_EQ(config.pull_timeout, milliseconds(600000));
  EXPECT_FALSE(config.insecure);
  EXPECT_THAT(config.notes, IsEmpty());
}

TEST(ResolveConfig, insecure_goes_beyond_loopback_on_everything) {
  AgentFlags flags;
  flags.insecure = true;
  for (const Input& input :
       {Input{R"({"insecure": true})",
              "members: [b]\ndiscovery: {beacon: {enabled: true}}",
              {},
              machine},
        Input{"{}", "members: [b]\ndiscovery: {beacon: {enabled: true}}", flags, machine}}) {
    const AgentConfig config = merged(input).value();
    EXPECT_TRUE(config.insecure);
    EXPECT_EQ(config.http.text(), "0.0.0.0:8080");
    EXPECT_EQ(config.bus.bind_address, "");
    EXPECT_EQ(config.beacon->interface, "");
    EXPECT_EQ(config.gossip->bind.text(), "0.0.0.0:5671");
  }
}

TEST(ResolveConfig, an_address_given_holds_with_insecure_too) {
  const AgentConfig config = merged({R"({"insecure": true, "http": "127.0.0.1"})",
                                     "bus: {bind: 10.0.0.5, advertise: 10.0.0.6}",
                                     {},
                                     machine})
                                 .value();
  EXPECT_EQ(config.http.text(), "127.0.0.1:8080");
  EXPECT_EQ(config.bus.bind_address, "10.0.0.5");
  EXPECT_EQ(config.bus.advertise, "10.0.0.6");
}

TEST(ResolveConfig, beyond_loopback_without_insecure_is_an_error_that_says_how_to_allow_it) {
  const struct {
    Input input;
    std::string where;
  } cases[] = {
      {{R"({"http": "0.0.0.0:80"})", "", {}, machine}, "conf.json: http"},
      {{R"({"http": "10.0.0.1"})", "", {}, machine}, "conf.json: http"},
      {{R"({"http": "[::]:80"})", "", {}, machine}, "conf.json: http"},
      {{"{}", "", with(&AgentFlags::http, "*"), machine}, "--http"},
      {{"{}", "bus: {bind: 0.0.0.0}", {}, machine}, "cluster.yaml: bus.bind"},
      {{"{}", "bus: {advertise: 10.0.0.1}", {}, machine}, "cluster.yaml: bus.advertise"},
      {{"{}", "discovery: {beacon: {interface: eth0}}", {}, machine},
       "cluster.yaml: discovery.beacon.interface"},
      {{"{}", "discovery: {gossip: {bind: '*:1'}}", {}, machine},
       "cluster.yaml: discovery.gossip.bind"},
      {{"{}", "members: [127.0.0.1, host-b]", {}, machine}, "cluster.yaml: members"},
      {{"{}", "discovery: {gossip: {seeds: [10.0.0.1]}}", {}, machine},
       "cluster.yaml: discovery.gossip.seeds"},
      {{"{}", "discovery: {gossip: {seeds: [127.0.0.1]}}\nmembers: [127.0.0.1, b]", {}, machine},
       "cluster.yaml: members"},
  };
  for (const auto& [input, where] : cases) {
    const auto config = merged(input);
    ASSERT_TRUE(config.has_error()) << where;
    EXPECT_EQ(config.error().code, errc::bad_config);
    EXPECT_THAT(config.error().message, HasSubstr(where + " must be loopback"));
    EXPECT_THAT(config.error().message, HasSubstr("\"insecure\": true"));
    EXPECT_THAT(config.error().message, HasSubstr("--insecure"));
    Input allowed = input;
    allowed.flags.insecure = true;
    EXPECT_TRUE(merged(allowed).has_value()) << where;
  }
}

TEST(ResolveConfig, loopback_needs_no_permission) {
  for (const std::string cluster :
       {"bus: {bind: 127.0.0.2, advertise: 127.0.0.2}", "discovery: {beacon: {interface: lo}}",
        "discovery: {beacon: {interface: 127.0.0.3}}",
        "discovery: {gossip: {bind: '127.0.0.1:9', seeds: [localhost, 127.0.0.2]}}"}) {
    EXPECT_TRUE(merged({"{}", cluster, {}, machine}).has_value()) << cluster;
  }
  EXPECT_TRUE(merged({R"({"http": "[::1]:80"})", "", {}, machine}).has_value());
  EXPECT_TRUE(merged({R"({"docker": "tcp://10.0.0.1:2375"})", "", {}, machine}).has_value());
}

TEST(ResolveConfig, flags_go_before_files_before_environment_before_defaults) {
  const Environment environment = {"tcp://env:1", "machine"};
  EXPECT_EQ(merged({"{}", "", {}, environment})->docker, "tcp://env:1");
  const std::string conf = R"({"docker": "tcp://file:2", "hostname": "file", "http": "127.0.0.2:2",
                               "templates": "/file", "log": "warn"})";
  const AgentConfig from_file = merged({conf, "", {}, environment}).value();
  EXPECT_EQ(from_file.docker, "tcp://file:2");
  EXPECT_EQ(from_file.hostname, "file");
  EXPECT_EQ(from_file.http.text(), "127.0.0.2:2");
  EXPECT_EQ(from_file.templates, "/file");
  EXPECT_EQ(from_file.log.level, "warn");
  AgentFlags flags;
  flags.docker = "tcp://flag:3";
  flags.hostname = "flag";
  flags.http = ":3";
  flags.templates = "/flag";
  flags.log_level = "debug";
  const AgentConfig from_flags = merged({conf, "", flags, environment}).value();
  EXPECT_EQ(from_flags.docker, "tcp://flag:3");
  EXPECT_EQ(from_flags.hostname, "flag");
  EXPECT_EQ(from_flags.http.text(), "127.0.0.2:3");
  EXPECT_EQ(from_flags.templates, "/flag");
  EXPECT_EQ(from_flags.log.level, "debug");
}

TEST(ResolveConfig, a_wrong_flag_or_variable_is_named) {
  const struct {
    Input input;
    std::string field;
    std::string expected;
  } cases[] = {
      {{"{}", "", with(&AgentFlags::docker, "x"), machine}, "--docker", "tcp://HOST:PORT"},
      {{"{}", "", with(&AgentFlags::http, "x"), machine}, "--http", "ADDRESS:PORT"},
      {{"{}", "", with(&AgentFlags::hostname, "a/b"), machine}, "--hostname", "letters, digits"},
      {{"{}", "", with(&AgentFlags::templates, ""), machine}, "--templates", "a path"},
      {{"{}", "", with(&AgentFlags::log_level, "x"), machine}, "--log-level", "one of trace"},
      {{"{}", "", {}, {"ssh://x", "alpha"}}, "$DOCKER_HOST", "tcp://HOST:PORT"},
      {{"{}", "", {}, {"", "a b"}}, "hostname", "--hostname"},
      {{R"({"clusterAddress": ")" + std::string(128, 'a') + "\"}", "",
        with(&AgentFlags::hostname, std::string(128, 'b')), machine},
       "clusterAddress",
       "conf.json: clusterAddress and hostname must be at most 254 bytes together, got 256"},
  };
  for (const auto& [input, field, expected] : cases) {
    const auto config = merged(input);
    ASSERT_TRUE(config.has_error()) << field;
    EXPECT_EQ(config.error().field, field);
    EXPECT_THAT(config.error().message, HasSubstr(expected));
  }
}

TEST(ResolveConfig, seeds_without_gossip_are_noted) {
  const auto config =
      merged({"{}", "members: [a]\ndiscovery: {gossip: {enabled: false}}", {}, machine});
  EXPECT_THAT(config->notes, ElementsAre(HasSubstr("are not used")));
}

class ResolveFiles : public testing::Test {
 protected:
  ResolveFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "resolve-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~ResolveFiles() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((directory_ / file).parent_path());
    std::ofstream(directory_ / file) << text;
    return (directory_ / file).string();
  }

  std::filesystem::path directory_;
};

TEST_F(ResolveFiles, paths_in_conf_json_are_relative_to_it) {
  write("sub/cluster.yaml", "herd: blue");
  AgentFlags flags;
  flags.conf = write("conf.json", R"({"cluster": "sub/cluster.yaml", "templates": "sub"})");
  const AgentConfig config = resolve_config(flags, machine).value();
  EXPECT_EQ(config.herd, "blue");
  EXPECT_EQ(config.templates, directory_ / "sub");
  flags.cluster = write("other.yaml", "herd: red");
  EXPECT_EQ(resolve_config(flags, machine)->herd, "red");
}

TEST_F(ResolveFiles, templates_beside_conf_json_are_found) {
  AgentFlags flags;
  flags.conf = write("conf.json", "{}");
  EXPECT_NE(resolve_config(flags, machine)->templates, directory_ / "templates");
  write("templates/web.json", "{}");
  EXPECT_EQ(resolve_config(flags, machine)->templates, directory_ / "templates");
}

TEST_F(ResolveFiles, an_absent_file_is_an_error) {
  EXPECT_THAT(resolve_config(with(&AgentFlags::conf, "/none.json"), machine).error().message,
              HasSubstr("/none.json"));
  EXPECT_THAT(resolve_config(with(&AgentFlags::cluster, "/none.yaml"), machine).error().message,
              HasSubstr("/none.yaml"));
}

TEST_F(ResolveFiles, the_report_says_what_would_be_done_and_which_template_is_broken) {
  write("templates/web.json", "{}");
  AgentFlags flags;
  flags.conf = write("conf.json", R"({"main": "x"})");
  const ConfigReport good = report_config(resolve_config(flags, machine).value());
  EXPECT_TRUE(good.good);
  for (const char* expected :
       {"hostname    alpha\n", "unix:///var/run/docker.sock", "http://127.0.0.1:8080", "web: good",
        "gossip      off", "no: without a key, loopback only", "main chose"}) {
    EXPECT_THAT(good.text, HasSubstr(expected));
  }
  write("templates/bad.json", "{");
  const ConfigReport bad = report_config(resolve_config(flags, machine).value());
  EXPECT_FALSE(bad.good);
  EXPECT_THAT(bad.text, HasSubstr("bad.json: invalid JSON"));
}

/// The nearest directory above the working one that holds `file`; tests run in the build tree.
std::optional<std::filesystem::path> find_above(const std::string& file) {
  for (auto directory = std::filesystem::current_path();; directory = directory.parent_path()) {
    if (std::filesystem::exists(directory / file)) return directory / file;
    if (directory == directory.root_path()) return std::nullopt;
  }
}

TEST(Examples, give_what_an_agent_without_files_does) {
  const auto conf = find_above("conf.json.example");
  const auto cluster = find_above("cluster.example");
  if (!conf || !cluster) GTEST_SKIP() << "not run within the source tree";
  AgentFlags flags;
  flags.conf = conf->string();
  flags.cluster = cluster->string();
  const auto example = resolve_config(flags, machine);
  ASSERT_TRUE(example.has_value()) << example.error().message;
  AgentConfig plain = resolve_config({}, machine).value();
  plain.templates = example->templates;
  EXPECT_EQ(report_config(*example).text, report_config(plain).text);
  EXPECT_TRUE(report_config(*example).good);
}

}  // namespace
