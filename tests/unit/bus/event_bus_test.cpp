// The event bus on virtual time and a network in memory: real coroutines, no sockets, no sleeps.
#include "bus/event_bus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <set>

#include "base/limits.hpp"
#include "base/with_deadline.hpp"
#include "bus/envelope.hpp"
#include "bus/zre_codec.hpp"
#include "tests/unit/bus/bus_agents.hpp"

namespace dockherd::bus {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A ZRE peer of another make: only a mailbox.
struct Foreign final : TransportListener {
  Foreign(fakes::VirtualTime& world, fakes::MemoryNetwork& network, int host, NodeId to,
          std::string to_endpoint)
      : time(world), transport(network, context, host, BusAgent::made_id(host)), target(to) {
    time.add(context);
    transport.start(*this);
    transport.connect(to, to_endpoint);
    ZreMessage hello;
    hello.kind = ZreKind::hello;
    hello.endpoint = transport.endpoint();
    hello.name = "foreign";
    hello.groups = {"herd"};
    send(hello);
  }
  ~Foreign() override { time.remove(context); }
  void on_message(const NodeId&, Frames frames) override {
    if (frames.size() > 1) texts.push_back(frames[1]);
  }
  void on_link_closed(const NodeId&, const std::string&) override {}
  void send(ZreMessage message, const std::string& text = "") {
    message.sequence = ++sequence;
    Frames frames{encode_zre(message)};
    if (!text.empty()) frames.push_back(text);
    transport.send(target, std::move(frames));
  }
  void whisper(const std::string& text) {
    ZreMessage message;
    message.kind = ZreKind::whisper;
    send(message, text);
  }
  void shout(const std::string& text) {
    ZreMessage message;
    message.kind = ZreKind::shout;
    message.group = "herd";
    send(message, text);
  }

  fakes::VirtualTime& time;
  fakes::VirtualContext context;
  fakes::MemoryTransport transport;
  NodeId target;
  std::uint16_t sequence = 0;
  std::vector<std::string> texts;
};

TEST_F(EventBusTest, agents_meet_and_know_each_others_groups) {
  for (auto& agent : agents) {
    EXPECT_THAT(agent->bus.peers(), SizeIs(2));
    EXPECT_THAT(agent->bus.members("herd"), SizeIs(3));
  }
  bus(0).join("container");
  time.run_for(10ms);
  EXPECT_THAT(bus(1).members("container"), ElementsAre(bus(0).self()));
  bus(0).leave("container");
  time.run_for(10ms);
  EXPECT_FALSE(bus(1).is_member("container", bus(0).self()));
}

TEST_F(EventBusTest, a_request_is_answered_by_the_peers_handler) {
  const auto reply = ask(0, bus(1).self(), R"({"action":"x"})");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, R"({"action":"x"})");
  ASSERT_THAT(agents[1]->requests, SizeIs(1));
  EXPECT_EQ(agents[1]->requests[0].from, bus(0).self());
  EXPECT_TRUE(agents[1]->requests[0].local);
}

TEST_F(EventBusTest, a_request_to_itself_needs_no_network) {
  const auto sent = bus(0).counters().messages_sent;
  EXPECT_TRUE(ask(0, bus(0).self(), "{}", 2s, false));
  EXPECT_EQ(bus(0).counters().messages_sent, sent);
  EXPECT_FALSE(agents[0]->requests.at(0).local);
}

TEST_F(EventBusTest, an_unknown_peer_gets_nothing_sent) {
  EXPECT_EQ(ask(0, BusAgent::made_id(77), "{}").error().code, errc::not_sent);
}

TEST_F(EventBusTest, a_slow_handler_is_cancelled_at_the_deadline) {
  const TimePoint start = time.now();
  EXPECT_EQ(ask(0, bus(1).self(), R"({"slow":1})", 300ms).error().code, errc::timeout);
  EXPECT_EQ(time.now() - start, 300ms);
  time.run_for(50ms);
  EXPECT_EQ(agents[1]->canceled, 1);
  EXPECT_EQ(ask(0, bus(0).self(), R"({"slow":1})", 300ms).has_value(), false);
}

