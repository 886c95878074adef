#include "agent/container_table.hpp"

#include <gtest/gtest.h>

namespace dockherd::agent {
namespace {

ContainerSummary summary_of(const std::string& id, const std::string& name,
                            std::int64_t created = 0, const std::string& status = "Created") {
  ContainerSummary summary;
  summary.id = id;
  summary.names = {name};
  summary.created = created;
  summary.raw = R"({"Id":")" + id + R"(","Status":")" + status + R"("})";
  return summary;
}

TEST(ContainerTable, only_what_is_new_renamed_or_gone_is_a_change) {
  ContainerTable table;
  EXPECT_EQ(table.put(summary_of("a", "one")).put.size(), 1u);
  EXPECT_TRUE(table.put(summary_of("a", "one", 0, "Up 1 minute")).empty());
  EXPECT_EQ(table.put(summary_of("a", "two")).put.size(), 1u);
  EXPECT_EQ(table.remove("a").removed.size(), 1u);
  EXPECT_TRUE(table.remove("a").empty());
}

TEST(ContainerTable, an_adopted_container_is_known_before_it_is_listed) {
  ContainerTable table;
  EXPECT_EQ(table.adopt("a", {"one"}).put.size(), 1u);
  EXPECT_TRUE(table.adopt("a", {}).empty());
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.list_text("h1"), "[]");
  EXPECT_TRUE(table.put(summary_of("a", "one")).empty());
  EXPECT_NE(table.list_text("h1"), "[]");
}

TEST(ContainerTable, a_whole_list_replaces_everything) {
  ContainerTable table;
  table.put(summary_of("a", "one"));
  table.put(summary_of("b", "two"));
  std::vector<ContainerSummary> all{summary_of("b", "two"), summary_of("c", "three")};
  const TableChanges changes = table.replace_all(std::move(all));
  EXPECT_EQ(changes.removed, std::vector<std::string>{"a"});
  ASSERT_EQ(changes.put.size(), 1u);
  EXPECT_EQ(changes.put[0].first, "c");
  EXPECT_EQ(table.size(), 2u);
}

TEST(ContainerTable, a_whole_list_leaves_alone_what_changed_while_it_was_made) {
  ContainerTable table;
  table.adopt("made meanwhile", {"one"});
  std::vector<ContainerSummary> all{summary_of("removed meanwhile", "two")};
  const TableChanges changes =
      table.replace_all(std::move(all), {"made meanwhile", "removed meanwhile"});
  EXPECT_TRUE(changes.empty());
  EXPECT_EQ(table.size(), 1u);
}

TEST(ContainerTable, the_list_is_newest_first_and_each_entry_names_the_host) {
  ContainerTable table;
  table.put(summary_of("a", "one", 10));
  table.put(summary_of("b", "two", 30));
  table.put(summary_of("c", "three", 20));
  const std::string& text = table.list_text("h1");
  EXPECT_LT(text.find("\"b\""), text.find("\"c\""));
  EXPECT_LT(text.find("\"c\""), text.find("\"a\""));
  EXPECT_EQ(text.find(R"([{"dockerInstance":"h1","Id":"b")"), 0u);
}

TEST(ContainerTable, the_list_changes_with_the_table) {
  ContainerTable table;
  table.put(summary_of("a", "one"));
  EXPECT_NE(table.list_text("h1").find("Created"), std::string::npos);
  table.put(summary_of("a", "one", 0, "Up 2 hours"));
  EXPECT_NE(table.list_text("h1").find("Up 2 hours"), std::string::npos);
  table.remove("a");
  EXPECT_EQ(table.list_text("h1"), "[]");
}

TEST(ContainerTable, a_status_in_seconds_is_noticed_while_it_is_there) {
  ContainerTable table;
  table.put(summary_of("a", "one", 0, "Up 3 seconds"));
  EXPECT_TRUE(table.counts_seconds());
  table.put(summary_of("a", "one", 0, "Up 2 minutes"));
  EXPECT_FALSE(table.counts_seconds());
  table.put(summary_of("b", "second", 0, "Created"));
  EXPECT_FALSE(table.counts_seconds());
  table.put(summary_of("b", "x", 0, "Exited (0) 1 second ago"));
  table.remove("b");
  EXPECT_FALSE(table.counts_seconds());
}

}  // namespace
}  // namespace dockherd::agent
