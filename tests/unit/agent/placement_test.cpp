#include "agent/placement.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace dockherd::agent {
namespace {

NodeId node(std::uint8_t number) {
  return NodeId({number});
}

std::pair<std::size_t, std::size_t> least_and_most(const Loads& loads) {
  const auto [least, most] = std::minmax_element(
      loads.begin(), loads.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return {least->second, most->second};
}

TEST(Placement, nodes_count_what_they_have_and_only_those_in_the_pool_count) {
  NodeTable nodes;
  ContainerDirectory directory(node(1));
  NodeStatus status;
  status.daemon_up = true;
  for (std::uint8_t number = 1; number <= 4; ++number) {
    status.hostname = "host" + std::to_string(number);
    nodes.put(node(number), status);
  }
  nodes.find(node(3))->in_pool = false;
  nodes.find(node(4))->daemon_up = false;
  directory.put(node(1), std::string(64, 'a'), {"a"});
  directory.put(node(1), std::string(64, 'b'), {"b"});
  directory.put(node(3), std::string(64, 'c'), {"c"});
  const Loads expected{{node(1), 2}, {node(2), 0}};
  EXPECT_EQ(loads_in_pool(nodes, directory), expected);
}

TEST(Placement, every_node_gets_the_floor_and_the_remainder_goes_to_the_least_loaded) {
  std::mt19937_64 random(1);
  const Loads loads{{node(1), 9}, {node(2), 3}, {node(3), 7}};
  const auto shares = spread(8, loads, random);
  EXPECT_EQ(shares.at(node(1)).base + shares.at(node(1)).extra, 2u);
  EXPECT_EQ(shares.at(node(2)).base + shares.at(node(2)).extra, 3u);
  EXPECT_EQ(shares.at(node(3)).base + shares.at(node(3)).extra, 3u);
}

TEST(Placement, any_sequence_of_bulks_keeps_counts_within_one) {
  std::mt19937_64 random(7);
  for (std::uint8_t nodes = 1; nodes <= 9; ++nodes) {
    Loads loads;
    for (std::uint8_t i = 1; i <= nodes; ++i) loads[node(i)] = 0;
    for (int bulk = 0; bulk < 200; ++bulk) {
      const auto instances = static_cast<std::uint32_t>(random() % 20 + 1);
      std::uint32_t placed = 0;
      for (const auto& [id, share] : spread(instances, loads, random)) {
        EXPECT_GE(share.base, instances / nodes);
        EXPECT_LE(share.base + share.extra, (instances + nodes - 1) / nodes);
        loads[id] += share.base + share.extra;
        placed += share.base + share.extra;
      }
      EXPECT_EQ(placed, instances);
      const auto [least, most] = least_and_most(loads);
      ASSERT_LE(most - least, 1u) << "bulk " << bulk << " over " << int{nodes} << " nodes";
    }
  }
}

TEST(Placement, ties_go_to_different_nodes_in_different_draws) {
  std::mt19937_64 random(3);
  const Loads loads{{node(1), 5}, {node(2), 5}, {node(3), 5}};
  std::set<NodeId> chosen;
  for (int i = 0; i < 100; ++i) chosen.insert(*next_of_remainder(loads, {}, {}, random));
  EXPECT_EQ(chosen.size(), 3u);
}

TEST(Placement, excluded_nodes_are_not_chosen_and_nothing_is_left_when_all_are) {
  std::mt19937_64 random(3);
  const Loads loads{{node(1), 5}, {node(2), 9}};
  EXPECT_EQ(next_of_remainder(loads, {}, {node(1)}, random), node(2));
  EXPECT_EQ(next_of_remainder(loads, {}, {node(1), node(2)}, random), std::nullopt);
  EXPECT_TRUE(spread(3, {}, random).empty());
}

TEST(Placement, nobody_gets_a_second_of_the_remainder_before_everybody_has_a_first) {
  std::mt19937_64 random(3);
  const Loads loads{{node(1), 1}, {node(2), 9}, {node(3), 8}};
  EXPECT_EQ(next_of_remainder(loads, {{node(1), 1}}, {}, random), node(3));
  EXPECT_EQ(next_of_remainder(loads, {{node(1), 1}, {node(3), 1}}, {}, random), node(2));
  EXPECT_EQ(next_of_remainder(loads, {{node(1), 1}, {node(2), 1}, {node(3), 1}}, {}, random),
            node(1));
}

}  // namespace
}  // namespace dockherd::agent