TEST_F(EventBusTest, a_handler_that_throws_is_answered_with_500) {
  EXPECT_EQ(ask(0, bus(1).self(), R"({"throw":1})")->status, 500);
}

TEST_F(EventBusTest, requests_that_are_given_up_leave_nothing_behind) {
  // As many as one peer is given, to one that does not hear them: what one left would be missing.
  network.cut(1, 2);
  const std::vector<NodeId> to(limits::bus_requests_to_peer, bus(1).self());
  bool ended = false;
  auto give_up = [](BusAgent& agent, std::vector<NodeId> peers,
                    bool& done) -> asio::awaitable<void> {
    const TimePoint now = agent.clock.now();
    auto gathering = agent.bus.gather(std::move(peers), "{}", now + 10s);
    const auto replies = co_await with_deadline(agent.clock, std::move(gathering), now + 100ms);
    EXPECT_FALSE(replies.has_value());
    done = true;
  };
  asio::co_spawn(agents[0]->context, give_up(*agents[0], to, ended),
                 [](const std::exception_ptr& failure) { EXPECT_FALSE(failure); });
  time.run_for(50ms);
  EXPECT_EQ(ask(0, bus(1).self(), "{}").error().code, errc::busy);
  EXPECT_EQ(bus(0).awaiting(), to.size());
  time.run_for(51ms);
  ASSERT_TRUE(ended);
  EXPECT_EQ(bus(0).awaiting(), 0U);
  // Neither their late answers nor their deadlines find anybody any more.
  network.heal(1, 2);
  time.run_for(15s);
  EXPECT_TRUE(ask(0, bus(1).self(), "{}"));
}

TEST_F(EventBusTest, gather_accounts_for_every_node_in_order) {
  const NodeId unknown = BusAgent::made_id(99);
  std::vector<NodeId> to{bus(2).self(), unknown, bus(0).self(), bus(1).self()};
  const auto replies = run(*agents[0], bus(0).gather(to, R"({"a":1})", time.now() + 1s));
  ASSERT_THAT(replies, SizeIs(4));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(replies[i].node, to[i]);
  EXPECT_TRUE(replies[0].reply && replies[2].reply && replies[3].reply);
  EXPECT_EQ(replies[1].reply.error().code, errc::not_sent);
  EXPECT_THAT(run(*agents[0], bus(0).gather({}, "{}", time.now() + 1s)), IsEmpty());
}

TEST_F(EventBusTest, the_death_of_a_peer_fails_its_requests_before_listeners_hear_of_it) {
  std::string order;
  auto ask_slowly = [](EventBus& from, NodeId to, TimePoint until,
                       std::string& text) -> asio::awaitable<void> {
    const auto reply = co_await from.request(to, R"({"slow":1})", until);
    text = std::string(to_string(reply.error().code));
  };
  asio::co_spawn(agents[0]->context, ask_slowly(bus(0), bus(1).self(), time.now() + 30s, order),
                 [](const std::exception_ptr&) {});
  time.run_for(100ms);
  const TimePoint start = time.now();
  const NodeId dead = bus(1).self();
  kill(1);
  time.run_until([&] { return !agents[0]->bus.peer(dead); }, start + 10s);
  EXPECT_LE(time.now() - start, 500ms);
  time.settle();
  EXPECT_EQ(order, "peer_lost");
  EXPECT_EQ(agents[0]->listener.lines.back(), "lost n2");
  EXPECT_FALSE(bus(0).is_member("herd", dead));
}

TEST_F(EventBusTest, a_restarted_agent_is_a_new_peer_and_stays) {
  kill(1);
  time.run_for(200ms);
  agents[1] = std::make_unique<BusAgent>(time, network, 2);
  agents[1]->bus.start();
  time.run_for(2s);
  for (auto& agent : agents) EXPECT_THAT(agent->bus.peers(), SizeIs(2));
}

TEST_F(EventBusTest, a_broken_link_is_mended_within_a_fraction_of_a_second) {
  network.break_link(1, 2);
  time.run_for(300ms);
  EXPECT_THAT(bus(0).peers(), SizeIs(2));
  EXPECT_THAT(bus(1).peers(), SizeIs(2));
  EXPECT_TRUE(ask(0, bus(1).self(), "{}"));
  EXPECT_TRUE(ask(1, bus(0).self(), "{}"));
  EXPECT_GE(bus(0).counters().peers_lost, 1U);
}

