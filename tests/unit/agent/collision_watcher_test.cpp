// Whole nodes, on whose daemons somebody makes containers of one name.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>

#include "tests/unit/agent/small_herd.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const json list_nodes{{"action", "list-nodes"}};

class CollisionWatcherTest : public testing::Test {
 protected:
  std::string make(int number, const std::string& name) {
    const auto id = herd.host(number).daemon().create(name, "busybox:latest",
                                                      WallTime{} + herd.time().elapsed());
    EXPECT_TRUE(id);
    herd.time().touch_all();
    return id.value_or("");
  }
  void remove(int number, const std::string& id) {
    EXPECT_TRUE(herd.host(number).daemon().remove(id, WallTime{} + herd.time().elapsed()));
    herd.time().touch_all();
  }
  /// As a user of that role is answered.
  json nodes_for(trust::Role role) {
    auto answer = std::make_shared<json>();
    http_api::Caller caller;
    caller.principal = trust::Principal("anna", role);
    sim::SimProcess& process = herd.host(1).process();
    asio::co_spawn(process.executor(), ask(process.node(), std::move(caller), answer),
                   [](const std::exception_ptr& failure) { EXPECT_FALSE(failure); });
    herd.time().touch(process.context());
    herd.time().run_for(3s);
    return *answer;
  }
  static asio::awaitable<void> ask(Node& node, http_api::Caller caller,
                                   std::shared_ptr<json> answer) {
    const auto reply = co_await node.execute_verb(dump_json(list_nodes), std::move(caller));
    *answer = parse_json(reply.body).value();
  }
  /// Until it has lasted long enough for every node to say so.
  void wait() { herd.time().run_for(2s); }

  SmallHerd herd{3};
};

TEST_F(CollisionWatcherTest, every_node_lists_a_name_of_two_hosts_with_both_until_one_is_gone) {
  const std::string first = make(1, "web");
  const std::string second = make(2, "web");
  make(3, "other");
  wait();
  json expected = json::array({{{"dockerInstance", "host1"}, {"id", first}},
                               {{"dockerInstance", "host2"}, {"id", second}}});
  if (second < first) std::swap(expected[0], expected[1]);
  for (const int through : {1, 2, 3}) {
    const VerbAnswer answer = herd.ask(through, list_nodes);
    ASSERT_EQ(answer.body["name_collisions"].size(), 1u) << answer.body;
    EXPECT_EQ(answer.body["name_collisions"][0]["name"], "web");
    EXPECT_EQ(answer.body["name_collisions"][0]["containers"], expected);
    EXPECT_FALSE(answer.body.contains("name_collisions_not_shown"));
    for (const json& row : answer.body["nodes"]) EXPECT_EQ(row["name_collision_count"], 1) << row;
  }
  remove(1, first);
  wait();
  for (const int through : {1, 2, 3}) {
    const VerbAnswer answer = herd.ask(through, list_nodes);
    EXPECT_THAT(answer.body["name_collisions"], IsEmpty());
    for (const json& row : answer.body["nodes"]) EXPECT_EQ(row["name_collision_count"], 0) << row;
  }
}

TEST_F(CollisionWatcherTest, the_name_alone_is_a_conflict_that_names_both) {
  const std::string first = make(1, "web");
  make(2, "web");
  wait();
  const json by_name{{"action", "inspect-container"}, {"id", "web"}};
  const VerbAnswer answer = herd.ask(3, by_name);
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body["error"].get<std::string>(),
              AllOf(HasSubstr("(host1/web)"), HasSubstr("(host2/web)")));
  for (const std::string& reference : {first, std::string("host1/web"), std::string("host2/web")}) {
    const json by_place{{"action", "inspect-container"}, {"id", reference}};
    EXPECT_EQ(herd.ask(3, by_place).status, 200) << reference;
  }
}

TEST_F(CollisionWatcherTest, an_operator_is_told_how_many_there_are_and_not_whose) {
  make(1, "web");
  make(2, "web");
  wait();
  const json operators = nodes_for(trust::Role::operator_);
  EXPECT_THAT(operators["name_collisions"], IsEmpty());
  EXPECT_EQ(operators["name_collisions_not_shown"], 1);
  EXPECT_EQ(nodes_for(trust::Role::viewer)["name_collisions"].size(), 1u);
}

TEST_F(CollisionWatcherTest, no_more_than_a_hundred_are_listed_and_the_rest_is_counted) {
  for (int i = 100; i < 205; ++i) {
    make(1, "web-" + std::to_string(i));
    make(2, "web-" + std::to_string(i));
  }
  wait();
  const VerbAnswer answer = herd.ask(3, list_nodes);
  EXPECT_EQ(answer.body["name_collisions"].size(), 100u);
  EXPECT_EQ(answer.body["name_collisions_not_shown"], 5);
}

TEST_F(CollisionWatcherTest, the_docker_api_is_told_of_beginning_and_end) {
  std::vector<std::string> told;
  const auto note = [&told](const engine_api::NameCollision& collision, bool begins) {
    told.push_back((begins ? "+" : "-") + collision.name);
    for (const auto& each : collision.containers) told.push_back(each.node.name);
  };
  engine_api::HerdPort& port = herd.host(3).process().node().docker_herd();
  port.on_name_collision(note);
  const std::string first = make(1, "web");
  make(2, "web");
  wait();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told.front(), "+web");
  EXPECT_EQ(port.name_collision_count(), 1u);
  EXPECT_THAT(port.name_collisions(0), IsEmpty());
  ASSERT_EQ(port.name_collisions(9).size(), 1u);
  EXPECT_EQ(port.name_collisions(9).front().containers.size(), 2u);
  told.clear();
  remove(1, first);
  wait();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told.front(), "-web");
  EXPECT_EQ(port.name_collision_count(), 0u);
  port.on_name_collision(nullptr);
  make(1, "web");
  wait();
  EXPECT_EQ(told.size(), 3u);
}

TEST_F(CollisionWatcherTest, a_lost_host_ends_it_and_its_return_begins_it_again) {
  make(1, "web");
  make(2, "web");
  wait();
  herd.host(2).end_agent(sim::Ending::killed);
  wait();
  EXPECT_THAT(herd.ask(3, list_nodes).body["name_collisions"], IsEmpty());
  herd.host(2).start_agent();
  herd.time().run_for(5s);
  EXPECT_EQ(herd.ask(3, list_nodes).body["name_collisions"].size(), 1u);
}

}  // namespace
}  // namespace dockherd::agent
