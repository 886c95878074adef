#include "agent/conf_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dockherd;
using namespace dockherd::agent;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

namespace {

ConfFile parsed_conf(const std::string& text) {
  auto conf = parse_conf_file(text, "conf.json");
  EXPECT_FALSE(conf.has_error()) << (conf ? "" : conf.error().message);
  return conf ? *conf : ConfFile();
}

TEST(ConfFile, an_empty_object_says_nothing) {
  const ConfFile conf = parsed_conf("{}");
  EXPECT_FALSE(conf.cluster_address || conf.hostname || conf.docker || conf.http || conf.insecure);
  EXPECT_THAT(conf.notes, IsEmpty());
}

TEST(ConfFile, dockermods_keys_keep_their_meaning) {
  const ConfFile conf = parsed_conf(R"({
    "main": "com.deblox.docker.DockerMod",  // the class that it started
    "services": ["a", {"b": 1}],
    "clusterAddress": "deblox",
    "hostname": "alpha.example",
    "dockerHost": "localhost",
    "dockerPort": 5555,
    "announceInterval": 1250,
    "trackingServiceInterval": 9000,
    "taskTimeout": 2000,
    "newContainerTimeout": 12000,
    "restServicePort": 8081
  })");
  EXPECT_EQ(conf.cluster_address, "deblox");
  EXPECT_EQ(conf.hostname, "alpha.example");
  EXPECT_EQ(conf.docker, "tcp://localhost:5555");
  EXPECT_EQ(conf.announce_interval, milliseconds(1250));
  EXPECT_EQ(conf.relist_interval, milliseconds(9000));
  EXPECT_EQ(conf.task_timeout, milliseconds(2000));
  EXPECT_EQ(conf.new_container_timeout, milliseconds(12000));
  EXPECT_EQ(conf.http->port, 8081);
  EXPECT_FALSE(conf.http->address);
  ASSERT_EQ(conf.notes.size(), 1u);
  EXPECT_THAT(conf.notes[0], StartsWith("conf.json: main and services"));
}

TEST(ConfFile, a_key_given_twice_is_named) {
  const auto conf = parse_conf_file(R"({"log": {"level": "info", "level": "debug"}})", "conf.json");
  ASSERT_FALSE(conf);
  EXPECT_EQ(conf.error().code, errc::bad_config);
  EXPECT_EQ(conf.error().message, "conf.json: the key \"log.level\" is given twice");
}

TEST(ConfFile, the_new_keys_are_read) {
  const ConfFile conf = parsed_conf(R"({
    "docker": "unix:///run/docker.sock", "http": "127.0.0.1:9000", "templates": "t",
    "pullTimeout": 90000,
    "cluster": "cluster.yaml", "log": {"level": "debug", "format": "json"}, "insecure": true })");
  EXPECT_EQ(conf.docker, "unix:///run/docker.sock");
  EXPECT_EQ(conf.pull_timeout, milliseconds(90000));
  EXPECT_EQ(conf.http->address, "127.0.0.1");
  EXPECT_EQ(conf.http->port, 9000);
  EXPECT_EQ(conf.templates, "t");
  EXPECT_EQ(conf.cluster, "cluster.yaml");
  EXPECT_EQ(conf.log_level, "debug");
  EXPECT_EQ(conf.log_format, LogFormat::json);
  EXPECT_EQ(conf.insecure, true);
}

TEST(ConfFile, main_and_services_may_have_any_type) {
  EXPECT_THAT(parsed_conf(R"({"main": 5})").notes, ElementsAre(HasSubstr("main chose")));
  EXPECT_THAT(parsed_conf(R"({"services": {}})").notes, ElementsAre(HasSubstr("services chose")));
}

TEST(ConfFile, one_of_host_and_port_is_completed_as_dockermod_did) {
  EXPECT_EQ(parsed_conf(R"({"dockerHost": "10.0.0.7"})").docker, "tcp://10.0.0.7:5555");
  EXPECT_EQ(parsed_conf(R"({"dockerPort": 2375})").docker, "tcp://localhost:2375");
  EXPECT_EQ(parsed_conf(R"({"dockerHost": "::1", "dockerPort": 1})").docker, "tcp://[::1]:1");
}

