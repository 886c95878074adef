#include "engine_api/event_merge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/json_reader.hpp"
#include "engine_api/network_id.hpp"
#include "tests/unit/engine_api/answers.hpp"

namespace dockherd::engine_api {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

NodeView h1_of_events() {
  NodeView node;
  node.id = "N1";
  node.name = "h1";
  node.ip = "10.0.0.11";
  node.address = "10.0.0.11:8080";
  return node;
}

// As dockerd 20.10 tells it, shortened.
constexpr std::string_view start =
    R"({"status":"start","id":"69","from":"busybox","Type":"container","Action":"start",)"
    R"("Actor":{"ID":"69","Attributes":{"image":"busybox","name":"db"}},"scope":"local",)"
    R"("time":1795548145,"timeNano":1795548145813090565})";

TEST(HerdEvent, names_the_node_in_its_attributes_and_beside_the_actor) {
  json expected = parsed(start);
  expected["Actor"]["Attributes"]["node.name"] = "h1";
  expected["Actor"]["Attributes"]["node.id"] = "N1";
  expected["Actor"]["Attributes"]["node.ip"] = "10.0.0.11";
  expected["Actor"]["Attributes"]["node.addr"] = "10.0.0.11:8080";
  expected["node"] = {
      {"Name", "h1"}, {"Id", "N1"}, {"Ip", "10.0.0.11"}, {"Addr", "10.0.0.11:8080"}};
  const std::string told = herd_event(start, h1_of_events());
  EXPECT_EQ(parsed(told), expected);
  EXPECT_EQ(parsed(told)["timeNano"], 1795548145813090565);
  EXPECT_TRUE(told.starts_with(R"({"status":"start","id":"69","from":"busybox")"));
}

TEST(HerdEvent, of_a_network_has_the_herds_id) {
  const json event = parsed(herd_event(
      R"({"Type":"network","Action":"create","Actor":{"ID":"a38f","Attributes":{"name":"app"}}})",
      h1_of_events()));
  EXPECT_EQ(event["Actor"]["ID"], herd_network_id("app"));
}

TEST(HerdEvent, replaces_what_a_container_claims_itself) {
  const json told = parsed(herd_event(
      R"({"Actor":{"Attributes":{"node.name":"x"}},"node":{"Name":"x"}})", h1_of_events()));
  EXPECT_EQ(told["Actor"]["Attributes"]["node.name"], "h1");
  EXPECT_EQ(told["node"]["Name"], "h1");
}

TEST(HerdEvent, of_an_old_daemon_gains_an_actor) {
  for (const char* line : {R"({"status":"start"})", R"({"Actor":null})",
                           R"({"Actor":{"Attributes":null}})", R"({"Actor":7})"}) {
    EXPECT_EQ(parsed(herd_event(line, h1_of_events()))["Actor"]["Attributes"]["node.id"], "N1")
        << line;
  }
}

TEST(HerdEvent, that_is_no_object_is_empty) {
  for (const char* line : {"", "what", "[]", "{\"a\":what}", "{"}) {
    EXPECT_EQ(herd_event(line, h1_of_events()), "") << line;
  }
}

TEST(NodeEvent, has_the_form_of_dockers) {
  const json expected = {
      {"Type", "node"},
      {"Action", "lost"},
      {"Actor",
       {{"ID", "N1"},
        {"Attributes",
         {{"name", "h1"},
          {"node.name", "h1"},
          {"node.id", "N1"},
          {"node.ip", "10.0.0.11"},
          {"node.addr", "10.0.0.11:8080"}}}}},
      {"scope", "swarm"},
      {"time", 1795548145},
      {"timeNano", 1795548145813090565},
      {"node", {{"Name", "h1"}, {"Id", "N1"}, {"Ip", "10.0.0.11"}, {"Addr", "10.0.0.11:8080"}}}};
  EXPECT_EQ(parsed(node_event("lost", h1_of_events(), 1795548145813090565)), expected);
}

TEST(CollisionEvent, is_that_of_a_container_with_its_host_and_the_others) {
  const json expected = {
      {"status", "name-collision"},
      {"id", "4f5e"},
      {"from", ""},
      {"Type", "container"},
      {"Action", "name-collision"},
      {"Actor",
       {{"ID", "4f5e"},
        {"Attributes",
         {{"name", "web"},
          {"others", "h2/web"},
          {"node.name", "h1"},
          {"node.id", "N1"},
          {"node.ip", "10.0.0.11"},
          {"node.addr", "10.0.0.11:8080"}}}}},
      {"scope", "swarm"},
      {"time", 1795548145},
      {"timeNano", 1795548145813090565},
      {"node", {{"Name", "h1"}, {"Id", "N1"}, {"Ip", "10.0.0.11"}, {"Addr", "10.0.0.11:8080"}}}};
  EXPECT_EQ(parsed(collision_event("name-collision", h1_of_events(), "4f5e", "web", "h2/web",
                                   1795548145813090565)),
            expected);
}

constexpr milliseconds hold{50};

/// Events are named after their host and time: "a7" is what host a told of time 7.
class EventMergeTest : public testing::Test {
 protected:
  void tell(const std::string& event, int at_ms) {
    EXPECT_TRUE(merge.push(event.substr(0, 1), line(event), at(at_ms)));
  }
  std::vector<std::string> ready(int at_ms) {
    std::vector<std::string> names;
    for (const std::string& text : merge.pop_ready(at(at_ms))) names.push_back(parsed(text)["id"]);
    return names;
  }
  void open(std::initializer_list<const char*> hosts) {
    for (const char* host : hosts) merge.open(host);
  }
  static TimePoint at(int ms) { return TimePoint() + milliseconds(ms); }
  static std::string line(const std::string& event) {
    return R"({"id":")" + event + R"(","timeNano":)" + event.substr(1) + "}";
  }

