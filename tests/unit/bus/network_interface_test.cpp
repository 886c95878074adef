#include "bus/network_interface.hpp"

#include <gmock/gmock.h>

namespace dockherd::bus {
namespace {

using testing::HasSubstr;

NetworkInterface make(const std::string& name, const std::string& address) {
  NetworkInterface interface;
  interface.name = name;
  interface.address = asio::ip::make_address_v4(address);
  interface.netmask = asio::ip::make_address_v4("255.255.255.0");
  interface.broadcast = asio::ip::address_v4(interface.address.to_uint() | 255);
  return interface;
}

class Interfaces : public testing::Test {
 protected:
  std::vector<NetworkInterface> available{loopback_interface(), make("docker0", "172.17.0.1"),
                                          make("eth0", "10.0.0.5"), make("eth1", "10.0.1.5")};
};

TEST_F(Interfaces, the_one_of_the_default_route_is_the_default) {
  EXPECT_EQ(choose_interface(available, "eth1", "")->name, "eth1");
}

TEST_F(Interfaces, without_a_default_route_the_first_that_is_no_containers_bridge_is) {
  EXPECT_EQ(choose_interface(available, "", "")->name, "eth0");
  available[2].up = false;
  EXPECT_EQ(choose_interface(available, "", "")->name, "eth1");
}

TEST_F(Interfaces, a_default_route_over_an_interface_that_cannot_broadcast_does_not_count) {
  available[3].can_broadcast = false;
  EXPECT_EQ(choose_interface(available, "eth1", "")->name, "eth0");
}

TEST_F(Interfaces, one_is_found_by_name_or_address) {
  EXPECT_EQ(choose_interface(available, "eth0", "docker0")->address.to_string(), "172.17.0.1");
  EXPECT_EQ(choose_interface(available, "eth0", "10.0.1.5")->name, "eth1");
  EXPECT_EQ(choose_interface(available, "eth0", "lo")->address.to_string(), "127.0.0.1");
  EXPECT_EQ(choose_interface(available, "eth0", "127.0.0.9")->address.to_string(), "127.0.0.9");
}

TEST_F(Interfaces, an_unknown_one_is_an_error_that_names_what_exists) {
  const auto chosen = choose_interface(available, "eth0", "wlan0");
  ASSERT_TRUE(chosen.has_error());
  EXPECT_EQ(chosen.error().code, errc::bad_config);
  EXPECT_THAT(chosen.error().message, HasSubstr("wlan0"));
  EXPECT_THAT(chosen.error().message, HasSubstr("eth0 (10.0.0.5)"));
}

TEST_F(Interfaces, nothing_to_choose_from_is_an_error) {
  EXPECT_TRUE(choose_interface({loopback_interface()}, "", "").has_error());
  EXPECT_TRUE(choose_interface({}, "", "").has_error());
}

TEST(DefaultRoute, the_one_with_the_smallest_metric_counts) {
  EXPECT_EQ(
      default_route_interface("Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
                              "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\n"
                              "eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\n"
                              "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"),
      "eth0");
  EXPECT_EQ(default_route_interface(""), "");
  EXPECT_EQ(default_route_interface("nonsense\n\n1 2 3\n"), "");
}

TEST(Subnet, contains_its_own_addresses_only) {
  const NetworkInterface interface = make("eth0", "10.0.0.5");
  EXPECT_TRUE(interface.contains(asio::ip::make_address_v4("10.0.0.77")));
  EXPECT_FALSE(interface.contains(asio::ip::make_address_v4("10.0.1.77")));
}

}  // namespace
}  // namespace dockherd::bus
