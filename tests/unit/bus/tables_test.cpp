#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bus/address_table.hpp"
#include "bus/endpoint.hpp"
#include "bus/pending_requests.hpp"

namespace dockherd::bus {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

NodeId table_node(std::uint8_t number) {
  NodeId::Bytes raw{};
  raw[15] = number;
  return NodeId(raw);
}

TimePoint at(int seconds) {
  return TimePoint{} + std::chrono::seconds(seconds);
}

TEST(AddressTable, members_are_sorted_and_joined_once) {
  AddressTable table;
  EXPECT_TRUE(table.join("g", table_node(2)));
  EXPECT_TRUE(table.join("g", table_node(1)));
  EXPECT_FALSE(table.join("g", table_node(2)));
  EXPECT_THAT(table.members("g"), ElementsAre(table_node(1), table_node(2)));
  EXPECT_TRUE(table.is_member("g", table_node(1)));
  EXPECT_FALSE(table.is_member("h", table_node(1)));
}

TEST(AddressTable, leaving_and_removal_end_membership) {
  AddressTable table;
  table.join("a", table_node(1));
  table.join("b", table_node(1));
  table.join("b", table_node(2));
  EXPECT_TRUE(table.leave("a", table_node(1)));
  EXPECT_FALSE(table.leave("a", table_node(1)));
  EXPECT_FALSE(table.leave("b", table_node(3)));
  EXPECT_THAT(table.groups_of(table_node(1)), ElementsAre("b"));
  table.remove(table_node(1));
  table.remove(table_node(1));
  EXPECT_THAT(table.groups_of(table_node(1)), IsEmpty());
  EXPECT_THAT(table.members("b"), ElementsAre(table_node(2)));
  EXPECT_EQ(table.group_count(table_node(2)), 1U);
}

TEST(PendingRequests, a_waiter_is_given_back_once_and_only_to_its_replier) {
  PendingRequests<int> pending(1);
  const auto id = pending.new_id();
  pending.add(id, table_node(1), at(1), 42);
  EXPECT_EQ(pending.take(id, table_node(2)), std::nullopt);
  EXPECT_EQ(pending.take(id, table_node(1)), 42);
  EXPECT_EQ(pending.take(id, table_node(1)), std::nullopt);
  EXPECT_EQ(pending.next_deadline(), TimePoint::max());
}

TEST(PendingRequests, deadlines_and_losses_take_what_is_theirs) {
  PendingRequests<int> pending(1);
  pending.add(pending.new_id(), table_node(1), at(3), 1);
  pending.add(pending.new_id(), table_node(2), at(2), 2);
  pending.add(pending.new_id(), table_node(1), at(1), 3);
  pending.add(pending.new_id(), table_node(1), at(9), 4);
  EXPECT_EQ(pending.next_deadline(), at(1));
  EXPECT_EQ(pending.size_of(table_node(1)), 3U);
  EXPECT_THAT(pending.take_expired(at(2)), ElementsAre(3, 2));
  EXPECT_EQ(pending.size_of(table_node(1)), 2U);
  EXPECT_EQ(pending.size_of(table_node(2)), 0U);
  EXPECT_THAT(pending.take_of(table_node(1)), ElementsAre(1, 4));
  EXPECT_EQ(pending.size(), 0U);
}

TEST(PendingRequests, is_bounded) {
  PendingRequests<int> pending(1, 2);
  pending.add(pending.new_id(), table_node(1), at(1), 1);
  EXPECT_FALSE(pending.full());
  pending.add(pending.new_id(), table_node(1), at(1), 2);
  EXPECT_TRUE(pending.full());
  EXPECT_THAT(pending.take_all(), ElementsAre(1, 2));
}

TEST(Endpoint, only_unicast_ipv4_with_a_port_is_usable) {
  for (const char* good :
       {"tcp://10.0.0.1:49152", "tcp://127.0.0.1:1", "tcp://223.1.2.255:65535"}) {
    EXPECT_TRUE(is_usable_endpoint(good)) << good;
  }
  for (const char* bad :
       {"", "tcp://", "tcp://host:5", "tcp://10.0.0.1", "tcp://10.0.0.1:", "tcp://10.0.0.1:0",
        "tcp://10.0.0.1:65536", "tcp://10.0.0:5", "tcp://10.0.0.256:5", "tcp://0.0.0.0:5",
        "tcp://224.0.0.1:5", "tcp://255.255.255.255:5", "tcp://10.0.0.1:5x", "tcp://10.0.0.1:-5",
        "ipc://10.0.0.1:5", "tcp://10.0.0.1:5:6", "tcp://*:5", "tcp://+1.0.0.1:5"}) {
    EXPECT_FALSE(is_usable_endpoint(bad)) << bad;
  }
}

TEST(Endpoint, a_host_name_gives_way_to_the_address_that_its_host_was_heard_from) {
  EXPECT_EQ(with_address("tcp://host-7.lan:49152", "10.0.0.7"), "tcp://10.0.0.7:49152");
  for (const char* bad : {"", "tcp://", "tcp://host", "tcp://host:", "tcp://host:0", "ipc://host:5",
                          "tcp://10.0.0.1:5", "tcp://*:5", "tcp://host:5x"}) {
    EXPECT_EQ(with_address(bad, "10.0.0.7"), "") << bad;
  }
  EXPECT_EQ(with_address("tcp://host:5", ""), "");
}

}  // namespace
}  // namespace dockherd::bus