TEST(ConfFile, http_takes_an_address_a_port_or_both) {
  const struct {
    std::string text;
    std::string address;
    int port;
  } cases[] = {
      {R"({"http": "0.0.0.0:80"})", "0.0.0.0", 80},
      {R"({"http": "localhost:80"})", "127.0.0.1", 80},
      {R"({"http": "*:80"})", "0.0.0.0", 80},
      {R"({"http": "10.0.0.1"})", "10.0.0.1", 0},
      {R"({"http": ":80"})", "", 80},
      {R"({"http": "[::1]:80"})", "::1", 80},
      {R"({"http": "::1"})", "::1", 0},
      {R"({"http": "10.0.0.1", "restServicePort": 81})", "10.0.0.1", 81},
      {R"({"http": "10.0.0.1:81", "restServicePort": 81})", "10.0.0.1", 81},
  };
  for (const auto& [text, address, port] : cases) {
    const ConfFile conf = parsed_conf(text);
    ASSERT_TRUE(conf.http) << text;
    EXPECT_EQ(conf.http->address.value_or(""), address) << text;
    EXPECT_EQ(conf.http->port.value_or(0), port) << text;
  }
}

TEST(ConfFile, log_may_be_a_plain_level) {
  const ConfFile conf = parsed_conf(R"({"log": "warn"})");
  EXPECT_EQ(conf.log_level, "warn");
  EXPECT_FALSE(conf.log_format);
}

