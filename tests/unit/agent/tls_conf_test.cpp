// What configuration says of TLS, and what is read again while an agent runs.
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/config_report.hpp"
#include "agent/http_servers.hpp"
#include "agent/reloaders.hpp"
#include "agent/resolve_config.hpp"
#include "tests/fakes/certificates.hpp"

namespace dockherd::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Environment machine = {"", "alpha"};

Result<AgentConfig> merged(const std::string& conf, const AgentFlags& flags = {},
                           const Environment& environment = machine) {
  return merge_config(flags, parse_conf_file(conf, "/etc/dockherd/conf.json").value(),
                      parse_cluster_file("", "cluster.yaml").value(), environment);
}

std::string refusal(const std::string& conf, const AgentFlags& flags = {}) {
  const auto config = merged(conf, flags);
  return config ? "" : config.error().message;
}

TEST(TlsConf, paths_begin_at_the_file) {
  const AgentConfig config = merged(R"({"key": "herd.key", "agentsPort": 7400,
                 "tls": {"cert": "cert.pem", "key": "/keys/key.pem", "client_ca": "ca.pem"},
                 "docker": "tcp://10.0.0.7", "dockerTls": {"ca": "docker/ca.pem"}})")
                                 .value();
  ASSERT_TRUE(config.tls);
  EXPECT_EQ(config.tls->certificate, "/etc/dockherd/cert.pem");
  EXPECT_EQ(config.tls->key, "/keys/key.pem");
  EXPECT_EQ(config.tls->authority, "/etc/dockherd/ca.pem");
  EXPECT_EQ(config.agents_port, 7400);
  ASSERT_TRUE(config.docker_tls);
  EXPECT_EQ(config.docker_tls->authority, "/etc/dockherd/docker/ca.pem");
  EXPECT_EQ(config.docker_tls->certificate, "");
  EXPECT_EQ(config.docker, "tcp://10.0.0.7:2376") << "Docker's port for TLS";
  EXPECT_TRUE(config.docker_by_tls());
}

TEST(TlsConf, flags_go_before_the_file) {
  AgentFlags flags;
  flags.tls_cert = "flag.pem";
  flags.tls_client_ca = "ca.pem";
  const AgentConfig config =
      merged(R"({"key": "herd.key", "tls": {"cert": "cert.pem", "key": "key.pem"}})", flags)
          .value();
  EXPECT_EQ(config.tls->certificate, "flag.pem");
  EXPECT_EQ(config.tls->key, "/etc/dockherd/key.pem");
  EXPECT_EQ(config.tls->authority, "ca.pem");
}

TEST(TlsConf, what_is_not_understood_is_named) {
  for (const auto& [conf, named] :
       {std::pair{R"({"tls": {"certificate": "x"}})", "tls.certificate"},
        std::pair{R"({"tls": {"cert": ""}})", "tls.cert must be a path"},
        std::pair{R"({"tls": "cert.pem"})", "tls must be an object"},
        std::pair{R"({"dockerTls": {"client_ca": "x"}})", "dockerTls.client_ca"},
        std::pair{R"({"agentsPort": 0})", "agentsPort"}}) {
    const auto read = parse_conf_file(conf, "conf.json");
    ASSERT_FALSE(read) << conf;
    EXPECT_THAT(read.error().message, AllOf(HasSubstr("conf.json"), HasSubstr(named)));
  }
}

TEST(TlsConf, without_a_key_agents_could_not_call_each_other) {
  EXPECT_THAT(refusal(R"({"tls": {"cert": "c", "key": "k"}})"), HasSubstr("tls needs a key"));
}

TEST(TlsConf, who_asks_for_certificates_may_be_reached_from_anywhere) {
  const std::string asking =
      R"({"key": "k", "http": "0.0.0.0:8443", "tls": {"cert": "c", "key": "k", "client_ca": "a"}})";
  EXPECT_EQ(refusal(asking), "");
  const std::string unasking =
      R"({"key": "k", "http": "0.0.0.0:8443", "tls": {"cert": "c", "key": "k"}})";
  EXPECT_THAT(refusal(unasking), AllOf(HasSubstr("http must be loopback"), HasSubstr("client_ca")));
  EXPECT_THAT(refusal(R"({"key": "k", "http": "0.0.0.0:8080"})"), HasSubstr("must be loopback"));
}

