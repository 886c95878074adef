#include "bus/gossip_table.hpp"

#include <gmock/gmock.h>

#include <deque>

#include "base/limits.hpp"

namespace dockherd::bus {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::IsEmpty;
using testing::SizeIs;

constexpr GossipLinkId link_a = 1;
constexpr GossipLinkId link_b = 2;

NodeId gossip_node(std::uint32_t number) {
  NodeId::Bytes bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return NodeId(bytes);
}

GossipMessage tuple_of(std::uint32_t number, std::uint32_t ttl_millis,
                       const std::string& endpoint = "tcp://10.0.0.1:49152") {
  GossipTuple tuple;
  tuple.id = gossip_node(number);
  tuple.endpoint = endpoint;
  GossipMessage message = to_publish(tuple);
  message.ttl_millis = ttl_millis;
  return message;
}

class GossipTables : public testing::Test {
 protected:
  GossipTimes times;  // 30 s to live, 10 s between refreshes.
  GossipTable table{times};
  TimePoint now{seconds(1'000)};
};

TEST_F(GossipTables, a_new_tuple_is_news_with_the_time_it_has_left) {
  const auto told = table.take(link_a, tuple_of(1, 20'000), now);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->ttl_millis, 20'000u);
  EXPECT_EQ(told->key, gossip_node(1).hex());
  EXPECT_THAT(table.tuples(), SizeIs(1));
}

TEST_F(GossipTables, an_echo_is_not_news) {
  const auto told = table.take(link_a, tuple_of(1, 30'000), now);
  EXPECT_FALSE(table.take(link_b, *told, now + milliseconds(3)));
  EXPECT_FALSE(table.take(link_b, tuple_of(1, 30'000), now + seconds(1)));
}

TEST_F(GossipTables, a_refresh_by_the_node_is_news) {
  table.take(link_a, tuple_of(1, 30'000), now);
  const auto told = table.take(link_a, tuple_of(1, 30'000), now + seconds(10));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->ttl_millis, 30'000u);
}

TEST_F(GossipTables, a_tuple_that_is_not_refreshed_ends) {
  table.take(link_a, tuple_of(1, 30'000), now);
  table.tick(now + milliseconds(29'999));
  EXPECT_THAT(table.tuples(), SizeIs(1));
  table.tick(now + seconds(30));
  EXPECT_THAT(table.tuples(), IsEmpty());
}

TEST_F(GossipTables, a_longer_life_than_ours_is_cut) {
  table.take(link_a, tuple_of(1, 4'000'000'000u), now);
  table.tick(now + seconds(30));
  EXPECT_THAT(table.tuples(), IsEmpty());
}

TEST_F(GossipTables, a_tuple_that_ended_is_revived_by_its_node_but_not_by_a_plain_server) {
  table.take(link_a, tuple_of(1, 30'000), now);
  table.tick(now + seconds(30));
  EXPECT_FALSE(table.take(link_b, tuple_of(1, 0), now + seconds(31)));
  EXPECT_THAT(table.tuples(), IsEmpty());
  EXPECT_TRUE(table.take(link_b, tuple_of(1, 30'000), now + seconds(32)));
  EXPECT_THAT(table.tuples(), SizeIs(1));
}

TEST_F(GossipTables, a_plain_tuple_is_vouched_for_as_long_as_its_link_stands) {
  table.take(link_a, tuple_of(1, 0), now);
  now += seconds(600);
  const auto told = table.tick(now);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].ttl_millis, 30'000u);
  table.drop_link(link_a, now);
  table.tick(now + seconds(29));
  EXPECT_THAT(table.tuples(), SizeIs(1));
  EXPECT_THAT(table.tick(now + seconds(30)), IsEmpty());
  EXPECT_THAT(table.tuples(), IsEmpty());
}

TEST_F(GossipTables, a_plain_tuple_is_held_until_the_last_of_its_links_is_gone) {
  table.take(link_a, tuple_of(1, 0), now);
  EXPECT_FALSE(table.take(link_b, tuple_of(1, 0), now));
  table.drop_link(link_a, now);
  table.tick(now + seconds(100));
  EXPECT_THAT(table.tuples(), SizeIs(1));
  table.drop_link(link_b, now + seconds(100));
  table.tick(now + seconds(130));
  EXPECT_THAT(table.tuples(), IsEmpty());
}

TEST_F(GossipTables, a_plain_servers_echo_of_a_refreshed_tuple_does_not_keep_it) {
  table.take(link_a, tuple_of(1, 30'000), now);
  table.take(link_b, tuple_of(1, 0), now + milliseconds(1));
  table.tick(now + seconds(30));
  EXPECT_THAT(table.tuples(), IsEmpty());
}

TEST_F(GossipTables, our_own_tuple_is_announced_again_and_claims_about_it_are_ignored) {
  table.set_own(gossip_node(7), "tcp://10.0.0.7:49152");
  EXPECT_FALSE(table.take(link_a, tuple_of(7, 30'000, "tcp://10.6.6.6:1"), now));
  EXPECT_THAT(table.tuples(), IsEmpty());
  ASSERT_THAT(table.tick(now), SizeIs(1));
  EXPECT_THAT(table.tick(now + seconds(9)), IsEmpty());
  const auto told = table.tick(now + seconds(10));
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].value, "tcp://10.0.0.7:49152");
  EXPECT_EQ(told[0].ttl_millis, 30'000u);
}

TEST_F(GossipTables, a_new_link_is_told_everything_with_the_time_left) {
  table.set_own(gossip_node(7), "tcp://10.0.0.7:49152");
  table.take(link_a, tuple_of(1, 30'000), now);
  const auto told = table.dump(now + seconds(12));
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].key, gossip_node(7).hex());
  EXPECT_EQ(told[1].ttl_millis, 18'000u);
}

TEST_F(GossipTables, another_endpoint_for_a_known_node_is_news_but_not_more_than_once_a_second) {
  table.take(link_a, tuple_of(1, 30'000, "tcp://10.0.0.1:1"), now);
  EXPECT_FALSE(table.take(link_b, tuple_of(1, 30'000, "tcp://10.0.0.1:2"), now));
  EXPECT_TRUE(table.take(link_b, tuple_of(1, 30'000, "tcp://10.0.0.1:2"), now + seconds(1)));
  EXPECT_EQ(table.tuples()[0].endpoint, "tcp://10.0.0.1:2");
}

TEST_F(GossipTables, what_is_no_tuple_of_zre_is_dropped) {
  GossipMessage message = tuple_of(1, 0);
  message.key = "inventory";
  EXPECT_FALSE(table.take(link_a, message, now));
  message = tuple_of(1, 0);
  message.value = "udp://10.0.0.1:1";
  EXPECT_FALSE(table.take(link_a, message, now));
  EXPECT_THAT(table.tuples(), IsEmpty());
}

TEST_F(GossipTables, a_flood_of_tuples_is_bounded) {
  for (std::uint32_t i = 0; i < limits::gossip_tuples + 100; ++i) {
    table.take(link_a, tuple_of(i, 30'000), now);
  }
  EXPECT_EQ(table.size(), limits::gossip_tuples);
  table.tick(now + seconds(30));
  EXPECT_TRUE(table.take(link_a, tuple_of(999'999, 30'000), now + seconds(30)));
}

/// Three tables in a ring: whatever one tells goes to the two others.
TEST_F(GossipTables, in_a_ring_a_dead_nodes_tuple_ends_and_a_living_ones_stays) {
  constexpr std::size_t members = 3;
  std::vector<GossipTable> ring(members, GossipTable(times));
  struct Told {
    std::size_t from;
    GossipMessage message;
  };
  std::size_t messages = 0;
  const auto publish = [&](std::size_t to, const GossipMessage& first) {
    std::deque<std::pair<std::size_t, Told>> queue{{to, {members, first}}};
    while (!queue.empty()) {
      const auto [at, told] = queue.front();
      queue.pop_front();
      ASSERT_LT(++messages, 1'000u) << "tuples loop";
      const auto news = ring[at].take(told.from, told.message, now);
      if (!news) continue;
      for (std::size_t next = 0; next < members; ++next) {
        if (next != at && next != told.from) queue.push_back({next, {at, *news}});
      }
    }
  };
  publish(0, tuple_of(1, 30'000));
  for (int second = 0; second < 120; ++second) {
    now += seconds(1);
    if (second % 10 == 0) publish(0, tuple_of(2, 30'000));  // Node 1 is dead, node 2 lives.
    for (GossipTable& member : ring) member.tick(now);
  }
  for (const GossipTable& member : ring) {
    ASSERT_THAT(member.tuples(), SizeIs(1));
    EXPECT_EQ(member.tuples()[0].id, gossip_node(2));
  }
}

}  // namespace
}  // namespace dockherd::bus
