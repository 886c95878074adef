// What a configuration asks of this host's addresses: the start and --check say the same.
#include "agent/network_plan.hpp"

#include <gmock/gmock.h>

#include "agent/config_report.hpp"

namespace dockherd::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string elsewhere = "192.0.2.1";  // RFC 5737: no host has it.

AgentConfig on_loopback() {
  AgentConfig config;
  config.hostname = "alpha";
  config.templates = "/nonexistent";
  config.bus.bind_address = "127.0.0.1";
  config.beacon.emplace();
  config.beacon->interface = "127.0.0.1";
  config.gossip.emplace();
  config.gossip->bind = {"127.0.0.1", 5671};
  return config;
}

TEST(NetworkPlan, loopback_is_on_every_host) {
  AgentConfig config = on_loopback();
  EXPECT_TRUE(report_config(config).good) << report_config(config).text;
  config.bus.bind_address = "127.0.0.2";
  config.http.host = "127.0.0.3";
  EXPECT_TRUE(report_config(config).good) << report_config(config).text;
}

struct Mistake {
  std::string key;
  std::function<void(AgentConfig&)> make;
};

class CannotStart : public testing::TestWithParam<Mistake> {};

TEST_P(CannotStart, the_check_says_so_and_names_the_key) {
  AgentConfig config = on_loopback();
  config.insecure = true;
  GetParam().make(config);
  const ConfigReport report = report_config(config);
  EXPECT_FALSE(report.good);
  EXPECT_THAT(report.text, AllOf(HasSubstr(GetParam().key + ": "), HasSubstr(elsewhere)));
}

INSTANTIATE_TEST_SUITE_P(
    All, CannotStart,
    testing::Values(Mistake{"bus.bind",
                            [](AgentConfig& config) { config.bus.bind_address = elsewhere; }},
                    Mistake{"http", [](AgentConfig& config) { config.http.host = elsewhere; }},
                    Mistake{"discovery.beacon.interface",
                            [](AgentConfig& config) { config.beacon->interface = elsewhere; }},
                    Mistake{"discovery.gossip.bind",
                            [](AgentConfig& config) { config.gossip->bind.host = elsewhere; }}));

TEST(NetworkPlan, others_are_told_an_address_that_they_can_reach) {
  AgentConfig config = on_loopback();
  const bus::NetworkInterface lan = [] {
    bus::NetworkInterface interface;
    interface.address = boost::asio::ip::make_address_v4("10.0.0.5");
    return interface;
  }();
  EXPECT_EQ(advertised_http(config, lan), "127.0.0.1:8080");
  for (const std::string all : {"0.0.0.0", "::"}) {
    config.http.host = all;
    config.bus.advertise = "";
    EXPECT_EQ(advertised_http(config, lan), "10.0.0.5:8080");
    config.bus.advertise = "203.0.113.7";
    EXPECT_EQ(advertised_http(config, lan), "203.0.113.7:8080");
  }
}

}  // namespace
}  // namespace dockherd::agent