TEST(TlsConf, the_environment_is_read_as_the_docker_command_reads_it) {
  const fakes::TestAuthority directory;
  std::ofstream(directory.directory() / "ca.pem") << "x";
  std::ofstream(directory.directory() / "key.pem") << "x";
  const Environment environment = {"tcp://10.0.0.7", "alpha", true, directory.directory().string()};
  const AgentConfig config = merged("{}", {}, environment).value();
  EXPECT_EQ(config.docker, "tcp://10.0.0.7:2376");
  ASSERT_TRUE(config.docker_by_tls());
  EXPECT_EQ(config.docker_tls->authority, directory.directory() / "ca.pem");
  EXPECT_EQ(config.docker_tls->certificate, "") << "it is not there";
  EXPECT_EQ(config.docker_tls->key, directory.directory() / "key.pem");
  const AgentConfig file = merged(R"({"dockerTls": {}})", {}, environment).value();
  EXPECT_EQ(file.docker_tls->authority, "") << "the file goes before";
  const AgentConfig local = merged(R"({"docker": "unix:///x"})", {}, environment).value();
  EXPECT_FALSE(local.docker_by_tls());
}

TEST(TlsConf, check_says_what_is_served_and_what_is_wrong_with_the_files) {
  const fakes::TestAuthority authority;
  AgentConfig config;
  config.hostname = "alpha";
  config.bus.bind_address = "127.0.0.1";
  config.keys = {trust::HerdKey::generate()};
  config.key_files = {"herd.key"};
  config.tls = authority.issue("server");
  config.tls->authority = authority.file();
  config.agents_port = 7400;
  const ConfigReport good = report_config(config);
  EXPECT_TRUE(good.good) << good.text;
  EXPECT_THAT(good.text,
              AllOf(HasSubstr("https://127.0.0.1:8080"), HasSubstr("clients need one by"),
                    HasSubstr("127.0.0.1, port 7400, by TLS with the herd's key")));
  std::filesystem::remove(config.tls->key);
  const ConfigReport bad = report_config(config);
  EXPECT_FALSE(bad.good);
  EXPECT_THAT(bad.text, AllOf(HasSubstr("tls.key: "), HasSubstr("cannot be read")));
}

TEST(TlsConf, upstreams_are_called_with_each_of_the_keys_and_the_daemons_files) {
  const fakes::TestAuthority authority;
  AgentConfig config;
  EXPECT_TRUE(upstream_tls(config)->agents.empty());
  EXPECT_FALSE(upstream_tls(config)->daemon);
  config.keys = {trust::HerdKey::generate(), trust::HerdKey::generate()};
  config.docker_tls.emplace();
  config.docker_tls->authority = authority.file();
  EXPECT_EQ(upstream_tls(config)->agents.size(), 2u);
  EXPECT_FALSE(upstream_tls(config)->daemon) << "it is on a unix socket";
  config.docker = "tcp://127.0.0.1:2376";
  EXPECT_TRUE(upstream_tls(config)->daemon);
  config.docker_tls->authority = "/nowhere/ca.pem";
  ASSERT_FALSE(upstream_tls(config));
  EXPECT_THAT(upstream_tls(config).error().message, HasSubstr("dockerTls.ca: /nowhere/ca.pem"));
}

TEST(ReloadersTest, each_is_tried_and_told_of) {
  std::ostringstream lines;
  Reloaders reloaders(std::make_shared<spdlog::logger>(
      "reload", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines)));
  reloaders.run();
  EXPECT_THAT(lines.str(), HasSubstr("nothing is reloaded"));
  reloaders.add("this", [] { return Result<void>(Error(errc::bad_config, "x.pem is broken")); });
  reloaders.add("that", [] { return Result<void>(); });
  reloaders.run();
  EXPECT_THAT(lines.str(),
              AllOf(HasSubstr("this not reloaded, the old one stays"), HasSubstr("x.pem is broken"),
                    HasSubstr("reloaded that"), Not(HasSubstr("reloaded this"))));
}

}  // namespace
}  // namespace dockherd::agent
