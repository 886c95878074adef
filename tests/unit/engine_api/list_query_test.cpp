#include "engine_api/list_query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Of a herd of h1, h2 and h3.
ListQuery query_with(const std::string& filters) {
  auto query = read_list_query({{"filters", filters}}, [](const std::string& name) {
    return name == "h1" || name == "h2" || name == "h3";
  });
  EXPECT_TRUE(query) << filters;
  return query ? *query : ListQuery();
}

NodeView node(const std::string& name) {
  NodeView view;
  view.id = "id-of-" + name;
  view.name = name;
  return view;
}

std::vector<std::string> asked(const ListQuery& query) {
  std::vector<std::string> names;
  for (const char* name : {"h1", "h2", "h3"}) {
    if (query.nodes.wants(node(name))) names.emplace_back(name);
  }
  return names;
}

std::string filters_for(const ListQuery& query, const std::string& name) {
  return query_value(query.for_node(node(name)), "filters").value_or("");
}

TEST(ListQuery, asks_the_nodes_that_are_named) {
  EXPECT_THAT(asked(query_with("")), ElementsAre("h1", "h2", "h3"));
  EXPECT_THAT(asked(query_with(R"({"node":["h1","id-of-h3"]})")), ElementsAre("h1", "h3"));
  EXPECT_TRUE(query_with(R"({"node":["h1"]})").is_plain());
}

TEST(ListQuery, takes_the_label_that_lists_show_for_the_node) {
  const ListQuery one = query_with(R"({"label":["dockherd.node=h2"]})");
  EXPECT_THAT(asked(one), ElementsAre("h2"));
  EXPECT_TRUE(one.is_plain());
  const ListQuery beside = query_with(R"({"label":{"dockherd.node=h2":true,"a":true}})");
  EXPECT_EQ(filters_for(beside, "h2"), R"({"label":{"a":true}})");
  EXPECT_THAT(asked(query_with(R"({"label":["dockherd.node=h1","dockherd.node=h2"]})")), IsEmpty())
      << "labels are all asked for";
  EXPECT_THAT(asked(query_with(R"({"label":["dockherd.node=h1"],"node":["h2"]})")), IsEmpty());
  const ListQuery any = query_with(R"({"label":["dockherd.node"]})");
  EXPECT_THAT(asked(any), ElementsAre("h1", "h2", "h3"));
  EXPECT_TRUE(any.is_plain());
  EXPECT_EQ(filters_for(query_with(R"({"label":["dockherd.nodes=h1"]})"), "h1"),
            R"({"label":{"dockherd.nodes=h1":true}})");
}

TEST(ListQuery, takes_a_name_that_lists_show_for_the_node_and_the_begin_of_the_name) {
  for (const char* shown : {"h2/web$", "/h2/web$", "^/h2/web$", "^h2/web$"}) {
    const ListQuery query = query_with(R"({"name":[")" + std::string(shown) + R"("]})");
    EXPECT_THAT(asked(query), ElementsAre("h2")) << shown;
    EXPECT_EQ(filters_for(query, "h2"), R"({"name":{"^/web$":true}})") << shown;
    EXPECT_FALSE(query.is_plain()) << shown;
  }
}

TEST(ListQuery, asks_each_node_for_its_own_of_several_names) {
  const ListQuery placed = query_with(R"({"name":["h1/a","h2/b","h2/c"]})");
  EXPECT_THAT(asked(placed), ElementsAre("h1", "h2"));
  EXPECT_EQ(filters_for(placed, "h1"), R"({"name":{"^/a":true}})");
  EXPECT_EQ(filters_for(placed, "h2"), R"({"name":{"^/b":true,"^/c":true}})");
  const ListQuery mixed = query_with(R"({"name":["h1/a","b"],"status":["running"]})");
  EXPECT_THAT(asked(mixed), ElementsAre("h1", "h2", "h3"));
  EXPECT_EQ(filters_for(mixed, "h1"),
            R"({"name":{"^/a":true,"b":true},"status":{"running":true}})");
  EXPECT_EQ(filters_for(mixed, "h3"), R"({"name":{"b":true},"status":{"running":true}})");
}

TEST(ListQuery, leaves_names_alone_that_begin_with_no_node) {
  for (const char* name : {"web/db", "^/web$", "/web", "h9/web", "h2", "h[12]/web", ""}) {
    const ListQuery query = query_with(R"({"name":[")" + std::string(name) + R"("]})");
    EXPECT_THAT(asked(query), ElementsAre("h1", "h2", "h3")) << name;
    EXPECT_EQ(filters_for(query, "h2"), R"({"name":{")" + std::string(name) + R"(":true}})");
  }
}

}  // namespace
}  // namespace dockherd::engine_api
