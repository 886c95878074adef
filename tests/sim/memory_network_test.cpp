// The network in memory: what it promises to the bus, and the faults that it can make.
#include "tests/fakes/memory_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace dockherd::fakes {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

NodeId id_of(int number) {
  NodeId::Bytes bytes{};
  bytes[15] = static_cast<std::uint8_t>(number);
  return NodeId(bytes);
}

struct Peer : bus::TransportListener, bus::DiscoveryListener {
  Peer(MemoryNetwork& network, VirtualTime& time_of_world, Host number)
      : time(time_of_world), host(number) {
    time.add(context);
    transport = std::make_unique<MemoryTransport>(network, context, host, id_of(host));
    discovery = std::make_unique<MemoryDiscovery>(network, context, host);
    transport->start(*this);
  }
  ~Peer() override { time.remove(context); }

  void on_message(const NodeId&, bus::Frames frames) override {
    received.push_back(frames.front());
  }
  void on_link_closed(const NodeId&, const std::string& reason) override {
    closed.push_back(reason);
  }
  void on_sighting(const NodeId&, const std::string& endpoint) override {
    sightings.push_back(endpoint);
  }
  void on_departure(const NodeId&) override { ++departures; }

  VirtualTime& time;
  VirtualContext context;
  Host host;
  std::vector<std::string> received, closed, sightings;
  int departures = 0;
  std::unique_ptr<MemoryTransport> transport;
  std::unique_ptr<MemoryDiscovery> discovery;
};

class MemoryNetworkTest : public testing::Test {
 protected:
  void connect() { a.transport->connect(id_of(2), b->transport->endpoint()); }
  void send(const std::string& text) { a.transport->send(id_of(2), {text}); }

  VirtualTime time;
  MemoryNetwork network{time};
  Peer a{network, time, 1};
  std::unique_ptr<Peer> b = std::make_unique<Peer>(network, time, 2);
};

