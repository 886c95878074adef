#include "agent/container_directory.hpp"

#include <gtest/gtest.h>

namespace dockherd::agent {
namespace {

const NodeId here({1});
const NodeId there({2});

std::string id_of(std::string_view prefix) {
  return std::string(prefix) + std::string(64 - prefix.size(), '0');
}

class Directory : public testing::Test {
 protected:
  Directory() : directory(here) {
    directory.put(here, id_of("abc1"), {"web-1"});
    directory.put(there, id_of("abc2"), {"web-2"});
    directory.put(there, id_of("def"), {"cafe"});
  }
  ContainerDirectory directory;
};

TEST_F(Directory, a_full_id_leads_to_its_owner) {
  const Resolution found = directory.resolve(id_of("abc2"));
  ASSERT_TRUE(found.found());
  EXPECT_EQ(found.candidates[0].node, there);
}

TEST_F(Directory, the_sum_of_a_node_is_the_same_whatever_way_led_to_its_containers) {
  ContainerDirectory other(there);
  other.put(there, id_of("aaa"), {"gone"});
  other.put(there, id_of("def"), {"old"});
  EXPECT_NE(other.sum(there), directory.sum(there));
  other.put(there, id_of("abc2"), {"web-2"});
  other.put(there, id_of("def"), {"cafe"});
  other.remove(there, id_of("aaa"));
  EXPECT_EQ(other.sum(there), directory.sum(there));
  EXPECT_EQ(other.sum(here), 0U);
  EXPECT_NE(directory.sum(here), directory.sum(there));
  other.put(there, id_of("def"), {"cafe", "tea"});
  EXPECT_NE(other.sum(there), directory.sum(there));
}

TEST_F(Directory, a_name_leads_to_its_owner_with_or_without_slash) {
  EXPECT_EQ(directory.resolve("web-1").candidates.at(0).id, id_of("abc1"));
  EXPECT_EQ(directory.resolve("/web-1").candidates.at(0).id, id_of("abc1"));
}

TEST_F(Directory, a_unique_prefix_is_enough) {
  EXPECT_EQ(directory.resolve("de").candidates.at(0).id, id_of("def"));
}

TEST_F(Directory, an_ambiguous_prefix_lists_its_candidates) {
  const Resolution found = directory.resolve("abc");
  ASSERT_EQ(found.candidates.size(), 2u);
  EXPECT_EQ(found.candidates[0].id, id_of("abc1"));
  EXPECT_EQ(found.candidates[1].id, id_of("abc2"));
}

TEST_F(Directory, a_name_wins_over_an_id_prefix_of_the_same_letters) {
  directory.put(here, id_of("cafe"), {"other"});
  EXPECT_EQ(directory.resolve("cafe").candidates.at(0).id, id_of("def"));
}

TEST_F(Directory, the_same_name_on_two_nodes_is_ambiguous_until_the_node_is_named) {
  directory.put(here, id_of("123"), {"web-2"});
  EXPECT_EQ(directory.resolve("web-2").candidates.size(), 2u);
  ASSERT_TRUE(directory.resolve("web-2", there).found());
  EXPECT_EQ(directory.resolve("web-2", there).candidates[0].id, id_of("abc2"));
}

TEST_F(Directory, nothing_is_found_for_the_unknown_the_empty_and_the_slash) {
  EXPECT_TRUE(directory.resolve("nope").candidates.empty());
  EXPECT_TRUE(directory.resolve("").candidates.empty());
  EXPECT_TRUE(directory.resolve("/").candidates.empty());
  EXPECT_TRUE(directory.resolve("abc1", there).candidates.empty());
}

TEST_F(Directory, a_renamed_container_is_found_by_its_new_name_only) {
  directory.put(here, id_of("abc1"), {"renamed"});
  EXPECT_TRUE(directory.resolve("web-1").candidates.empty());
  EXPECT_TRUE(directory.resolve("renamed").found());
  EXPECT_EQ(directory.count(here), 1u);
}

TEST_F(Directory, a_removed_container_is_gone_by_id_and_name) {
  directory.remove(there, id_of("abc2"));
  directory.remove(there, id_of("abc2"));
  EXPECT_TRUE(directory.resolve("web-2").candidates.empty());
  EXPECT_EQ(directory.count(there), 1u);
}

TEST_F(Directory, a_removed_node_takes_its_containers_along_and_no_others) {
  directory.remove_node(there);
  EXPECT_EQ(directory.size(), 1u);
  EXPECT_EQ(directory.count(there), 0u);
  EXPECT_TRUE(directory.resolve("web-1").found());
  EXPECT_TRUE(directory.resolve("cafe").candidates.empty());
  directory.put(there, id_of("abc2"), {"web-2"});
  EXPECT_EQ(directory.count(there), 1u);
  EXPECT_TRUE(directory.resolve("web-2").found());
}

TEST_F(Directory, two_agents_beside_one_daemon_are_not_ambiguous_and_this_node_is_preferred) {
  directory.put(there, id_of("abc1"), {"web-1"});
  ASSERT_TRUE(directory.resolve("web-1").found());
  EXPECT_EQ(directory.resolve("web-1").candidates[0].node, here);
  EXPECT_EQ(directory.owners().at(id_of("abc1")), here);
  ASSERT_TRUE(directory.resolve("abc1").found());
}

TEST_F(Directory, candidates_are_bounded) {
  for (int i = 100; i < 116; ++i) directory.put(here, id_of("e" + std::to_string(i)), {"twin"});
  for (const std::string reference : {"e", "twin"}) {
    EXPECT_EQ(directory.resolve(reference).candidates.size(), 16u);
    EXPECT_FALSE(directory.resolve(reference).more);
  }
  directory.put(there, id_of("e117"), {"twin"});
  for (const std::string reference : {"e", "twin"}) {
    EXPECT_EQ(directory.resolve(reference).candidates.size(), 16u);
    EXPECT_TRUE(directory.resolve(reference).more);
  }
}

}  // namespace
}  // namespace dockherd::agent
