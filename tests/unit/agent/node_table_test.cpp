#include "agent/node_table.hpp"

#include <gtest/gtest.h>

namespace dockherd::agent {
namespace {

const NodeId first({1});
const NodeId second({2});
const TimePoint start{};

NodeStatus status_of(const std::string& hostname) {
  NodeStatus status;
  status.hostname = hostname;
  status.daemon_up = true;
  return status;
}

TEST(NodeStatus, survives_the_wire) {
  NodeStatus status = status_of("h1");
  status.address = "10.0.0.1:8080";
  status.agents_address = "10.0.0.1:7400";
  status.in_pool = false;
  status.docker_version = "20.10.24";
  status.daemon_error = "no \"socket\"";
  const auto decoded = decode_status(encode_status(status));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, status);
}

TEST(NodeStatus, of_wrong_shape_is_refused) {
  EXPECT_FALSE(decode_status("[]"));
  EXPECT_FALSE(decode_status("{}"));
  EXPECT_FALSE(decode_status(R"({"hostname":7})"));
  EXPECT_FALSE(decode_status(R"({"hostname":"h","in_pool":"yes"})"));
}

TEST(NodeStatus, tells_one_state) {
  NodeStatus status = status_of("h1");
  EXPECT_EQ(status.state(), "in the pool");
  status.in_pool = false;
  EXPECT_EQ(status.state(), "out of the pool");
  status.daemon_up = false;
  EXPECT_EQ(status.state(), "daemon down");
}

TEST(NodeTable, a_node_lost_for_a_reason_is_remembered_until_its_host_returns) {
  NodeTable table;
  table.put(first, status_of("h1"));
  table.remove(first, "connection closed", start);
  ASSERT_EQ(table.lost(start).size(), 1u);
  EXPECT_EQ(table.lost(start)[0].hostname, "h1");
  EXPECT_EQ(table.lost(start)[0].reason, "connection closed");
  table.put(second, status_of("h1"));
  EXPECT_TRUE(table.lost(start).empty());
}

TEST(NodeTable, a_node_that_said_goodbye_is_not_lost) {
  NodeTable table;
  table.put(first, status_of("h1"));
  table.remove(first, std::nullopt, start);
  EXPECT_TRUE(table.lost(start).empty());
  EXPECT_TRUE(table.nodes().empty());
}

TEST(NodeTable, a_restarted_agent_whose_old_id_goes_later_is_not_lost) {
  NodeTable table;
  table.put(first, status_of("h1"));
  table.put(second, status_of("h1"));
  EXPECT_EQ(table.named("h1").size(), 2u);
  table.remove(first, "connection closed", start);
  EXPECT_TRUE(table.lost(start).empty());
}

TEST(NodeTable, the_lost_are_forgotten_after_an_hour_and_bounded) {
  NodeTable table;
  table.put(first, status_of("h1"));
  table.remove(first, "silence", start);
  EXPECT_EQ(table.lost(start + std::chrono::minutes(59)).size(), 1u);
  EXPECT_TRUE(table.lost(start + std::chrono::minutes(61)).empty());
  for (int i = 0; i < 1000; ++i) {
    table.put(second, status_of("x" + std::to_string(i)));
    table.remove(second, "silence", start + std::chrono::seconds(i));
  }
  EXPECT_LE(table.lost(start + std::chrono::seconds(1000)).size(), 256u);
}

}  // namespace
}  // namespace dockherd::agent
