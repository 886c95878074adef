// Beacons on real interfaces: czmq's zbeacon as a foreign peer, two subnets, an interface that
// goes and comes back.
#include <czmq.h>
#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdlib>

#include "bus/beacon_discovery.hpp"
#include "tests/wire/event_loop.hpp"

namespace dockherd::bus {
namespace {

using namespace std::string_literals;
using std::chrono::milliseconds;

NetworkInterface interface_named(const std::string& name) {
  return choose_interface(name).value();
}

void run(const std::string& command) {
  ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(cert-env33-c): fixed texts.
}

/// One interface of each of two subnets, in this program's own network namespace.
class TwoSubnets : public testing::Environment {
 public:
  void SetUp() override {
    run("set -e; for n in 1 2; do ip link add herd$n type veth peer name other$n;"
        "ip address add 10.99.$n.1/24 dev herd$n;"
        "ip link set herd$n up; ip link set other$n up; done;"
        "ip route add default via 10.99.2.254");
  }
};

const auto* const two_subnets = testing::AddGlobalTestEnvironment(new TwoSubnets);

std::unique_ptr<BeaconDiscovery> make(asio::io_context& loop, const std::string& interface) {
  BeaconSettings settings;
  settings.interface = interface_named(interface);
  settings.announce_interval = milliseconds(50);
  return std::make_unique<BeaconDiscovery>(loop.get_executor(), settings, null_logger());
}

/// czmq's beacon actor. Its interface is global to the process: always herd1 here.
class ZBeacon {
 public:
  ZBeacon() : actor_(start()) {
    zsock_send(actor_, "si", "CONFIGURE", int{beacon_udp_port});
    char* host = zstr_recv(actor_);
    address = host;
    zstr_free(&host);
  }
  ~ZBeacon() {
    zpoller_destroy(&poller_);
    zactor_destroy(&actor_);
  }
  ZBeacon(const ZBeacon&) = delete;
  ZBeacon& operator=(const ZBeacon&) = delete;

  void publish(const std::string& beacon) {
    zsock_send(actor_, "sbi", "PUBLISH", beacon.data(), beacon.size(), 50);
  }
  void silence() { zstr_sendx(actor_, "SILENCE", nullptr); }
  void subscribe() { zsock_send(actor_, "sb", "SUBSCRIBE", "ZRE", std::size_t{3}); }

  /// The next beacon heard, if one is there: sender and bytes.
  std::optional<std::pair<std::string, std::string>> heard() {
    if (zpoller_wait(poller_, 0) == nullptr) return std::nullopt;
    char* sender = zstr_recv(actor_);
    zframe_t* frame = zframe_recv(actor_);
    std::pair<std::string, std::string> result(
        sender, std::string(reinterpret_cast<const char*>(zframe_data(frame)), zframe_size(frame)));
    zstr_free(&sender);
    zframe_destroy(&frame);
    return result;
  }

  std::string address;

 private:
  static zactor_t* start() {
    zsys_handler_set(nullptr);
    zsys_set_logstream(nullptr);
    zsys_set_interface("herd1");
    return zactor_new(zbeacon, nullptr);
  }

  zactor_t* actor_;
  zpoller_t* poller_ = zpoller_new(actor_, nullptr);
};

class InterfaceBeacons : public testing::Test {
 protected:
  void TearDown() override {
    run("ip link set herd1 up; ip address replace 10.99.1.1/24 dev herd1");
  }