  EventMerge merge{hold};
};

TEST_F(EventMergeTest, gives_the_events_of_a_single_host_at_once) {
  open({"a"});
  tell("a1", 0);
  tell("a2", 0);
  EXPECT_THAT(ready(0), ElementsAre("a1", "a2"));
  EXPECT_THAT(ready(0), IsEmpty());
  EXPECT_EQ(merge.held(), 0);
}

TEST_F(EventMergeTest, gives_an_event_when_every_host_has_told_something_as_new) {
  open({"a", "b", "c"});
  tell("a5", 0);
  tell("b7", 1);
  EXPECT_THAT(ready(1), IsEmpty());
  tell("c3", 2);
  EXPECT_THAT(ready(2), ElementsAre("c3"));
  tell("c6", 3);
  EXPECT_THAT(ready(3), ElementsAre("a5"));
  tell("a9", 4);
  EXPECT_THAT(ready(4), ElementsAre("c6"));
  EXPECT_EQ(merge.held(), 2);
}

TEST_F(EventMergeTest, holds_an_event_back_for_a_silent_host_but_not_for_long) {
  open({"a", "b"});
  tell("a5", 0);
  EXPECT_THAT(ready(49), IsEmpty());
  EXPECT_THAT(ready(50), ElementsAre("a5"));
}

TEST_F(EventMergeTest, gives_whatever_is_older_with_one_that_was_held_long_enough) {
  open({"a", "b", "c"});
  tell("a9", 0);
  tell("b4", 30);
  tell("b12", 30);
  EXPECT_THAT(ready(50), ElementsAre("b4", "a9"));
  EXPECT_THAT(ready(79), IsEmpty());
  EXPECT_THAT(ready(80), ElementsAre("b12"));
}

TEST_F(EventMergeTest, does_not_let_a_host_whose_clock_is_fast_wait_for_the_others) {
  open({"a", "b"});
  tell("b1", 0);
  tell("a900", 0);
  EXPECT_THAT(ready(0), ElementsAre("b1"));
  tell("b2", 40);
  EXPECT_THAT(ready(40), ElementsAre("b2"));
  EXPECT_THAT(ready(50), ElementsAre("a900"));
}

TEST_F(EventMergeTest, tells_late_what_comes_late) {
  open({"a", "b"});
  tell("a5", 0);
  EXPECT_THAT(ready(50), ElementsAre("a5"));
  tell("b3", 60);
  EXPECT_THAT(ready(60), ElementsAre("b3"));
}

TEST_F(EventMergeTest, waits_for_no_host_that_is_closed_and_keeps_what_it_told) {
  open({"a", "b"});
  tell("a5", 0);
  tell("b9", 0);
  EXPECT_THAT(ready(0), ElementsAre("a5"));
  merge.close("a");
  EXPECT_THAT(ready(0), ElementsAre("b9"));
  tell("b12", 1);
  merge.close("b");
  EXPECT_THAT(ready(1), ElementsAre("b12"));
}

TEST_F(EventMergeTest, waits_for_a_host_that_opens_later_or_again) {
  open({"a"});
  tell("a5", 0);
  open({"b"});
  EXPECT_THAT(ready(0), IsEmpty());
  tell("b6", 1);
  EXPECT_THAT(ready(1), ElementsAre("a5"));
  open({"a"});
  tell("b7", 2);
  EXPECT_THAT(ready(2), IsEmpty());
  tell("a8", 3);
  EXPECT_THAT(ready(3), ElementsAre("b6", "b7"));
}

TEST_F(EventMergeTest, keeps_the_order_of_arrival_at_the_same_time) {
  open({"b", "a"});
  tell("b5", 0);
  tell("a5", 0);
  tell("b5", 0);
  EXPECT_THAT(ready(0), ElementsAre("b5", "a5", "b5"));
}

TEST_F(EventMergeTest, orders_what_one_host_tells_out_of_order) {
  open({"a", "b"});
  tell("a5", 0);
  tell("a4", 0);
  tell("b5", 0);
  EXPECT_THAT(ready(0), ElementsAre("a4", "a5", "b5"));
}

TEST_F(EventMergeTest, says_when_it_is_due_next) {
  open({"a", "b"});
  EXPECT_EQ(merge.next_due(), std::nullopt);
  tell("a9", 10);
  tell("a5", 20);
  EXPECT_EQ(merge.next_due(), at(60));
  EXPECT_THAT(ready(60), ElementsAre("a5", "a9"));
  EXPECT_EQ(merge.next_due(), std::nullopt);
}

TEST_F(EventMergeTest, takes_seconds_and_lines_without_a_time) {
  open({"a"});
  EXPECT_TRUE(merge.push("a", R"({"id":"x","time":2})", at(0)));
  EXPECT_TRUE(merge.push("a", R"({"id":"y"})", at(0)));
  EXPECT_TRUE(merge.push("a", R"({"id":"z","time":9223372036854775807})", at(0)));
  tell("a1999999999", 0);
  EXPECT_THAT(ready(0), ElementsAre("a1999999999", "x", "y", "z"));
}

TEST_F(EventMergeTest, takes_lines_that_are_none_and_of_hosts_that_are_not_open) {
  open({"a"});
  EXPECT_TRUE(merge.push("b", "what", at(0)));
  EXPECT_TRUE(merge.push("a", "", at(0)));
  EXPECT_THAT(merge.pop_ready(at(0)), ElementsAre("what", ""));
}

TEST_F(EventMergeTest, holds_a_bounded_number_of_events) {
  open({"a", "b"});
  for (std::size_t i = 0; i < EventMerge::most_events; ++i) tell("a" + std::to_string(i), 0);
  EXPECT_FALSE(merge.push("a", line("a1"), at(0)));
  EXPECT_EQ(merge.held(), EventMerge::most_events);
  EXPECT_EQ(ready(0).size(), EventMerge::most_events);
  tell("a1", 0);
  EXPECT_EQ(merge.held(), 1);
}

TEST_F(EventMergeTest, holds_a_bounded_number_of_bytes) {
  open({"a", "b"});
  const std::string large(EventMerge::most_bytes, 'x');
  EXPECT_TRUE(merge.push("a", large, at(0)));
  EXPECT_FALSE(merge.push("a", "x", at(0)));
  EXPECT_EQ(merge.pop_ready(at(0)).size(), 1);
  EXPECT_TRUE(merge.push("a", "x", at(0)));
}

}  // namespace
}  // namespace dockherd::engine_api
