// The bus with the herd's key: who gets in, under which id, and what is said of those who do not.
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <sstream>

#include "bus/beacon_discovery.hpp"
#include "bus/curve.hpp"
#include "bus/gossip_discovery.hpp"
#include "bus/zmq_transport.hpp"
#include "tests/wire/event_loop.hpp"

namespace dockherd::bus {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using trust::HerdKey;
using trust::HerdKeys;
using SharedKeys = std::shared_ptr<const BusKeys>;

const HerdKey& herd_key() {
  static const HerdKey key = HerdKey::generate();
  return key;
}
const HerdKey& other_key() {
  static const HerdKey key = HerdKey::generate();
  return key;
}

SharedKeys bus_keys(HerdKeys keys) {
  return keys.empty() ? nullptr : std::make_shared<const BusKeys>(std::move(keys));
}

/// A log that can be read.
class Said {
 public:
  Said() : logger(std::make_shared<spdlog::logger>("test", sink())) {}

  std::size_t times(const std::string& text) const {
    const std::string all = lines_.str();
    std::size_t found = 0;
    for (auto at = all.find(text); at != all.npos; at = all.find(text, at + 1)) ++found;
    return found;
  }
  std::string text() const { return lines_.str(); }

 private:
  spdlog::sink_ptr sink() { return std::make_shared<spdlog::sinks::ostream_sink_st>(lines_, true); }
  std::ostringstream lines_;

 public:
  Logger logger;
};

/// A node of a herd with keys; without any, of a herd without.
struct Node {
  Node(asio::io_context& loop, HerdKeys herd_keys, std::uint8_t number = 0)
      : keys(bus_keys(std::move(herd_keys))), id(keys ? keys->node() : test_node(number)) {
    open(loop);
  }

  void open(asio::io_context& loop) {
    ZmqTransportSettings settings;
    settings.keys = keys;
    transport = ZmqTransport::open(loop.get_executor(), id, settings, said.logger).value();
    transport->start(listener);
  }
  void call(const Node& other, std::string text) {
    transport->connect(other.id, other.transport->endpoint());
    transport->send(other.id, Frames{std::move(text)});
  }

