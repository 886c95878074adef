// Beacons on loopback, byte by byte, with raw UDP sockets beside ours. Foreign zbeacons are in
// namespace/, for they fail on loopback.
#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "bus/beacon_discovery.hpp"
#include "tests/wire/event_loop.hpp"

namespace dockherd::bus {
namespace {

using namespace std::string_literals;
using asio::ip::udp;
using std::chrono::milliseconds;

constexpr std::uint16_t test_port = 25'670;  // Not 5670, to show that the setting counts.

class Beacons : public testing::Test {
 protected:
  void SetUp() override {
    raw.set_option(udp::socket::reuse_address(true));
    raw.set_option(asio::socket_base::broadcast(true));
    raw.bind(udp::endpoint(udp::v4(), test_port));
    raw.non_blocking(true);
  }

  std::unique_ptr<BeaconDiscovery> make(milliseconds interval = milliseconds(50)) {
    BeaconSettings settings;
    settings.port = test_port;
    settings.announce_interval = interval;
    return std::make_unique<BeaconDiscovery>(loop.get_executor(), settings, null_logger());
  }

  /// The next datagram that the raw socket gets, and its sender.
  std::pair<std::string, udp::endpoint> heard() {
    char buffer[100];
    std::size_t bytes = 0;
    udp::endpoint from;
    run_until(loop, [&] {
      boost::system::error_code error;
      bytes = raw.receive_from(asio::buffer(buffer), from, 0, error);
      return !error;
    });
    return {std::string(buffer, bytes), from};
  }

  void shout(const std::string& datagram) {
    raw.send_to(asio::buffer(datagram),
                udp::endpoint(asio::ip::make_address_v4("127.255.255.255"), test_port));
  }

  asio::io_context loop{1};
  udp::socket raw{loop, udp::v4()};
  RecordingDiscoveryListener listener;
  const NodeId self = test_node(1);
  const std::string uuid{self.raw()};
};

TEST_F(Beacons, are_22_bytes_from_the_beacon_port_at_once_and_again) {
  const auto ours = make();
  ours->start(listener, self, "tcp://127.0.0.1:49153");
  for (int i = 0; i < 3; ++i) {
    const auto [datagram, from] = heard();
    EXPECT_EQ(datagram, "ZRE\x01"s + uuid + "\xC0\x01"s);
    EXPECT_EQ(from, udp::endpoint(asio::ip::address_v4::loopback(), test_port));
  }
}

TEST_F(Beacons, stopping_says_port_0) {
  const auto ours = make(std::chrono::hours(1));
  ours->start(listener, self, "tcp://127.0.0.1:49153");
  EXPECT_EQ(heard().first.substr(20), "\xC0\x01"s);
  ours->stop();
  EXPECT_EQ(heard().first, "ZRE\x01"s + uuid + "\x00\x00"s);
}

TEST_F(Beacons, a_peers_beacon_is_a_sighting_at_its_address_and_port_0_a_departure) {
  const auto ours = make(std::chrono::hours(1));
  ours->start(listener, self, "tcp://127.0.0.1:49153");
  shout("ZRE\x01"s + std::string(test_node(2).raw()) + "\xC0\x02"s);
  ASSERT_TRUE(run_until(loop, [&] { return listener.saw(test_node(2), "tcp://127.0.0.1:49154"); }));
  EXPECT_TRUE(listener.departures.empty());
  shout("ZRE\x01"s + std::string(test_node(2).raw()) + "\x00\x00"s);
  ASSERT_TRUE(run_until(loop, [&] { return !listener.departures.empty(); }));
  EXPECT_EQ(listener.departures[0], test_node(2));
}

TEST_F(Beacons, what_is_no_beacon_of_version_1_is_ignored_and_counted) {
  const auto ours = make(std::chrono::hours(1));
  ours->start(listener, self, "tcp://127.0.0.1:49153");
  const std::string good = "ZRE\x01"s + std::string(test_node(2).raw()) + "\xC0\x02"s;
  shout("");
  shout("ZRE");
  shout(good.substr(0, 21));
  shout(good + "x");
  shout("ZRE\x03" + good.substr(4) + std::string(32, 'k'));
  shout("ZRE\x02" + good.substr(4));
  shout("XRE\x01" + good.substr(4));
  shout(std::string(60'000, 'Z'));
  ASSERT_TRUE(run_until(loop, [&] { return ours->counters().ignored == 8; }));
  EXPECT_TRUE(listener.sightings.empty());
  shout(good);
  EXPECT_TRUE(run_until(loop, [&] { return listener.saw(test_node(2)); }));
}

TEST_F(Beacons, several_agents_on_one_loopback_all_hear_each_other_and_not_themselves) {
  constexpr std::uint8_t agents = 5;
  std::vector<std::unique_ptr<BeaconDiscovery>> discoveries;
  std::vector<RecordingDiscoveryListener> listeners(agents);
  for (std::uint8_t i = 0; i < agents; ++i) {
    discoveries.push_back(make());
    discoveries.back()->start(listeners[i], test_node(i),
                              "tcp://127.0.0.1:" + std::to_string(50'000 + i));
  }
  for (std::uint8_t i = 0; i < agents; ++i) {
    for (std::uint8_t other = 0; other < agents; ++other) {
      if (i == other) continue;
      EXPECT_TRUE(run_until(loop,
                            [&] {
                              return listeners[i].saw(
                                  test_node(other),
                                  "tcp://127.0.0.1:" + std::to_string(50'000 + other));
                            }))
          << int{i} << " does not hear " << int{other};
    }
    EXPECT_FALSE(listeners[i].saw(test_node(i)));
  }
}

TEST_F(Beacons, a_stopped_discovery_is_silent_and_can_start_again) {
  const auto ours = make();
  ours->start(listener, self, "tcp://127.0.0.1:49153");
  ours->stop();
  ours->stop();
  shout("ZRE\x01"s + std::string(test_node(2).raw()) + "\xC0\x02"s);
  run_for(loop, milliseconds(50));
  EXPECT_TRUE(listener.sightings.empty());
  ours->start(listener, self, "tcp://127.0.0.1:49153");
  shout("ZRE\x01"s + std::string(test_node(2).raw()) + "\xC0\x02"s);
  EXPECT_TRUE(run_until(loop, [&] { return listener.saw(test_node(2)); }));
}

}  // namespace
}  // namespace dockherd::bus
