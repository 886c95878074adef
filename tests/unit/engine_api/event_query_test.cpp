#include "engine_api/event_query.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace dockherd::engine_api {
namespace {

EventQuery query_of(const std::string& text) {
  return EventQuery(parse_query(text));
}

NodeView node() {
  NodeView view;
  view.id = "n1";
  view.name = "h1";
  return view;
}

TEST(EventTime, is_seconds_with_up_to_nine_decimals) {
  EXPECT_EQ(read_event_time("1700000000"), 1'700'000'000'000'000'000);
  EXPECT_EQ(read_event_time("1700000000.5"), 1'700'000'000'500'000'000);
  EXPECT_EQ(read_event_time("1.000000001"), 1'000'000'001);
  for (const char* text : {"", "x", "-1", "1.", "1.0000000001", "1.-1", "99999999999", "1e3"}) {
    EXPECT_FALSE(read_event_time(text)) << text;
  }
  EXPECT_EQ(event_time_text(1'000'000'001), "1.000000001");
  EXPECT_EQ(event_time_text(1'700'000'000'500'000'000), "1700000000.500000000");
}

TEST(EventTime, of_a_clock_that_is_wrong_is_still_one_that_a_daemon_takes) {
  EXPECT_EQ(event_time_text(-1), "0.000000000");
  EXPECT_EQ(event_time_text(-123'456'789), "0.000000000");
  EXPECT_EQ(event_time_text(std::numeric_limits<std::int64_t>::min()), "0.000000000");
  EXPECT_EQ(moment_after(-5), -4);
  EXPECT_EQ(moment_after(std::numeric_limits<std::int64_t>::max()),
            std::numeric_limits<std::int64_t>::max());
}

TEST(EventQuery, passes_on_what_the_client_asked_for) {
  const std::string text = "since=1&until=2.5&filters=%7B%22type%22%3A%5B%22image%22%5D%7D";
  EXPECT_EQ(format_query(query_of(text).for_daemon(node(), std::nullopt)), text);
  EXPECT_EQ(query_of(text).until(), 2'500'000'000);
  EXPECT_EQ(format_query(query_of("filters=nonsense").for_daemon(node(), std::nullopt)),
            "filters=nonsense");
}

TEST(EventQuery, goes_on_where_a_stream_broke_off) {
  EXPECT_EQ(format_query(query_of("since=1&until=9").for_daemon(node(), 5'000'000'007)),
            "until=9&since=5.000000007");
}

TEST(EventQuery, keeps_the_filter_of_nodes_for_itself) {
  const EventQuery query =
      query_of("filters={%22node%22:[%22h1%22],%22type%22:{%22image%22:true}}");
  EXPECT_EQ(*query_value(query.for_daemon(node(), std::nullopt), "filters"),
            R"({"type":{"image":true}})");
  EXPECT_TRUE(query.wants_node(node()));
  NodeView other = node();
  other.name = "h2";
  EXPECT_FALSE(query.wants_node(other));
  EXPECT_TRUE(query_of("").wants_node(other));
}

TEST(EventQuery, takes_containers_by_the_names_that_lists_show) {
  const EventQuery query =
      query_of("filters={%22container%22:[%22h1/web%22,%22/h2/db%22,%22h9/web%22]}");
  EXPECT_EQ(*query_value(query.for_daemon(node(), std::nullopt), "filters"),
            R"({"container":{"web":true}})");
  NodeView other = node();
  other.name = "h2";
  EXPECT_EQ(*query_value(query.for_daemon(other, 1), "filters"), R"({"container":{"db":true}})");
  EXPECT_TRUE(query.wants_node(other));
  EXPECT_FALSE(query.wants_node_event("join", other)) << "a host is no container";
  other.name = "h3";
  EXPECT_FALSE(query.wants_node(other));
  EXPECT_TRUE(query_of("filters={%22container%22:[%22h1/web%22,%22db%22]}").wants_node(other));
}

TEST(EventQuery, takes_the_label_of_a_node_as_the_filter) {
  const EventQuery query = query_of("filters={%22label%22:[%22dockherd.node=h1%22,%22a=b%22]}");
  EXPECT_EQ(*query_value(query.for_daemon(node(), std::nullopt), "filters"),
            R"({"label":{"a=b":true}})");
  NodeView other = node();
  EXPECT_TRUE(query.wants_node(other));
  other.name = "h2";
  EXPECT_FALSE(query.wants_node(other));
}

TEST(EventQuery, wants_events_of_nodes_unless_a_filter_leaves_them_out) {
  const auto wants = [](const std::string& filters) {
    return query_of("filters=" + filters).wants_node_event("join", node());
  };
  EXPECT_TRUE(wants(""));
  EXPECT_TRUE(wants(R"({"type":["node"]})"));
  EXPECT_TRUE(wants(R"({"type":["node","container"],"event":["join"]})"));
  EXPECT_TRUE(wants(R"({"node":["h1"]})"));
  EXPECT_FALSE(wants(R"({"type":["container"]})"));
  EXPECT_FALSE(wants(R"({"event":["start"]})"));
  EXPECT_FALSE(wants(R"({"node":["h2"]})"));
  EXPECT_FALSE(wants(R"({"container":["web"]})"));
  EXPECT_FALSE(wants(R"({"scope":["local"]})"));
}

TEST(EventQuery, wants_events_of_names_on_several_hosts_unless_a_filter_leaves_them_out) {
  const auto wants = [](const std::string& filters) {
    return query_of("filters=" + filters)
        .wants_collision_event("name-collision", node(), "4f5e0a", "web");
  };
  EXPECT_TRUE(wants(""));
  EXPECT_TRUE(wants(R"({"type":["container"],"event":["name-collision"]})"));
  EXPECT_TRUE(wants(R"({"node":["h1"]})"));
  EXPECT_TRUE(wants(R"({"container":["web"]})"));
  EXPECT_TRUE(wants(R"({"container":["4f5e"]})"));
  EXPECT_TRUE(wants(R"({"container":["h1/web"]})"));
  EXPECT_TRUE(wants(R"({"container":["h2/db","web"]})"));
  EXPECT_FALSE(wants(R"({"container":["h2/web"]})"));
  EXPECT_FALSE(wants(R"({"container":["h1/db"]})"));
  EXPECT_FALSE(wants(R"({"container":["db"]})"));
  EXPECT_FALSE(wants(R"({"type":["node"]})"));
  EXPECT_FALSE(wants(R"({"event":["start"]})"));
  EXPECT_FALSE(wants(R"({"node":["h2"]})"));
  EXPECT_FALSE(wants(R"({"scope":["local"]})"));
  EXPECT_FALSE(wants(R"({"label":["dockherd.owner=anna"]})")) << "an operator sees what is his";
}

}  // namespace
}  // namespace dockherd::engine_api
