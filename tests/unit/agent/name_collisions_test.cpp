// Names that containers of several hosts have: what counts, and when it is told.
#include "agent/name_collisions.hpp"

#include <gmock/gmock.h>

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const NodeId node_a({1});
const NodeId node_b({2});
const NodeId third({3});

std::string padded_id(std::string_view prefix) {
  return std::string(prefix) + std::string(64 - prefix.size(), '0');
}

/// Changes are told as "+web" and "-web".
class NameCollisionsTest : public testing::Test {
 protected:
  NameCollisionsTest() {
    directory.on_shared_name([this](const std::string& name) {
      ++touches;
      collisions.touch(name);
    });
  }
  std::vector<std::string> look(Duration at) {
    std::vector<std::string> changes;
    for (const CollisionChange& change : collisions.look(directory, TimePoint{} + at)) {
      changes.push_back((change.begins ? "+" : "-") + change.name);
    }
    return changes;
  }
  std::vector<std::string> ids(const std::string& name) const {
    std::vector<std::string> ids;
    const auto found = collisions.standing().find(name);
    if (found == collisions.standing().end()) return ids;
    for (const ContainerLocation& each : found->second.candidates) {
      ids.push_back(each.id.substr(0, 1));
    }
    return ids;
  }
  /// `web` is on two hosts, and this was told at 1 s.
  void collide() {
    directory.put(node_a, padded_id("a"), {"web"});
    directory.put(node_b, padded_id("b"), {"web"});
    look(0s);
    ASSERT_THAT(look(1s), ElementsAre("+web"));
  }

  ContainerDirectory directory{node_a};
  NameCollisions collisions{1s};
  int touches = 0;
};

TEST_F(NameCollisionsTest, a_name_on_two_hosts_is_told_once_when_it_has_lasted) {
  directory.put(node_a, padded_id("a"), {"web"});
  directory.put(node_b, padded_id("b"), {"web"});
  EXPECT_FALSE(collisions.settled());
  EXPECT_THAT(look(0s), IsEmpty());
  EXPECT_THAT(look(999ms), IsEmpty());
  EXPECT_THAT(ids("web"), IsEmpty());
  EXPECT_FALSE(collisions.settled());
  EXPECT_THAT(look(1s), ElementsAre("+web"));
  EXPECT_THAT(ids("web"), ElementsAre("a", "b"));
  EXPECT_TRUE(collisions.settled());
  EXPECT_THAT(look(9s), IsEmpty());
}

TEST_F(NameCollisionsTest, its_end_is_told_once_when_it_has_lasted) {
  collide();
  directory.remove(node_b, padded_id("b"));
  EXPECT_THAT(look(2s), IsEmpty());
  EXPECT_THAT(look(3s), ElementsAre("-web"));
  EXPECT_THAT(collisions.standing(), IsEmpty());
  EXPECT_TRUE(collisions.settled());
  EXPECT_THAT(look(9s), IsEmpty());
}

TEST_F(NameCollisionsTest, the_end_names_those_that_had_the_name) {
  collide();
  directory.remove_node(node_b);
  collisions.look(directory, TimePoint{} + 2s);
  const auto changes = collisions.look(directory, TimePoint{} + 3s);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].containers.candidates.size(), 2u);
}

TEST_F(NameCollisionsTest,
       a_container_made_there_before_its_removal_here_is_heard_of_is_no_collision) {
  directory.put(node_a, padded_id("a"), {"web"});
  directory.put(node_b, padded_id("b"), {"web"});
  look(0s);
  directory.remove(node_a, padded_id("a"));
  EXPECT_THAT(look(10ms), IsEmpty());
  EXPECT_TRUE(collisions.settled());
  EXPECT_THAT(look(5s), IsEmpty());
}

TEST_F(NameCollisionsTest, one_that_comes_back_begins_to_last_anew) {
  directory.put(node_a, padded_id("a"), {"web"});
  directory.put(node_b, padded_id("b"), {"web"});
  look(0s);
  directory.remove(node_a, padded_id("a"));
  look(500ms);
  directory.put(node_a, padded_id("a"), {"web"});
  look(900ms);
  EXPECT_THAT(look(1s), IsEmpty());
  EXPECT_THAT(look(1900ms), ElementsAre("+web"));
}

TEST_F(NameCollisionsTest, an_end_that_does_not_last_is_not_told) {
  collide();
  directory.remove(node_b, padded_id("b"));
  look(2s);
  directory.put(node_b, padded_id("c"), {"web"});
  EXPECT_THAT(look(2500ms), IsEmpty());
  EXPECT_THAT(look(9s), IsEmpty());
  EXPECT_THAT(ids("web"), ElementsAre("a", "c"));
}

TEST_F(NameCollisionsTest, a_third_host_and_a_removed_one_are_seen_without_being_told) {
  collide();
  directory.put(third, padded_id("c"), {"web"});
  EXPECT_THAT(look(2s), IsEmpty());
  EXPECT_THAT(ids("web"), ElementsAre("a", "b", "c"));
  directory.remove_node(node_a);
  EXPECT_THAT(look(9s), IsEmpty());
  EXPECT_THAT(ids("web"), ElementsAre("b", "c"));
}

TEST_F(NameCollisionsTest, a_renamed_container_ends_one_and_may_begin_another) {
  directory.put(third, padded_id("c"), {"db"});
  collide();
  directory.put(node_b, padded_id("b"), {"db"});
  look(2s);
  EXPECT_THAT(look(3s), ElementsAre("+db", "-web"));
  EXPECT_THAT(ids("db"), ElementsAre("b", "c"));
}

TEST_F(NameCollisionsTest, several_agents_beside_one_daemon_are_none) {
  directory.put(node_a, padded_id("a"), {"web"});
  directory.put(node_b, padded_id("a"), {"web"});
  look(0s);
  EXPECT_THAT(look(9s), IsEmpty());
}

TEST_F(NameCollisionsTest, two_containers_that_change_names_on_one_host_are_none) {
  directory.put(node_a, padded_id("a"), {"web"});
  directory.put(node_a, padded_id("b"), {"web"});
  look(0s);
  EXPECT_THAT(look(9s), IsEmpty());
}

TEST_F(NameCollisionsTest, what_only_one_container_is_called_is_never_looked_at) {
  for (int i = 100; i < 200; ++i) {
    directory.put(node_a, padded_id(std::to_string(i)), {"web-" + std::to_string(i)});
  }
  directory.remove(node_a, padded_id("100"));
  directory.remove_node(node_a);
  EXPECT_EQ(touches, 0);
  EXPECT_TRUE(collisions.settled());
}

TEST_F(NameCollisionsTest, all_nodes_name_the_same_sixteen_where_there_are_more) {
  ContainerDirectory other(third);
  for (int i = 10; i < 40; ++i) {
    const NodeId node({static_cast<std::uint8_t>(i)});
    directory.put(node, padded_id(std::to_string(i)), {"exporter"});
    const int j = 49 - i;
    other.put(NodeId({static_cast<std::uint8_t>(j)}), padded_id(std::to_string(j)), {"exporter"});
  }
  look(0s);
  ASSERT_THAT(look(1s), ElementsAre("+exporter"));
  const Resolution& seen = collisions.standing().at("exporter");
  const Resolution also = other.named("exporter");
  EXPECT_TRUE(seen.more && also.more);
  ASSERT_EQ(seen.candidates.size(), 16u);
  ASSERT_EQ(also.candidates.size(), 16u);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(seen.candidates[i].id, also.candidates[i].id);
}

}  // namespace
}  // namespace dockherd::agent