TEST_F(EventBusTest, notices_reach_agents_in_order_and_not_oneself) {
  bus(0).notify_all("a", "1");
  bus(0).notify(bus(1).self(), "b", "{}");
  bus(0).notify(bus(0).self(), "c", "{}");
  time.run_for(50ms);
  EXPECT_THAT(agents[1]->listener.lines, testing::IsSupersetOf({"notice a 1", "notice b {}"}));
  EXPECT_EQ(agents[1]->listener.lines.back(), "notice b {}");
  EXPECT_EQ(agents[2]->listener.lines.back(), "notice a 1");
  EXPECT_THAT(agents[0]->listener.lines, testing::Not(testing::Contains("notice c {}")));
}

TEST_F(EventBusTest, stopping_fails_requests_and_says_goodbye) {
  std::string outcome;
  auto ask_slowly = [](EventBus& from, NodeId to, TimePoint until,
                       std::string& text) -> asio::awaitable<void> {
    const auto reply = co_await from.request(to, R"({"slow":1})", until);
    text = std::string(to_string(reply.error().code));
  };
  asio::co_spawn(agents[0]->context, ask_slowly(bus(0), bus(1).self(), time.now() + 30s, outcome),
                 [](const std::exception_ptr&) {});
  time.run_for(50ms);
  run(*agents[0], bus(0).stop());
  time.run_for(100ms);
  EXPECT_EQ(outcome, "canceled");
  EXPECT_THAT(bus(1).peers(), SizeIs(1));
  EXPECT_EQ(ask(0, bus(1).self(), "{}").error().code, errc::not_sent);
}

TEST_F(EventBusTest, a_foreign_peer_whispers_requests_and_gets_replies) {
  Foreign peer(time, network, 9, bus(0).self(), agents[0]->transport.endpoint());
  time.run_for(100ms);
  peer.whisper(R"({"dockherd":"request","id":"q1","body":{"action":"x"}})");
  peer.whisper(R"({"action":"y","id":"container"})");
  peer.whisper(R"({"dockherd":"request","id":"q2","timeout":"soon","body":{}})");
  peer.whisper("Hello, world");
  peer.whisper(R"({"action":"broken)");
  // Another program's own talk, that it would answer in turn.
  peer.whisper("{broken");
  peer.whisper(R"({"error":"I do not understand you"})");
  peer.whisper(R"({"dockherd":"reply","status":"odd"})");
  time.run_for(100ms);
  ASSERT_THAT(peer.texts, SizeIs(4));
  std::sort(peer.texts.begin(), peer.texts.end());
  EXPECT_EQ(peer.texts[0], R"({"dockherd":"reply","id":"q1","status":200,"body":{"action":"x"}})");
  EXPECT_THAT(peer.texts[1],
              testing::AllOf(testing::StartsWith(R"({"dockherd":"reply","id":"q2","status":400)"),
                             testing::HasSubstr(R"("field":"timeout")")));
  EXPECT_EQ(
      peer.texts[2],
      R"({"dockherd":"reply","id":null,"status":200,"body":{"action":"y","id":"container"}})");
  EXPECT_THAT(peer.texts[3], testing::HasSubstr(R"("status":400)"));
  EXPECT_FALSE(bus(0).peer(BusAgent::made_id(9))->is_agent);
}