  asio::io_context loop{1};
  RecordingDiscoveryListener listener;
};

TEST_F(InterfaceBeacons, zbeacon_hears_ours_byte_by_byte) {
  ZBeacon foreign;
  ASSERT_EQ(foreign.address, "10.99.1.1");
  foreign.subscribe();
  const auto ours = make(loop, "herd1");
  ours->start(listener, test_node(1), "tcp://10.99.1.1:49152");
  std::optional<std::pair<std::string, std::string>> heard;
  ASSERT_TRUE(run_until(loop, [&] { return (heard = foreign.heard()).has_value(); }));
  EXPECT_EQ(heard->first, "10.99.1.1");
  EXPECT_EQ(heard->second, "ZRE\x01"s + std::string(test_node(1).raw()) + "\xC0\x00"s);
}

TEST_F(InterfaceBeacons, we_hear_zbeacon_beside_another_agent) {
  const auto ours = make(loop, "herd1");
  const auto other = make(loop, "herd1");
  RecordingDiscoveryListener other_listener;
  ours->start(listener, test_node(1), "tcp://10.99.1.1:49152");
  other->start(other_listener, test_node(2), "tcp://10.99.1.1:49153");
  ZBeacon foreign;
  foreign.publish("ZRE\x01"s + std::string(test_node(7).raw()) + "\xC0\x07"s);
  EXPECT_TRUE(run_until(loop, [&] {
    return listener.saw(test_node(7), "tcp://10.99.1.1:49159") &&
           other_listener.saw(test_node(7), "tcp://10.99.1.1:49159") &&
           listener.saw(test_node(2)) && other_listener.saw(test_node(1));
  }));
  foreign.publish("ZRE\x01"s + std::string(test_node(7).raw()) + "\x00\x00"s);
  EXPECT_TRUE(run_until(loop, [&] { return !listener.departures.empty(); }));
}

TEST_F(InterfaceBeacons, two_interfaces_and_loopback_do_not_mix) {
  const auto first = make(loop, "herd1");
  const auto second = make(loop, "herd2");
  const auto local = make(loop, "lo");
  const auto same = make(loop, "herd1");
  RecordingDiscoveryListener on_second, on_local, on_same;
  first->start(listener, test_node(1), "tcp://10.99.1.1:1");
  second->start(on_second, test_node(2), "tcp://10.99.2.1:2");
  local->start(on_local, test_node(3), "tcp://127.0.0.1:3");
  same->start(on_same, test_node(4), "tcp://10.99.1.1:4");
  ASSERT_TRUE(
      run_until(loop, [&] { return listener.saw(test_node(4)) && on_same.saw(test_node(1)); }));
  run_for(loop, milliseconds(300));
  EXPECT_FALSE(listener.saw(test_node(2)) || listener.saw(test_node(3)));
  EXPECT_TRUE(on_second.sightings.empty());
  EXPECT_TRUE(on_local.sightings.empty());
  EXPECT_GT(first->counters().ignored, 0u);
}

TEST_F(InterfaceBeacons, an_interface_that_goes_down_is_survived) {
  const auto ours = make(loop, "herd1");
  const auto other = make(loop, "herd1");
  RecordingDiscoveryListener other_listener;
  ours->start(listener, test_node(1), "tcp://10.99.1.1:49152");
  other->start(other_listener, test_node(2), "tcp://10.99.1.1:49153");
  ASSERT_TRUE(run_until(loop, [&] { return listener.saw(test_node(2)); }));
  run("ip link set herd1 down");
  ASSERT_TRUE(run_until(loop, [&] { return ours->counters().send_errors >= 2; }));
  run("ip link set herd1 up");
  listener.sightings.clear();
  EXPECT_TRUE(run_until(loop, [&] { return listener.saw(test_node(2)); }));
}

TEST_F(InterfaceBeacons, an_address_that_is_briefly_gone_is_survived) {
  const auto ours = make(loop, "herd1");
  const auto other = make(loop, "herd1");
  RecordingDiscoveryListener other_listener;
  ours->start(listener, test_node(1), "tcp://10.99.1.1:49152");
  other->start(other_listener, test_node(2), "tcp://10.99.1.1:49153");
  ASSERT_TRUE(run_until(loop, [&] { return listener.saw(test_node(2)); }));
  run("ip address flush dev herd1");
  ASSERT_TRUE(run_until(loop, [&] { return ours->counters().send_errors >= 2; }));
  run("ip address add 10.99.1.1/24 dev herd1");
  listener.sightings.clear();
  EXPECT_TRUE(run_until(loop, [&] { return listener.saw(test_node(2)); }));
}

TEST(MachineInterfaces, the_default_is_the_interface_of_the_default_route) {
  const auto chosen = choose_interface("");
  ASSERT_TRUE(chosen.has_value());
  EXPECT_EQ(chosen->name, "herd2");
  EXPECT_EQ(chosen->address.to_string(), "10.99.2.1");
  EXPECT_EQ(chosen->broadcast.to_string(), "10.99.2.255");
}

TEST(MachineInterfaces, one_is_found_by_name_and_by_address_and_loopback_broadcasts) {
  EXPECT_EQ(choose_interface("10.99.1.1")->name, "herd1");
  EXPECT_EQ(choose_interface("lo")->broadcast.to_string(), "127.255.255.255");
  EXPECT_TRUE(choose_interface("lo")->can_broadcast);
}

}  // namespace
}  // namespace dockherd::bus