  SharedKeys keys;
  NodeId id;
  Said said;
  RecordingTransportListener listener;
  std::unique_ptr<ZmqTransport> transport;
};

class Curve : public testing::Test {
 protected:
  bool each_hears_the_other(Node& one, Node& two) {
    one.call(two, "from one");
    two.call(one, "from two");
    return run_until(loop, [&] { return one.listener.count > 0 && two.listener.count > 0; });
  }
  void expect_strangers(Node& one, Node& two) {
    one.call(two, "from one");
    two.call(one, "from two");
    run_for(loop, milliseconds(2'500));
    EXPECT_EQ(one.listener.count, 0u);
    EXPECT_EQ(two.listener.count, 0u);
  }

  asio::io_context loop{1};
};

TEST_F(Curve, members_hear_each_other_under_the_id_that_their_key_stands_for) {
  Node one(loop, {herd_key()});
  Node two(loop, {herd_key()});
  ASSERT_TRUE(each_hears_the_other(one, two));
  EXPECT_EQ(two.listener.messages[0].from, one.id);
  EXPECT_THAT(two.listener.messages[0].frames, ElementsAre("from one"));
  EXPECT_NE(one.id, two.id);
  EXPECT_EQ(one.transport->forged() + two.transport->forged(), 0u);
}

TEST_F(Curve, a_link_that_is_made_anew_is_heard_again) {
  Node one(loop, {herd_key()});
  Node two(loop, {herd_key()});
  ASSERT_TRUE(each_hears_the_other(one, two));
  one.call(two, "again");
  ASSERT_TRUE(run_until(loop, [&] { return two.listener.count == 2; }));
  EXPECT_THAT(two.listener.messages[1].frames, ElementsAre("again"));
}

TEST_F(Curve, herds_with_different_keys_hear_nothing_and_each_says_so_once) {
  Node one(loop, {herd_key()});
  Node two(loop, {other_key()});
  expect_strangers(one, two);
  for (const Node* node : {&one, &two}) {
    EXPECT_EQ(node->said.times("was refused"), 1u) << node->said.text();
    EXPECT_EQ(node->said.times("refuses the key"), 1u) << node->said.text();
    EXPECT_THAT(node->said.text(), HasSubstr("127.0.0.1"));
  }
}

TEST_F(Curve, an_agent_without_a_key_is_not_in) {
  Node one(loop, {herd_key()});
  Node two(loop, {}, 2);
  expect_strangers(one, two);
  EXPECT_EQ(one.said.times("was refused"), 1u) << one.said.text();
}

TEST_F(Curve, while_keys_are_changed_neighbouring_steps_understand_each_other) {
  const HerdKeys steps[] = {
      {herd_key()}, {herd_key(), other_key()}, {other_key(), herd_key()}, {other_key()}};
  for (std::size_t step = 0; step + 1 < std::size(steps); ++step) {
    Node one(loop, steps[step]);
    Node two(loop, steps[step + 1]);
    EXPECT_TRUE(each_hears_the_other(one, two)) << "step " << step;
    EXPECT_EQ(one.said.times("another key") + two.said.times("another key"), 0u);
  }
}

/// A member that connects as it likes.
class RogueMember {
 public:
  RogueMember(const Node& target, const std::string& identity)
      : keys_(bus_keys({herd_key()})), dealer_(context_, zmq::socket_type::dealer) {
    dealer_.set(zmq::sockopt::routing_id, identity);
    dealer_.set(zmq::sockopt::linger, 0);
    connect_with(dealer_, *keys_, 0);
    dealer_.connect(target.transport->endpoint());
  }
  void send(const std::string& text) { dealer_.send(zmq::buffer(text), zmq::send_flags::none); }
  NodeId id() const { return keys_->node(); }

 private:
  zmq::context_t context_;
  SharedKeys keys_;
  zmq::socket_t dealer_;
};

std::string identity_of(const NodeId& node) {
  return '\x01' + std::string(node.raw()) + link_nonce();
}

TEST_F(Curve, a_member_cannot_speak_under_another_id_nor_end_its_link) {
  Node one(loop, {herd_key()});
  Node two(loop, {herd_key()});
  ASSERT_TRUE(each_hears_the_other(one, two));
  RogueMember rogue(two, identity_of(one.id));
  rogue.send("as one");
  ASSERT_TRUE(run_until(loop, [&] { return two.transport->forged() == 1; }));
  EXPECT_EQ(two.listener.count, 1u);
  ASSERT_TRUE(one.transport->send(two.id, Frames{"still here"}));
  ASSERT_TRUE(run_until(loop, [&] { return two.listener.count == 2; }));
  EXPECT_TRUE(two.listener.closed.empty());
  EXPECT_TRUE(one.listener.closed.empty());
}

TEST_F(Curve, the_identity_of_a_peer_without_a_key_is_nobodys) {
  Node two(loop, {herd_key()});
  RogueMember rogue(two, '\x01' + std::string(test_node(7).raw()));
  rogue.send("as 7");
  ASSERT_TRUE(run_until(loop, [&] { return two.transport->dropped() == 1; }));
  EXPECT_EQ(two.listener.count, 0u);
}

// --- beacons -------------------------------------------------------------------------------------

struct Announcer {
  Announcer(asio::io_context& loop, HerdKeys herd_keys, std::uint8_t number)
      : keys(bus_keys(std::move(herd_keys))),
        id(test_node(number)),
        endpoint("tcp://127.0.0.1:" + std::to_string(50'000 + number)),
        discovery(loop.get_executor(), settings(), said.logger) {
    discovery.start(listener, id, endpoint);
  }
  BeaconSettings settings() const {
    BeaconSettings beacon;
    beacon.announce_interval = milliseconds(50);
    beacon.keys = keys;
    return beacon;
  }

  SharedKeys keys;
  NodeId id;
  std::string endpoint;
  Said said;
  RecordingDiscoveryListener listener;
  BeaconDiscovery discovery;
};

TEST_F(Curve, beacons_of_members_are_heard_while_keys_are_changed) {
  Announcer one(loop, {herd_key(), other_key()}, 1);
  Announcer two(loop, {other_key(), herd_key()}, 2);
  EXPECT_TRUE(run_until(loop, [&] {
    return one.listener.saw(two.id, two.endpoint) && two.listener.saw(one.id, one.endpoint);
  }));
  two.discovery.stop();
  EXPECT_TRUE(run_until(loop, [&] { return !one.listener.departures.empty(); }));
}

TEST_F(Curve, beacons_with_another_key_or_none_count_and_nothing_else_and_are_told_once) {
  Announcer one(loop, {herd_key()}, 1);
  Announcer two(loop, {other_key()}, 2);
  Announcer three(loop, {}, 3);
  ASSERT_TRUE(run_until(loop, [&] { return one.discovery.counters().forged > 10; }));
  for (const Announcer* announcer : {&one, &two, &three}) {
    EXPECT_TRUE(announcer->listener.sightings.empty());
    EXPECT_EQ(announcer->said.times("key"), announcer->keys ? 3u : 2u) << announcer->said.text();
  }
}

TEST_F(Curve, a_beacon_whose_address_or_id_was_changed_is_none) {
  Announcer one(loop, {herd_key()}, 1);
  const BusKeys keys({herd_key()});
  Beacon beacon;
  beacon.id = test_node(9);
  beacon.port = 50'009;
  beacon.address = 0x7f000001;
  const std::string good = encode_beacon_to_tag(beacon);
  const auto tag = keys.beacon_tag(good);
  const auto send = [&](std::string bytes) {
    bytes.append(tag.begin(), tag.end());
    asio::ip::udp::socket socket(loop, asio::ip::udp::v4());
    socket.set_option(asio::socket_base::broadcast(true));
    socket.send_to(asio::buffer(bytes),
                   {asio::ip::make_address_v4("127.255.255.255"), beacon_udp_port});
  };
  for (const std::size_t changed : {std::size_t{4}, std::size_t{20}, std::size_t{23}}) {
    std::string bytes = good;
    bytes[changed] = static_cast<char>(bytes[changed] ^ 1);
    send(std::move(bytes));
  }
  ASSERT_TRUE(run_until(loop, [&] { return one.discovery.counters().forged == 3; }));
  EXPECT_TRUE(one.listener.sightings.empty());
  send(good);
  EXPECT_TRUE(
      run_until(loop, [&] { return one.listener.saw(beacon.id, "tcp://127.0.0.1:50009"); }));
}

// --- gossip --------------------------------------------------------------------------------------

struct Gossiper {
  Gossiper(asio::io_context& loop, HerdKeys herd_keys, std::uint8_t number, std::string bind,
           std::vector<std::string> seeds)
      : id(test_node(number)) {
    GossipSettings settings;
    settings.bind = std::move(bind);
    settings.seeds = std::move(seeds);
    settings.keys = bus_keys(std::move(herd_keys));
    discovery = std::make_unique<GossipDiscovery>(loop.get_executor(), settings, said.logger);
    discovery->start(listener, id, "tcp://127.0.0.1:" + std::to_string(50'000 + number));
  }

  NodeId id;
  Said said;
  RecordingDiscoveryListener listener;
  std::unique_ptr<GossipDiscovery> discovery;
};

TEST_F(Curve, members_find_each_other_by_a_seed_also_while_keys_are_changed) {
  Gossiper seed(loop, {herd_key(), other_key()}, 1, "127.0.0.1:5671", {});
  Gossiper two(loop, {herd_key()}, 2, "", {"127.0.0.1:5671"});
  Gossiper three(loop, {other_key(), herd_key()}, 3, "", {"127.0.0.1:5671"});
  EXPECT_TRUE(
      run_until(loop, [&] { return two.listener.saw(three.id) && three.listener.saw(two.id); }));
}

TEST_F(Curve, a_seed_refuses_those_with_another_key_or_none_and_both_sides_say_so_once) {
  Gossiper seed(loop, {herd_key()}, 1, "127.0.0.1:5671", {});
  Gossiper two(loop, {other_key()}, 2, "", {"127.0.0.1:5671"});
  Gossiper three(loop, {}, 3, "", {"127.0.0.1:5671"});
  run_for(loop, milliseconds(2'500));
  for (const Gossiper* gossiper : {&seed, &two, &three}) {
    EXPECT_TRUE(gossiper->listener.sightings.empty());
  }
  EXPECT_EQ(seed.said.times("gossip refused"), 1u) << seed.said.text();
  EXPECT_EQ(two.said.times("it has another key, or none"), 1u) << two.said.text();
  EXPECT_EQ(three.said.times("gossip seed lost"), 1u) << three.said.text();
}

}  // namespace
}  // namespace dockherd::bus
