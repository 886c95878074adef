#include <gmock/gmock.h>

#include <sstream>

#include "tests/unit/engine_api/herd_on_loopback.hpp"

namespace dockherd::engine_api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class EventsOfTheHerd : public HerdOnLoopback {
 protected:
  /// Every host has a stream open.
  asio::awaitable<void> all_listened_to(std::string names) {
    std::istringstream list(names);
    std::string name;
    while (list >> name) {
      const bool open = co_await eventually([this, &name] { return host(name).streams() > 0; });
      EXPECT_TRUE(open) << name;
    }
  }
};

std::string event(const std::string& action, std::int64_t time_nano) {
  return R"({"Type":"container","Action":")" + action +
         R"(","Actor":{"ID":"c","Attributes":{"name":"web"}},"time":)" +
         std::to_string(time_nano / 1'000'000'000) + R"(,"timeNano":)" + std::to_string(time_nano) +
         "}";
}

std::string action_in(const std::string& line) {
  const json value = parsed(line);
  return value.is_object() ? value.value("Action", "") : "no event";
}

asio::awaitable<void> expect_action(EventsClient& client, std::string action) {
  const std::string line = co_await client.line();
  EXPECT_EQ(action_in(line), action) << line;
}

asio::awaitable<void> expect_open(EventsClient& client, std::string query, int expected) {
  const int status = co_await client.open(query);
  EXPECT_EQ(status, expected);
}

TEST_F(EventsOfTheHerd, carry_the_node_and_what_docker_said) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    auto client = events_client();
    co_await expect_open(*client, "", 200);  // before anything has happened
    co_await all_listened_to("h1 h2");
    EXPECT_EQ(host("h2").seen.back().node, "id-of-h2");
    host("h2").tell(event("start", 7));
    const std::string told_line = co_await client->line();
    const json told = parsed(told_line);
    EXPECT_EQ(told["Action"], "start");
    EXPECT_EQ(told["timeNano"], 7);
    EXPECT_EQ(told["Actor"]["Attributes"]["name"], "web");
    EXPECT_EQ(told["Actor"]["Attributes"]["node.name"], "h2");
    EXPECT_EQ(told["node"]["Name"], "h2");
  });
}

TEST_F(EventsOfTheHerd, that_are_past_come_in_order_and_the_answer_ends) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    host("h1").history = {event("a", 10), event("d", 40)};
    host("h2").history = {event("b", 20), event("c", 30)};
    for (const char* name : {"h1", "h2", "h3"}) host(name).history_only = true;
    auto client = events_client();
    co_await expect_open(*client, "since=0&until=1", 200);
    std::string actions;
    for (std::string line = co_await client->line(); !line.empty();
         line = co_await client->line()) {
      actions += action_in(line);
    }
    EXPECT_EQ(actions, "abcd");
    EXPECT_TRUE(client->complete());
    EXPECT_TRUE(host("h3").has_seen("GET /events?since=0&until=1"));
  });
}

TEST_F(EventsOfTheHerd, of_a_host_that_is_down_are_missing_and_the_rest_ends) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").history = {event("a", 10)};
    host("h1").history_only = true;
    host("h2").answer("GET /events", 502, R"({"message":"daemon down"})");
    auto client = events_client();
    co_await expect_open(*client, "since=0&until=1", 200);
    co_await expect_action(*client, "a");
    const std::string end = co_await client->line();
    EXPECT_EQ(end, "");
    EXPECT_TRUE(client->complete());
  });
}

TEST_F(EventsOfTheHerd, are_refused_in_dockers_words) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    for (const char* name : {"h1", "h2"}) {
      host(name).answer("GET /events?filters=nonsense", 400, "{\"message\":\"bad filter\"}\n");
    }
    auto client = events_client();
    co_await expect_open(*client, "filters=nonsense", 400);
    EXPECT_EQ(client->failure(), "{\"message\":\"bad filter\"}\n");
  });
}

TEST_F(EventsOfTheHerd, are_refused_with_the_500_that_dockerd_has_for_bad_times) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    for (const char* name : {"h1", "h2"}) {
      host(name).answer("GET /events?since=x", 500, "{\"message\":\"parsing x\"}\n");
    }
    auto client = events_client();
    co_await expect_open(*client, "since=x", 500);
    EXPECT_EQ(client->failure(), "{\"message\":\"parsing x\"}\n");
  });
}

