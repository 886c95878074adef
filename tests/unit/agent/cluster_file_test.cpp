#include "agent/cluster_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace dockherd;
using namespace dockherd::agent;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

ClusterFile parsed_cluster(const std::string& text) {
  auto cluster = parse_cluster_file(text, "cluster.yaml");
  EXPECT_FALSE(cluster.has_error()) << (cluster ? "" : cluster.error().message);
  return cluster ? *cluster : ClusterFile();
}

TEST(ClusterFile, every_key_is_read) {
  const ClusterFile cluster = parsed_cluster(R"(
herd: blue
discovery:
  beacon: {enabled: true, port: 5680, interface: eth1}
  gossip:
    enabled: yes
    bind: "tcp://*:5691"
    seeds: [10.0.0.1, "host-b:5700"]
members:
  - 10.0.0.1:5671
  - tcp://10.0.0.3:9
bus: {bind: 10.0.0.9, ports: 50000-50010, advertise: 192.0.2.1}
liveness:
  probe_period_ms: 500
  probe_timeout_ms: 300
  suspicion_ms: 800
  indirect_probes: 5
  evasive_ms: 6000
  expired_ms: 20000
)");
  EXPECT_EQ(cluster.herd, "blue");
  EXPECT_TRUE(cluster.beacon);
  EXPECT_EQ(cluster.beacon_port, 5680);
  EXPECT_EQ(cluster.beacon_interface, "eth1");
  EXPECT_TRUE(cluster.gossip);
  EXPECT_EQ(cluster.gossip_bind->address, "0.0.0.0");
  EXPECT_EQ(cluster.gossip_bind->port, 5691);
  EXPECT_THAT(cluster.seeds, ElementsAre(HostPort{"10.0.0.1", 5671}, HostPort{"host-b", 5700},
                                         HostPort{"10.0.0.3", 9}));
  EXPECT_EQ(cluster.bus_bind, "10.0.0.9");
  EXPECT_EQ(cluster.first_port, 50'000);
  EXPECT_EQ(cluster.last_port, 50'010);
  EXPECT_EQ(cluster.advertise, "192.0.2.1");
  EXPECT_EQ(cluster.liveness.probe_period, milliseconds(500));
  EXPECT_EQ(cluster.liveness.probe_timeout, milliseconds(300));
  EXPECT_EQ(cluster.liveness.suspicion, milliseconds(800));
  EXPECT_EQ(cluster.liveness.indirect_probes, 5u);
  EXPECT_EQ(cluster.liveness.evasive, milliseconds(6000));
  EXPECT_EQ(cluster.liveness.expired, milliseconds(20000));
}

TEST(ClusterFile, discovery_is_by_beacon_unless_only_gossip_is_asked_for) {
  const struct {
    std::string text;
    bool beacon;
    bool gossip;
  } cases[] = {
      {"", true, false},
      {"# nothing\n", true, false},
      {"---\n", true, false},
      {"discovery:\n", true, false},
      {"discovery: {beacon: {port: 5}}", true, false},
      {"discovery: {gossip: {bind: ':1'}}", false, true},
      {"members: [a]", false, true},
      {"members: [a]\ndiscovery: {beacon: {port: 5}}", true, true},
      {"members: [a]\ndiscovery: {beacon: {enabled: true}}", true, true},
      {"members: [a]\ndiscovery: {gossip: {enabled: false}}", true, false},
      {"discovery: {gossip: {seeds: [a]}, beacon: {enabled: false}}", false, true},
      {"discovery: {gossip: {seeds: [a]}, beacon: {enabled: on}}", true, true},
  };
  for (const auto& [text, beacon, gossip] : cases) {
    const ClusterFile cluster = parsed_cluster(text);
    EXPECT_EQ(cluster.beacon, beacon) << text;
    EXPECT_EQ(cluster.gossip, gossip) << text;
  }
}

TEST(ClusterFile, one_bus_port_is_a_range_of_one) {
  const ClusterFile cluster = parsed_cluster("bus: {ports: 50000}");
  EXPECT_EQ(cluster.first_port, 50'000);
  EXPECT_EQ(cluster.last_port, 50'000);
}

TEST(ClusterFile, every_error_names_file_line_key_and_expectation) {
  const struct {
    std::string text;
    int line;
    std::string key;
    std::string expected;
  } cases[] = {
      {"a", 1, "the file", "a mapping with one of herd, discovery"},
      {"- herd: x", 1, "the file", "a mapping"},
      {"herd: x\nmember: []", 2, "member", "did you mean \"members\"?"},
      {"herd: x\nherd: y", 2, "herd", "given once"},
      {"herd: [x]", 1, "herd", "a string, got a list"},
      {"herd: 'a b'", 1, "herd", "letters, digits"},
      {"\ndiscovery: beacon", 2, "discovery",
       "a mapping with one of beacon, gossip, got \"beacon\""},
      {"discovery:\n  beacon: true", 2, "discovery.beacon", "a mapping"},
      {"discovery:\n  becon: {}", 2, "discovery.becon", "did you mean \"beacon\"?"},
      {"discovery:\n  beacon:\n    prt: 1", 3, "discovery.beacon.prt", "\"port\""},
      {"discovery: {beacon: {port: x}}", 1, "discovery.beacon.port",
       "a whole number from 1 to 65535, got \"x\""},
      {"discovery: {beacon: {port: 0}}", 1, "discovery.beacon.port", "from 1 to 65535"},
      {"discovery: {beacon: {port: 1.0}}", 1, "discovery.beacon.port", "from 1 to 65535"},
      {"discovery: {beacon: {port: 99999999999999999999}}", 1, "discovery.beacon.port", "from 1"},
      {"discovery: {beacon: {enabled: maybe}}", 1, "discovery.beacon.enabled", "true or false"},
      {"discovery: {beacon: {interface: '*'}}", 1, "discovery.beacon.interface", "one interface"},
      {"discovery: {beacon: {interface: 'a b'}}", 1, "discovery.beacon.interface", "the name"},
      {"discovery: {beacon: {interface: a-name-of-16-byt}}", 1, "discovery.beacon.interface",
       "the"},
      {"discovery: {gossip: {bind: 'example.org:1'}}", 1, "discovery.gossip.bind", "IPv4 address"},
      {"discovery: {gossip: {bind: '[::1]:1'}}", 1, "discovery.gossip.bind", "IPv4 address"},
      {"discovery: {gossip: {seeds: a}}", 1, "discovery.gossip.seeds", "a list of strings"},
      {"discovery: {gossip: {seeds: [{a: b}]}}", 1, "discovery.gossip.seeds", "a list of strings"},
      {"discovery: {gossip: {seeds: ['a:b']}}", 1, "discovery.gossip.seeds", "HOST:PORT"},
      {"members:\n  - 10.0.0\n", 2, "members", "\"10.0.0\""},
      {"discovery: {beacon: {enabled: false}}", 1, "discovery", "by beacon, by gossip or by both"},
      {"bus: {bind: eth0}", 1, "bus.bind", "an IPv4 address"},
      {"bus: {ports: 9-8}", 1, "bus.ports", "FIRST-LAST"},
      {"bus: {ports: 1-65536}", 1, "bus.ports", "FIRST-LAST"},
      {"bus: {ports: -5}", 1, "bus.ports", "FIRST-LAST"},
      {"bus: {ports: [1, 2]}", 1, "bus.ports", "a string"},
      {"bus: {advertise: '*'}", 1, "bus.advertise", "other hosts can reach"},
      {"liveness: {probe_period: 5}", 1, "liveness.probe_period", "one of probe_period_ms"},
      {"liveness: {probe_period_ms: 5}", 1, "liveness.probe_period_ms", "from 50 to 60000"},
      {"liveness: {probe_timeout_ms: 60000}", 1, "liveness.probe_timeout_ms",
       "at most probe_period_ms"},
      {"liveness: {indirect_probes: 17}", 1, "liveness.indirect_probes", "from 0 to 16"},
      {"liveness:\n  evasive_ms: 9000\n  expired_ms: 9000", 2, "liveness.evasive_ms",
       "less than expired_ms (9000)"},
  };
  for (const auto& [text, line, key, expected] : cases) {
    const auto cluster = parse_cluster_file(text, "c.yaml");
    ASSERT_TRUE(cluster.has_error()) << text;
    const Error error = cluster.error();
    EXPECT_EQ(error.code, errc::bad_config) << text;
    EXPECT_EQ(error.field, key) << text;
    EXPECT_THAT(error.message, StartsWith("c.yaml:" + std::to_string(line) + ": ")) << text;
    EXPECT_THAT(error.message, HasSubstr(key)) << text;
    EXPECT_THAT(error.message, HasSubstr(expected)) << text;
  }
}

TEST(ClusterFile, a_time_contradicting_a_default_is_named_though_only_one_was_given) {
  const auto cluster = parse_cluster_file("\nliveness: {expired_ms: 300}", "c.yaml");
  ASSERT_TRUE(cluster.has_error());
  EXPECT_THAT(cluster.error().message,
              StartsWith("c.yaml:2: liveness.expired_ms must be more than evasive_ms"));
}

TEST(ClusterFile, broken_yaml_is_an_error_with_its_line) {
  const struct {
    std::string text;
    std::string expected;
  } cases[] = {
      {"herd: [a\nbus: }", "c.yaml:2: invalid YAML"},
      {"herd: \"a", "c.yaml:1: invalid YAML"},
      {"herd: *nothing", "c.yaml:1: invalid YAML"},
      {"herd: a\n---\nherd: b", "c.yaml:2: something follows the document"},
      {"herd: a\n]", "c.yaml"},
      {"]", "c.yaml"},
      {"a 5671]  # b\nc: &d e", "c.yaml"},
      {"herd:\n\t- a", "c.yaml:2: invalid YAML"},
      {std::string("herd: \0", 7), "c.yaml"},
      {"%YAML 9.9\n---\nherd: !!binary x\n  y: z", "c.yaml"},
  };
  for (const auto& [text, expected] : cases) {
    const auto cluster = parse_cluster_file(text, "c.yaml");
    ASSERT_TRUE(cluster.has_error()) << text;
    EXPECT_EQ(cluster.error().code, errc::bad_config) << text;
    EXPECT_THAT(cluster.error().message, HasSubstr(expected)) << text;
  }
}

TEST(ClusterFile, deep_nesting_is_refused_before_the_parser_sees_it) {
  std::string indented;
  for (std::size_t i = 0; i < 1'000; ++i) indented += std::string(i, ' ') + "a:\n";
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  for (const std::string& text : {std::string(500'000, '['), std::string(500'000, '{'), dashes,
                                  indented, "herd: " + std::string(100'000, '[')}) {
    const auto cluster = parse_cluster_file(text, "c.yaml");
    ASSERT_TRUE(cluster.has_error()) << text.substr(0, 40);
    EXPECT_THAT(cluster.error().message, StartsWith("c.yaml"));
  }
}

TEST(ClusterFile, repeated_aliases_do_not_multiply) {
  std::string text = "herd: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += "k" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j ? ", *a" : "*a") + std::to_string(i - 1);
    text += "]\n";
  }
  const auto cluster = parse_cluster_file(text, "c.yaml");
  ASSERT_TRUE(cluster.has_error());
  EXPECT_THAT(cluster.error().message, HasSubstr("unknown key \"k1\""));
}

TEST(ClusterFile, an_alias_that_contains_itself_does_no_harm) {
  EXPECT_TRUE(parse_cluster_file("discovery: &d {beacon: *d}", "c.yaml").has_error());
  EXPECT_TRUE(parse_cluster_file("members: &m [*m]", "c.yaml").has_error());
}

}  // namespace