TEST(ConfFile, every_error_names_file_key_and_expectation) {
  const struct {
    std::string text;
    std::string key;
    std::string expected;
  } cases[] = {
      {R"({"clusterAdress": "x"})", "clusterAdress", "did you mean \"clusterAddress\"?"},
      {R"({"zzz": 1})", "zzz", "one of main, services"},
      {R"({"clusterAddress": 5})", "clusterAddress", "a string, got the number 5"},
      {R"({"clusterAddress": "a b"})", "clusterAddress", "letters, digits"},
      {R"({"clusterAddress": ""})", "clusterAddress", "1 to 128"},
      {R"({"hostname": "a/b"})", "hostname", "letters, digits"},
      {R"({"hostname": false})", "hostname", "a string, got false"},
      {R"({"dockerHost": 1})", "dockerHost", "a string"},
      {R"({"dockerHost": "a b"})", "dockerHost", "name or address of a host"},
      {R"({"dockerHost": "a:1", "dockerPort": 2})", "dockerHost", "name or address of a host"},
      {R"({"dockerHost": "tcp://a"})", "dockerHost", "name or address of a host"},
      {R"({"dockerPort": "5555"})", "dockerPort", "a whole number from 1 to 65535, got a string"},
      {R"({"dockerPort": 0})", "dockerPort", "from 1 to 65535, got the number 0"},
      {R"({"dockerPort": 65536})", "dockerPort", "from 1 to 65535"},
      {R"({"dockerPort": 1.5})", "dockerPort", "a whole number"},
      {R"({"docker": "tcp://a", "dockerPort": 1})", "docker", "or dockerHost and dockerPort"},
      {R"({"docker": "/run/docker.sock"})", "docker", "unix:///PATH"},
      {R"({"docker": "unix://run/docker.sock"})", "docker", "unix:///PATH"},
      {R"({"docker": "ssh://a"})", "docker", "tcp://HOST:PORT"},
      {R"({"docker": "tcp://"})", "docker", "tcp://HOST:PORT"},
      {R"({"docker": "tcp://a:0"})", "docker", "tcp://HOST:PORT"},
      {R"({"docker": ""})", "docker", "tcp://HOST:PORT"},
      {R"({"announceInterval": 49})", "announceInterval", "from 50 to 3600000"},
      {R"({"announceInterval": -1})", "announceInterval", "from 50 to 3600000"},
      {R"({"trackingServiceInterval": 99})", "trackingServiceInterval", "from 100 to 86400000"},
      {R"({"taskTimeout": 18446744073709551615})", "taskTimeout", "from 100 to 3600000"},
      {R"({"taskTimeout": 99})", "taskTimeout", "from 100 to 3600000"},
      {R"({"newContainerTimeout": 999})", "newContainerTimeout", "from 1000 to 3600000"},
      {R"({"newContainerTimeout": true})", "newContainerTimeout", "a whole number"},
      {R"({"pullTimeout": 999})", "pullTimeout", "from 1000 to 3600000"},
      {R"({"restServicePort": 70000})", "restServicePort", "from 1 to 65535"},
      {R"({"http": ":80", "restServicePort": 81})", "restServicePort", "must be 80 as in http"},
      {R"({"http": 8080})", "http", "a string"},
      {R"({"http": "example.org:80"})", "http", "with an IP address"},
      {R"({"http": "127.0.0.1:0"})", "http", "ADDRESS:PORT"},
      {R"({"http": ""})", "http", "ADDRESS:PORT"},
      {R"({"templates": ""})", "templates", "a path"},
      {R"({"templates": []})", "templates", "a string, got a list"},
      {R"({"cluster": 1})", "cluster", "a string"},
      {R"({"log": 1})", "log", "a level or an object"},
      {R"({"log": "inof"})", "log", "did you mean \"info\"?"},
      {R"({"log": {"level": "loud"}})", "log.level", "one of trace"},
      {R"({"log": {"format": "xml"}})", "log.format", "\"text\" or \"json\""},
      {R"({"log": {"lvl": 1}})", "log.lvl", "one of level, format"},
      {R"({"insecure": "yes"})", "insecure", "true or false, got a string"},
  };
  for (const auto& [text, key, expected] : cases) {
    const auto conf = parse_conf_file(text, "/etc/conf.json");
    ASSERT_TRUE(conf.has_error()) << text;
    const Error error = conf.error();
    EXPECT_EQ(error.code, errc::bad_config) << text;
    EXPECT_EQ(error.field, key) << text;
    EXPECT_THAT(error.message, StartsWith("/etc/conf.json: ")) << text;
    EXPECT_THAT(error.message, HasSubstr(key)) << text;
    EXPECT_THAT(error.message, HasSubstr(expected)) << text;
  }
}

TEST(ConfFile, broken_json_is_reported_with_its_place) {
  const struct {
    std::string text;
    std::string expected;
  } cases[] = {
      {"{\n  // comment\n  \"main\": oops }", "line 3, column"},
      {"", "line 1, column 1"},
      {"[]", "must be an object, got a list"},
      {"{\"main\": \"\xff\"}", "invalid JSON"},
      {std::string(200'000, '['), "nested deeper"},
      {"/* \" */" + std::string(200'000, '{'), "nested deeper"},
      {std::string("{\"\0\": 1}", 8), "invalid JSON"},
  };
  for (const auto& [text, expected] : cases) {
    const auto conf = parse_conf_file(text, "conf.json");
    ASSERT_TRUE(conf.has_error()) << text.substr(0, 40);
    EXPECT_EQ(conf.error().code, errc::bad_config);
    EXPECT_THAT(conf.error().message, StartsWith("conf.json: "));
    EXPECT_THAT(conf.error().message, HasSubstr(expected));
  }
}

TEST(ConfFile, a_file_that_cannot_be_read_is_named) {
  EXPECT_THAT(read_conf_file("/nonexistent/conf.json").error().message,
              StartsWith("/nonexistent/conf.json: cannot be opened: No such file"));
  EXPECT_THAT(read_conf_file("/tmp").error().message, StartsWith("/tmp: "));
  EXPECT_THAT(read_conf_file("/dev/zero").error().message, HasSubstr("larger than"));
}

}  // namespace