TEST_F(EventsOfTheHerd, cannot_be_had_when_no_daemon_answers) {
  with_hosts({"h1"}, [this]() -> asio::awaitable<void> {
    host("h1").answer("GET /events", 502, R"({"message":"daemon down"})");
    auto client = events_client();
    co_await expect_open(*client, "", 502);
    EXPECT_THAT(client->failure(), HasSubstr("h1: daemon down"));
  });
}

TEST_F(EventsOfTheHerd, are_asked_only_of_the_nodes_that_the_client_names) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    auto client = events_client();
    co_await client->open(R"(filters={%22node%22:[%22h2%22]})");
    co_await all_listened_to("h2");
    host("h2").tell(event("start", 7));
    co_await expect_action(*client, "start");
    EXPECT_FALSE(host("h1").has_seen("GET /events"));
  });
}

TEST_F(EventsOfTheHerd, of_a_host_that_joins_later_come_too) {
  with_hosts({"h1"}, [this]() -> asio::awaitable<void> {
    add_host("h2");
    auto client = events_client();
    co_await client->open("");
    co_await all_listened_to("h1");
    join("h2");
    const std::string joined_line = co_await client->line();
    const json joined = parsed(joined_line);
    EXPECT_EQ(joined["Type"], "node");
    EXPECT_EQ(joined["Action"], "join");
    EXPECT_EQ(joined["node"]["Name"], "h2");
    co_await all_listened_to("h2");
    EXPECT_THAT(host("h2").seen.back().line, StartsWith("GET /events?since="));
    host("h2").tell(event("start", 7));
    co_await expect_action(*client, "start");
  });
}

TEST_F(EventsOfTheHerd, of_an_agent_that_restarted_go_on_where_the_host_was_last_heard) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    auto client = events_client();
    co_await client->open("");
    co_await all_listened_to("h1 h2");
    host("h2").tell(event("start", 7'000'000'005));
    co_await expect_action(*client, "start");
    herd.erase_node("h2");
    co_await expect_action(*client, "leave");
    join("h2");
    herd.node("h2").view.id = "another";
    co_await expect_action(*client, "join");
    co_await all_listened_to("h2");
    EXPECT_EQ(host("h2").seen.back().line, "GET /events?since=7.000000006");
  });
}

TEST_F(EventsOfTheHerd, go_on_although_the_restarted_agent_came_before_the_old_one_went) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    auto client = events_client();
    co_await client->open("");
    co_await all_listened_to("h1 h2");
    host("h2").tell(event("start", 7'000'000'005));
    co_await expect_action(*client, "start");
    HerdNode restarted = herd.node("h2");
    restarted.view.id = "another";
    herd.all.push_back(restarted);
    co_await expect_action(*client, "join");
    const bool again =
        co_await eventually([this] { return host("h2").count_of("GET /events") == 2; });
    EXPECT_TRUE(again);
    EXPECT_EQ(host("h2").seen.back().line, "GET /events?since=7.000000006");
    herd.erase_node("h2");  // Both.
    co_await expect_action(*client, "leave");
    co_await expect_action(*client, "leave");
  });
}

TEST_F(EventsOfTheHerd, tell_of_a_host_that_leaves_and_of_one_that_is_lost) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    auto client = events_client();
    co_await client->open("");
    co_await all_listened_to("h1 h2 h3");
    herd.erase_node("h2");
    const std::string left_line = co_await client->line();
    const json left = parsed(left_line);
    EXPECT_EQ(left["Action"], "leave");
    EXPECT_EQ(left["node"]["Name"], "h2");
    herd.lost = {LostHost{"h3", "silent"}};
    herd.erase_node("h3");
    const std::string lost_line = co_await client->line();
    const json lost = parsed(lost_line);
    EXPECT_EQ(lost["Action"], "lost");
    EXPECT_EQ(lost["node"]["Name"], "h3");
    const bool closed = co_await eventually(
        [this] { return host("h2").streams() == 0 && host("h3").streams() == 0; });
    EXPECT_TRUE(closed);
  });
}

