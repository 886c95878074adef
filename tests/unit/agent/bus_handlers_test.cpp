// Requests by the bus, from a peer that is no agent.
#include "agent/bus_handlers.hpp"

#include <gmock/gmock.h>

#include "tests/unit/agent/node_herd.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;

class BusHandlersTest : public NodeHerd {};

json request(const json& body, const std::string& scope = "herd") {
  return json{{"dockherd", "request"}, {"id", "q"}, {"scope", scope}, {"body", body}};
}

TEST_F(BusHandlersTest, without_a_timeout_a_verb_has_the_time_that_it_has_by_http) {
  start(1);
  for (const std::string scope : {"herd", "local"}) {
    host(1).run("patient", json{{"Image", "busybox"}, {"StopTimeout", 60}});
    time.run_for(100ms);
    host(1).docker().stop_takes(40s);
    const json reply =
        ask_by_bus(1, request({{"action", "shutdown-container"}, {"id", "patient"}}, scope));
    EXPECT_EQ(reply["status"], 200) << reply;
    host(1).docker().stop_takes(0s);
  }
  host(1).docker().slow_down(1'000);  // A create takes 3 to 9 seconds.
  const json create =
      ask_by_bus(1, request({{"action", "create-container"}, {"image", "busybox"}}));
  EXPECT_EQ(create["status"], 200) << create;
}

TEST_F(BusHandlersTest, a_timeout_that_is_given_holds) {
  start(1);
  host(1).run("web");
  time.run_for(100ms);
  host(1).docker().stop_takes(5s);
  for (const std::string scope : {"herd", "local"}) {
    json stop = request({{"action", "stop-container"}, {"id", "web"}}, scope);
    stop["timeout"] = 1000;
    EXPECT_EQ(ask_by_bus(1, stop)["status"], 504) << scope;
  }
}

TEST_F(BusHandlersTest, a_peer_that_is_no_agent_is_told_of_a_field_that_nobody_knows) {
  start(1);
  host(1).run("web");
  time.run_for(100ms);
  const json stop{{"action", "stop-container"}, {"id", "web"}, {"timeot", 1}};
  for (const std::string scope : {"herd", "local"}) {
    const json reply = ask_by_bus(1, request(stop, scope));
    EXPECT_EQ(reply["status"], 400) << reply;
    EXPECT_EQ(reply["body"]["field"], "timeot") << reply;
  }
}

TEST_F(BusHandlersTest, a_local_request_for_another_node_is_refused) {
  start(2);
  for (const std::string action : {"list-containers", "list-images", "unregister"}) {
    const json other = ask_by_bus(1, request({{"action", action}, {"hostname", "host2"}}, "local"));
    EXPECT_EQ(other["status"], 400) << other;
    EXPECT_EQ(other["body"]["field"], "hostname");
    const json own = ask_by_bus(1, request({{"action", action}, {"hostname", "host1"}}, "local"));
    EXPECT_EQ(own["status"], 200) << own;
  }
  const json all = ask_by_bus(1, request({{"action", "list-containers"}, {"all", true}}, "local"));
  EXPECT_EQ(all["status"], 400);
  EXPECT_EQ(all["body"]["field"], "all");
}

TEST_F(BusHandlersTest, a_verb_at_a_containers_endpoint_is_about_it_if_it_is_about_containers) {
  start(1);
  const std::string id = host(1).run("web");
  time.run_for(100ms);
  const json inspect = ask_by_bus(1, request({{"action", "inspect-container"}}), id);
  EXPECT_EQ(inspect["status"], 200) << inspect;
  EXPECT_EQ(inspect["body"]["Response"]["Body"]["Id"], id);
  const json nodes = ask_by_bus(1, request({{"action", "list-nodes"}}), id);
  EXPECT_EQ(nodes["status"], 200) << nodes;
}

TEST_F(BusHandlersTest, a_verb_at_a_containers_endpoint_that_names_another_is_about_that_one) {
  start(1);
  const std::string web = host(1).run("web");
  const std::string db = host(1).run("db");
  time.run_for(100ms);
  const json one = ask_by_bus(1, request({{"action", "inspect-container"}, {"id", "db"}}), web);
  EXPECT_EQ(one["body"]["Response"]["Body"]["Id"], db) << one;
  const json several =
      ask_by_bus(1, request({{"action", "inspect-container"}, {"ids", {"db"}}}), web);
  EXPECT_EQ(several["body"]["containers"][0]["Response"]["Body"]["Id"], db) << several;
}

TEST_F(BusHandlersTest, what_agents_ask_of_each_other_is_unknown_to_clients) {
  start(1);
  EXPECT_EQ(ask_by_bus(1, request({{"action", "node-info"}}, "local"))["status"], 200);
  const json reply = ask_by_bus(1, request({{"action", "node-info"}}));
  EXPECT_EQ(reply["status"], 400);
  EXPECT_EQ(reply["body"]["field"], "action");
}

TEST_F(BusHandlersTest, a_verb_that_is_shouted_to_all_is_done_by_one) {
  start(3);
  // One guest at each agent: what a peer does that sends a SHOUT to all members.
  std::vector<std::unique_ptr<Guest>> guests;
  for (int number = 1; number <= 3; ++number) {
    guests.push_back(std::make_unique<Guest>(time, network, 100 + number, host(number).node(),
                                             fakes::MemoryNetwork::endpoint_of(number)));
  }
  time.run_for(100ms);
  for (std::size_t round = 1; round <= 10; ++round) {
    json create = request({{"action", "create-container"}, {"image", "busybox"}});
    create["id"] = std::to_string(round);
    for (const auto& guest : guests) guest->send(create, "deblox.docker");
    time.run_for(2s);
    std::size_t made = 0;
    std::size_t answers = 0;
    for (int number = 1; number <= 3; ++number) made += host(number).daemon().created_ever();
    for (const auto& guest : guests) answers += guest->replies.size();
    EXPECT_EQ(made, round);
    EXPECT_EQ(answers, round);
  }
}

}  // namespace
}  // namespace dockherd::agent
