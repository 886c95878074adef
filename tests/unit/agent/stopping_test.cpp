// A node that stops: what is under way ends well, what is new goes elsewhere.
#include <gmock/gmock.h>

#include "tests/unit/agent/node_herd.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;

const json create_four{{"action", "create-container"}, {"image", "busybox"}, {"instances", 4}};

class StoppingNode : public NodeHerd {
 protected:
  /// A stop of a container of host 2 that lasts `time`, sent through host 1 and under way.
  AnswerPointer begin_slow_stop(Duration how_long) {
    host(2).run("slow");
    time.run_for(100ms);
    host(2).docker().stop_takes(how_long);
    auto answer = host(1).send(json{{"action", "stop-container"}, {"id", "slow"}});
    time.run_for(200ms);
    EXPECT_FALSE(answer->ended);
    return answer;
  }
};

TEST_F(StoppingNode, it_finishes_what_it_serves_for_peers_before_it_says_goodbye) {
  start(2);
  const AnswerPointer served = begin_slow_stop(2s);
  const auto stopped = host(2).stop(3s);
  time.run_for(1s);
  EXPECT_FALSE(*stopped);
  wait_for(served);
  EXPECT_EQ(served->status, 200) << served->body;
  time.run_for(500ms);
  EXPECT_TRUE(*stopped);
  EXPECT_EQ(host(1).node().event_bus().peers().size(), 0u);
}

TEST_F(StoppingNode, it_starts_what_it_is_creating) {
  start(2);
  for (const int number : {1, 2}) host(number).docker().slow_down(10);
  json create = create_four;
  create["start"] = true;
  const AnswerPointer bulk = host(1).send(create);
  time.run_until([&] { return !host(2).daemon().containers().empty(); }, time.now() + 5s);
  host(2).stop(3s);
  wait_for(bulk);
  EXPECT_EQ(bulk->status, 200) << bulk->body;
  EXPECT_EQ(bulk->body["summary"]["unknown"], 0);
  EXPECT_FALSE(host(2).daemon().containers().empty());
  for (const auto& [id, container] : host(2).daemon().containers()) {
    EXPECT_EQ(container.state, fakes::ContainerState::running);
  }
}

TEST_F(StoppingNode, it_gets_nothing_new_and_says_why_it_does_not_answer) {
  start(2);
  const AnswerPointer served = begin_slow_stop(2s);
  host(2).stop(3s);
  // Whoever asks before it has heard of the stop is declined; the containers go elsewhere.
  const Answer at_once = ask(1, create_four);
  EXPECT_EQ(at_once.status, 200) << at_once.body;
  EXPECT_EQ(host(1).daemon().containers().size(), 4u);
  EXPECT_EQ(host(2).daemon().containers().size(), 1u);
  const Answer inspect = ask(1, json{{"action", "inspect-container"}, {"id", "slow"}});
  EXPECT_EQ(inspect.status, 503) << inspect.body;
  EXPECT_EQ(inspect.body["code"], "declined");
  EXPECT_EQ(inspect.body["dockerInstance"], "host2");
  const json one{{"dockherd", "request"},
                 {"id", "1"},
                 {"scope", "local"},
                 {"body", {{"action", "create-one"}, {"body", {{"Image", "busybox"}}}}}};
  const json declined = ask_by_bus(2, one);
  EXPECT_EQ(declined["status"], 503) << declined;
  EXPECT_EQ(declined["body"]["code"], "declined");
  EXPECT_EQ(host(2).daemon().containers().size(), 1u);
  wait_for(served);
}

TEST_F(StoppingNode, it_waits_no_longer_than_told) {
  start(2);
  const AnswerPointer served = begin_slow_stop(9s);
  const auto stopped = host(2).stop(1s);
  time.run_for(1500ms);
  EXPECT_TRUE(*stopped);
  wait_for(served);
  EXPECT_EQ(served->status, 502);
  EXPECT_EQ(served->body["code"], "peer_lost");
  EXPECT_EQ(served->body["statusCode"], 502);
}

TEST_F(StoppingNode, an_idle_one_stops_soon_and_leaves_nobody_in_doubt) {
  start(2);
  const auto stopped = host(2).stop(3s);
  const Answer at_once = ask(1, create_four);
  EXPECT_EQ(at_once.status, 200) << at_once.body;
  time.run_for(500ms);
  EXPECT_TRUE(*stopped);
}

}  // namespace
}  // namespace dockherd::agent