TEST_F(EventsOfTheHerd, of_nodes_are_not_told_to_who_wants_containers) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    auto client = events_client();
    co_await client->open(R"(filters={%22type%22:[%22container%22]})");
    co_await all_listened_to("h1 h2");
    herd.erase_node("h2");
    const bool closed = co_await eventually([this] { return host("h2").streams() == 0; });
    EXPECT_TRUE(closed);
    host("h1").tell(event("start", 7));
    co_await expect_action(*client, "start");
  });
}

TEST_F(EventsOfTheHerd, tell_of_a_name_on_two_hosts_for_each_of_its_containers) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    auto client = events_client();
    co_await client->open("");
    auto of_one_host = events_client();
    co_await of_one_host->open(R"(filters={%22node%22:[%22h2%22]})");
    co_await all_listened_to("h1 h2");
    NameCollision collision;
    collision.name = "web";
    collision.containers.push_back({herd.node("h1").view, "c1"});
    collision.containers.push_back({herd.node("h2").view, "c2"});
    herd.collision_listener(collision, true);
    const std::string first_line = co_await client->line();
    const json first = parsed(first_line);
    EXPECT_EQ(first["Type"], "container");
    EXPECT_EQ(first["Action"], "name-collision");
    EXPECT_EQ(first["Actor"]["ID"], "c1");
    EXPECT_EQ(first["Actor"]["Attributes"]["others"], "h2/web");
    EXPECT_EQ(first["node"]["Name"], "h1");
    const std::string second_line = co_await client->line();
    EXPECT_EQ(parsed(second_line)["Actor"]["Attributes"]["others"], "h1/web");
    const std::string only_line = co_await of_one_host->line();
    EXPECT_EQ(parsed(only_line)["Actor"]["ID"], "c2");
    herd.collision_listener(collision, false);
    co_await expect_action(*client, "name-collision-end");
    co_await expect_action(*of_one_host, "name-collision-end");
  });
}

TEST_F(EventsOfTheHerd, go_on_after_the_last_when_a_hosts_stream_broke_off) {
  with_hosts({"h1"}, [this]() -> asio::awaitable<void> {
    auto client = events_client();
    co_await client->open("since=0");
    co_await all_listened_to("h1");
    host("h1").tell(event("start", 7'000'000'005));
    co_await expect_action(*client, "start");
    host("h1").break_streams();
    const bool again =
        co_await eventually([this] { return host("h1").count_of("GET /events") == 2; });
    EXPECT_TRUE(again);
    EXPECT_EQ(host("h1").seen.back().line, "GET /events?since=7.000000006");
    co_await all_listened_to("h1");
    host("h1").tell(event("stop", 8'000'000'000));
    co_await expect_action(*client, "stop");
  });
}

TEST_F(EventsOfTheHerd, of_all_hosts_end_with_the_client) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    auto client = events_client();
    co_await client->open("");
    co_await all_listened_to("h1 h2");
    client->close();
    const bool ended = co_await eventually(
        [this] { return host("h1").streams() == 0 && host("h2").streams() == 0; });
    EXPECT_TRUE(ended);
  });
}

TEST_F(EventsOfTheHerd, are_not_gathered_for_a_client_that_does_not_read) {
  with_hosts({"h1"}, [this]() -> asio::awaitable<void> {
    constexpr int count = 3'000;  // 48 MB: more than all sockets on the way hold.
    const std::string long_name(16'000, 'x');
    for (int i = 1; i <= count; ++i) host("h1").history.push_back(event(long_name, i));
    auto slow = events_client();
    co_await expect_open(*slow, "", 200);
    auto quick = events_client();
    host("h1").history.clear();
    co_await expect_open(*quick, "", 200);
    const bool both = co_await eventually([this] { return host("h1").streams() == 2; });
    EXPECT_TRUE(both);
    host("h1").tell(event("start", count + 1));
    co_await expect_action(*quick, "start");  // It waits for nobody.
    std::size_t told = 0;
    while (told != host("h1").told()) {
      told = host("h1").told();
      co_await clock.sleep_until(clock.now() + std::chrono::milliseconds(300));
    }
    EXPECT_LT(told, static_cast<std::size_t>(count));
    for (int i = 1; i <= count; ++i) {
      const std::string line = co_await slow->line();
      EXPECT_THAT(line, HasSubstr("\"timeNano\":" + std::to_string(i) + ","));
      if (line.empty()) break;
    }
    co_await expect_action(*slow, "start");
  });
}

}  // namespace
}  // namespace dockherd::engine_api