TEST_F(MemoryNetworkTest, messages_queued_before_the_link_is_up_arrive_in_order) {
  connect();
  for (const char* text : {"1", "2", "3", "4"}) send(text);
  EXPECT_THAT(b->received, IsEmpty());
  time.run_for(100ms);
  EXPECT_THAT(b->received, ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(network.traffic(1).messages, 4u);
}

TEST_F(MemoryNetworkTest, a_link_to_a_process_that_ends_closes) {
  connect();
  time.run_for(100ms);
  b.reset();
  EXPECT_THAT(a.closed, IsEmpty());
  time.run_for(100ms);
  EXPECT_THAT(a.closed, ElementsAre("closed by peer"));
  EXPECT_EQ(a.transport->links(), 0u);
}

TEST_F(MemoryNetworkTest, a_host_without_power_is_silent_until_it_is_back) {
  connect();
  time.run_for(100ms);
  network.power_off(2);
  b.reset();
  send("lost");
  time.run_for(60s);
  EXPECT_THAT(a.closed, IsEmpty());
  b = std::make_unique<Peer>(network, time, 2);
  send("also lost");
  time.run_for(100ms);
  EXPECT_THAT(a.closed, ElementsAre("closed by peer"));
  EXPECT_THAT(b->received, IsEmpty());
}

TEST_F(MemoryNetworkTest, after_a_long_cut_a_link_waits_for_its_next_try_and_a_new_one_does_not) {
  connect();
  time.run_for(100ms);
  network.cut(1, 2);
  send("held");
  time.run_for(60s);
  network.heal_all();
  send("behind it");
  time.run_for(30s);
  EXPECT_THAT(b->received, IsEmpty());
  time.run_for(30s);
  EXPECT_THAT(b->received, ElementsAre("held", "behind it"));
  network.cut(1, 2);
  send("held again");
  time.run_for(60s);
  network.heal_all();
  connect();
  send("by a new link");
  time.run_for(100ms);
  EXPECT_EQ(b->received.back(), "by a new link");
}

TEST_F(MemoryNetworkTest, a_short_cut_holds_messages_and_a_very_long_one_breaks_the_link) {
  network.settings().link_patience = 15s;
  connect();
  time.run_for(100ms);
  network.cut(1, 2);
  send("held");
  time.run_for(5s);
  EXPECT_THAT(b->received, IsEmpty());
  network.heal_all();
  time.run_for(1500ms);
  EXPECT_THAT(b->received, ElementsAre("held"));
  EXPECT_THAT(a.closed, IsEmpty());
  network.cut(1, 2);
  send("too long");
  time.run_for(20s);
  EXPECT_THAT(a.closed, ElementsAre("timed out"));
}

TEST_F(MemoryNetworkTest, an_unplugged_host_hears_and_reaches_nobody_until_it_is_plugged_in) {
  connect();
  time.run_for(100ms);
  network.unplug(2);
  send("held");
  b->transport->connect(id_of(1), a.transport->endpoint());
  b->transport->send(id_of(1), {"held, too"});
  a.discovery->start(a, id_of(1), "endpoint");
  time.run_for(2s);
  EXPECT_THAT(b->received, IsEmpty());
  EXPECT_THAT(a.received, IsEmpty());
  EXPECT_THAT(b->sightings, IsEmpty());
  network.plug_in(2);
  time.run_for(5s);
  EXPECT_THAT(b->received, ElementsAre("held"));
  EXPECT_THAT(a.received, ElementsAre("held, too"));
}

TEST_F(MemoryNetworkTest, beacons_that_come_together_reach_all_others_that_are_not_cut_off) {
  network.settings().datagrams_together = true;
  Peer c(network, time, 3);
  for (Peer* peer : {&a, b.get(), &c}) {
    peer->discovery->start(*peer, id_of(peer->host), "of " + std::to_string(peer->host));
  }
  network.cut(1, 3);
  time.run_for(100ms);
  EXPECT_THAT(a.sightings, UnorderedElementsAre("of 2", "of 3"));
  EXPECT_THAT(b->sightings, UnorderedElementsAre("of 1", "of 3"));
  EXPECT_THAT(c.sightings, ElementsAre("of 2"));
  b->discovery->stop();
  time.run_for(100ms);
  EXPECT_EQ(a.departures, 1);
  EXPECT_EQ(b->departures, 0);
}

TEST_F(MemoryNetworkTest, a_message_can_be_changed_before_its_host_sees_it) {
  network.on_arrival = [](Host to, bus::Frames& frames) {
    if (to == 2) frames.front() += ", changed";
  };
  connect();
  b->transport->connect(id_of(1), a.transport->endpoint());
  send("to 2");
  b->transport->send(id_of(1), {"to 1"});
  time.run_for(100ms);
  EXPECT_THAT(b->received, ElementsAre("to 2, changed"));
  EXPECT_THAT(a.received, ElementsAre("to 1"));
}

TEST_F(MemoryNetworkTest, a_reset_is_told_to_the_side_that_opened_the_link) {
  connect();
  b->transport->connect(id_of(1), a.transport->endpoint());
  time.run_for(1100ms);  // A younger link is taken for one that was made after the reset.
  send("in flight");
  network.break_link(1, 2);
  time.run_for(100ms);
  EXPECT_THAT(a.closed, ElementsAre("reset"));
  EXPECT_THAT(b->closed, IsEmpty());
  EXPECT_THAT(b->received, IsEmpty());
  time.run_for(300ms);
  EXPECT_THAT(b->closed, ElementsAre("the peer closed its connection"));
}

TEST_F(MemoryNetworkTest, a_link_that_is_replaced_at_once_does_not_end_the_other_direction) {
  connect();
  b->transport->connect(id_of(1), a.transport->endpoint());
  time.run_for(100ms);
  connect();
  time.run_for(1s);
  EXPECT_THAT(b->closed, IsEmpty());
}

TEST_F(MemoryNetworkTest, what_is_queued_leaves_after_disconnect_and_nothing_is_told) {
  connect();
  time.run_for(100ms);
  send("goodbye");
  a.transport->disconnect(id_of(2));
  time.run_for(100ms);
  EXPECT_THAT(b->received, ElementsAre("goodbye"));
  EXPECT_THAT(a.closed, IsEmpty());
}

TEST_F(MemoryNetworkTest, sending_to_a_peer_known_to_be_lost_is_noted_until_it_is_dialled_again) {
  connect();
  time.run_for(100ms);
  a.transport->disconnect(id_of(2));
  EXPECT_THAT(network.sends_to_lost_peers(), IsEmpty());
  send("to nobody");
  EXPECT_EQ(network.sends_to_lost_peers().size(), 1u);
  connect();
  send("again");
  EXPECT_EQ(network.sends_to_lost_peers().size(), 1u);
}

TEST_F(MemoryNetworkTest, beacons_reach_everybody_at_each_interval_also_late_joiners) {
  a.discovery->start(a, id_of(1), a.transport->endpoint());
  time.run_for(2500ms);
  EXPECT_THAT(b->sightings, IsEmpty());
  b->discovery->start(*b, id_of(2), b->transport->endpoint());
  time.run_for(1s);
  EXPECT_THAT(b->sightings, ElementsAre("tcp://10.0.0.1:49152"));
  EXPECT_FALSE(a.sightings.empty());
  a.discovery->stop();
  time.run_for(1s);
  EXPECT_EQ(b->departures, 1);
}

TEST_F(MemoryNetworkTest, a_frozen_process_neither_reads_nor_announces) {
  a.discovery->start(a, id_of(1), a.transport->endpoint());
  b->discovery->start(*b, id_of(2), b->transport->endpoint());
  connect();
  time.run_for(100ms);
  const auto seen = a.sightings.size();
  time.set_frozen(b->context, true);
  send("hello");
  time.run_for(5s);
  EXPECT_EQ(a.sightings.size(), seen);
  EXPECT_THAT(b->received, IsEmpty());
  EXPECT_THAT(a.closed, IsEmpty());
  time.set_frozen(b->context, false);
  time.run_for(100ms);
  EXPECT_THAT(b->received, ElementsAre("hello"));
}

}  // namespace
}  // namespace dockherd::fakes