TEST_F(EventBusTest, a_shout_for_one_is_handled_by_exactly_one_member) {
  // One mailbox at each agent: what a peer does that sends a SHOUT to all members.
  std::vector<std::unique_ptr<Foreign>> peers;
  for (std::size_t i = 0; i < 3; ++i) {
    peers.push_back(std::make_unique<Foreign>(time, network, 20 + static_cast<int>(i),
                                              bus(i).self(), agents[i]->transport.endpoint()));
  }
  time.run_for(100ms);
  for (int round = 0; round < 30; ++round) {
    const std::string text = R"({"dockherd":"request","id":"r)" + std::to_string(round) +
                             R"(","deliver":"one","body":{"action":"x"}})";
    for (auto& peer : peers) peer->shout(text);
    time.run_for(20ms);
    std::size_t handled = 0;
    for (auto& agent : agents) handled += agent->requests.size();
    EXPECT_EQ(handled, static_cast<std::size_t>(round + 1));
  }
  for (auto& agent : agents) EXPECT_FALSE(agent->requests.empty());
  const std::string one_of = R"(,"one_of":[")" + bus(2).self().hex() + R"("])";
  const auto before = agents[2]->requests.size();
  for (auto& peer : peers) {
    peer->shout(R"({"dockherd":"request","deliver":"one")" + one_of + R"(,"body":{}})");
  }
  time.run_for(20ms);
  EXPECT_EQ(agents[2]->requests.size(), before + 1);
}

/// Its links end without a word: sending finds out.
struct BrittleTransport final : Transport {
  void start(TransportListener& to) override { listener = &to; }
  void stop() override { links.clear(); }
  std::string endpoint() const override { return "tcp://10.0.0.1:49152"; }
  bool connect(const NodeId& peer, const std::string&) override {
    ++dials;
    links.insert(peer);
    return true;
  }
  bool send(const NodeId& peer, Frames) override { return links.contains(peer); }
  std::size_t unsent_bytes(const NodeId&) const override { return 0; }
  void disconnect(const NodeId& peer) override { links.erase(peer); }
  std::string_view address_of(const NodeId&) const override { return {}; }

  TransportListener* listener = nullptr;
  std::set<NodeId> links;
  int dials = 0;
};

/// Answers each notice by three, in one turn of the bus.
struct Talker final : BusListener {
  void on_peer_joined(const PeerInfo&) override { ++joined; }
  void on_peer_lost(const PeerInfo&, const std::string&) override { ++lost; }
  void on_session_renewed(const PeerInfo&) override {}
  void on_notice(const NodeId& from, const std::string&, const std::string&) override {
    for (int i = 0; i < 3; ++i) bus->notify(from, "answer", "1");
  }
  EventBus* bus = nullptr;
  int joined = 0;
  int lost = 0;
};

TEST(EventBus, several_sends_that_fail_in_one_turn_are_one_broken_link) {
  fakes::VirtualTime time;
  fakes::VirtualContext context;
  time.add(context);
  fakes::VirtualClock clock(time, context);
  BrittleTransport transport;
  Talker talker;
  EventBus bus(context.get_executor(), clock, transport, {},
               BusAgent::settings(1, BusAgent::made_id(1)), 1, null_logger());
  talker.bus = &bus;
  bus.listen(talker);
  bus.start();
  ZreMessage hello = zre_message(ZreKind::hello);
  hello.sequence = 1;
  hello.endpoint = "tcp://10.0.0.2:49152";
  hello.headers = {{std::string(header_version), "1"}};
  transport.listener->on_message(BusAgent::made_id(2), {encode_zre(hello)});
  EXPECT_EQ(transport.dials, 1);
  time.run_for(600ms);  // Long enough for a break not to be a refusal.
  transport.links.clear();
  ZreMessage whisper = zre_message(ZreKind::whisper);
  whisper.sequence = 2;
  transport.listener->on_message(BusAgent::made_id(2),
                                 {encode_zre(whisper), encode_notice("question", "1")});
  transport.listener->on_message(BusAgent::made_id(2), {encode_zre(hello)});
  EXPECT_EQ(talker.lost, 1);
  EXPECT_EQ(talker.joined, 2);
  EXPECT_EQ(transport.dials, 2);
  context.shutdown();
  time.remove(context);
}

TEST_F(EventBusTest, a_frozen_process_is_lost_and_comes_back) {
  time.set_frozen(agents[1]->context, true);
  time.run_for(2s);
  EXPECT_FALSE(bus(0).peer(bus(1).self()));
  time.set_frozen(agents[1]->context, false);
  time.run_for(3s);
  for (auto& agent : agents) EXPECT_THAT(agent->bus.peers(), SizeIs(2));
}

}  // namespace
}  // namespace dockherd::bus
