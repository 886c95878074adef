// Verbs over a small herd.
#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>

#include "tests/unit/agent/node_herd.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

json about(const std::string& action, const std::string& id) {
  return json{{"action", action}, {"id", id}};
}

json made_with_stop_timeout(int seconds) {
  return json{{"Image", "busybox"}, {"StopTimeout", seconds}};
}

class NodeTest : public NodeHerd {};

TEST_F(NodeTest, the_greeting_names_program_version_host_and_where_to_read_on) {
  start(2);
  EXPECT_THAT(
      host(1).node().greeting(),
      AllOf(HasSubstr("dockherd " DOCKHERD_VERSION), HasSubstr("host1"), HasSubstr("a herd of 2"),
            HasSubstr("10.0.0.1:8080"), HasSubstr("docs/rest.md"), HasSubstr("man dockherd")));
}

TEST_F(NodeTest, a_stop_waits_as_long_as_the_container_was_made_to_be_waited_for) {
  start(2);
  for (const int through : {1, 2}) {
    const std::string id = host(2).run("patient", made_with_stop_timeout(60));
    time.run_for(100ms);
    host(2).docker().stop_takes(40s);
    const Answer stopped = ask(through, about("stop-container", "patient"));
    EXPECT_EQ(stopped.status, 200) << stopped.body;
    EXPECT_EQ(stopped.body["dockerInstance"], "host2");
    host(2).docker().stop_takes(0s);
    EXPECT_EQ(ask(through, about("delete-container", id)).status, 200);
  }
}

TEST_F(NodeTest, a_shutdown_of_such_a_container_removes_it_too) {
  start(2);
  host(2).run("patient", made_with_stop_timeout(60));
  time.run_for(100ms);
  host(2).docker().stop_takes(40s);
  EXPECT_EQ(ask(1, about("shutdown-container", "patient")).status, 200);
  EXPECT_TRUE(host(2).daemon().containers().empty());
}

TEST_F(NodeTest, a_stop_that_outlasts_its_grace_time_is_504) {
  start(2);
  host(2).run("hangs");
  time.run_for(100ms);
  host(2).docker().stop_takes(1h);
  const Answer answer = ask(1, about("stop-container", "hangs"));
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.body["code"], "timeout");
}

TEST_F(NodeTest, a_daemon_that_does_not_answer_in_time_is_504_and_names_its_host) {
  start(2);
  host(2).run("slow");
  time.run_for(100ms);
  host(2).docker().slow_down(1e6);
  for (const int through : {1, 2}) {
    const Answer answer = ask(through, about("inspect-container", "slow"));
    EXPECT_EQ(answer.status, 504);
    EXPECT_EQ(answer.body["statusCode"], 504);
    EXPECT_EQ(answer.body["dockerInstance"], "host2");
    EXPECT_FALSE(answer.body["error"].get<std::string>().empty());
  }
}

TEST_F(NodeTest, what_a_host_fails_at_has_an_envelope_through_every_node) {
  start(2);
  host(2).run("web");
  time.run_for(100ms);
  network.cut(2, 1);
  network.cut(1, 2);
  const Answer answer = ask(1, about("inspect-container", "web"));
  EXPECT_GE(answer.status, 502);
  EXPECT_EQ(answer.body["statusCode"], answer.status);
  EXPECT_EQ(answer.body["dockerInstance"], "host2");
}

TEST_F(NodeTest, a_container_that_may_be_on_a_lost_host_is_not_said_to_be_gone) {
  start(3);
  host(2).run("web");
  time.run_for(100ms);
  EXPECT_FALSE(ask(1, about("inspect-container", "other")).body.contains("lost"));
  host(2).kill();
  time.run_for(5s);
  const Answer known = ask(1, about("inspect-container", "web"));
  EXPECT_EQ(known.status, 502);
  EXPECT_THAT(known.body["error"].get<std::string>(),
              HasSubstr("\"web\" is on host2, which is lost"));
  const Answer answer = ask(1, about("inspect-container", "never-heard-of"));
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body["status"], "timeout or no such id");
  EXPECT_EQ(answer.body["lost"], json::array({"host2"}));
  EXPECT_THAT(answer.body["error"].get<std::string>(), HasSubstr("host that is lost: host2"));
  // What is said to be on a host that is here is not there.
  EXPECT_THAT(ask(1, about("inspect-container", "host3/web")).body["error"].get<std::string>(),
              Not(HasSubstr("lost")));
}

TEST_F(NodeTest, when_all_ids_fail_the_status_is_that_of_the_first_in_the_request) {
  start(2);
  host(2).run("web");
  time.run_for(100ms);
  // The second fails at once, the first after a way over the network.
  const Answer answer = ask(1, json{{"action", "delete-container"}, {"ids", {"web", "nosuch"}}});
  EXPECT_EQ(answer.body["containers"][0]["statusCode"], 409);
  EXPECT_EQ(answer.body["containers"][1]["statusCode"], 404);
  EXPECT_EQ(answer.status, 409);
}

TEST_F(NodeTest, a_list_that_every_host_refuses_is_no_empty_list) {
  start(2);
  const json bad{
      {"action", "list-containers"}, {"all", true}, {"filters", {{"no-such-filter", {"x"}}}}};
  for (const int number : {1, 2}) host(number).docker().fail_next(1, 400);
  const Answer refused = ask(1, bad);
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_EQ(refused.body["missing"].size(), 2u);
  EXPECT_TRUE(refused.body["error"].is_string());
  host(2).docker().fail_next(1, 400);
  const Answer partly = ask(1, bad);
  EXPECT_EQ(partly.status, 200) << partly.body;
  EXPECT_EQ(partly.body["missing"].size(), 1u);
}

TEST_F(NodeTest, a_stop_takes_a_signal_only_where_the_daemon_has_it) {
  start(2);
  const std::string id = host(2).run("web");
  time.run_for(100ms);
  const json stop{{"action", "stop-container"}, {"id", "web"}, {"signal", "SIGINT"}};
  const Answer refused = ask(1, stop);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body["field"], "signal");
  EXPECT_THAT(refused.body["error"].get<std::string>(), HasSubstr("1.42"));
  EXPECT_EQ(host(2).daemon().containers().at(id).state, fakes::ContainerState::running);
  host(2).daemon().set_versions("25.0.3", "1.44", "1.24");
  EXPECT_EQ(ask(1, stop).status, 200);
}

TEST_F(NodeTest, in_its_first_moments_a_node_waits_for_its_daemon_rather_than_fail) {
  for (int number = 1; number <= 3; ++number) add().run("web" + std::to_string(number));
  host(1).start();
  const Answer list = ask(1, json{{"action", "list-containers"}});
  EXPECT_EQ(list.status, 200) << list.body;
  EXPECT_EQ(list.body["Response"]["Body"].size(), 1u);
  host(2).start();
  const Answer create = ask(2, json{{"action", "create-container"}, {"image", "busybox"}});
  EXPECT_EQ(create.status, 200) << create.body;
  host(3).start();
  const Answer inspect = ask(3, about("inspect-container", "web3"));
  EXPECT_EQ(inspect.status, 200) << inspect.body;
}

TEST_F(NodeTest, a_daemon_that_is_silent_from_the_start_is_not_waited_for_without_end) {
  add().start();
  host(1).docker().slow_down(1e6);
  const Answer answer = ask(1, json{{"action", "list-containers"}});
  EXPECT_EQ(answer.status, 504) << answer.body;
  EXPECT_EQ(answer.body["dockerInstance"], "host1");
}

std::vector<std::string> states_of(const Answer& nodes, const std::string& hostname) {
  std::vector<std::string> states;
  for (const json& row : nodes.body["nodes"]) {
    if (row["hostname"] == hostname) states.push_back(row["state"]);
  }
  return states;
}

TEST_F(NodeTest, out_of_the_pool_holds_until_that_agent_restarts_and_every_node_agrees) {
  start(2);
  EXPECT_EQ(ask(1, json{{"action", "unregister"}, {"hostname", "host2"}}).status, 200);
  // One that starts later is told, and one that restarts beside it changes nothing.
  add().start();
  time.run_for(2s);
  host(1).kill();
  host(1).start();
  time.run_for(20s);
  for (const int number : {1, 2, 3}) {
    const Answer nodes = ask(number, json{{"action", "list-nodes"}});
    EXPECT_THAT(states_of(nodes, "host2"), testing::ElementsAre("out of the pool"));
    EXPECT_THAT(states_of(nodes, "host3"), testing::ElementsAre("in the pool"));
    const json create{{"action", "create-container"}, {"image", "busybox"}, {"instances", 4}};
    EXPECT_EQ(ask(number, create).status, 200);
  }
  EXPECT_TRUE(host(2).daemon().containers().empty());
  host(2).kill();
  host(2).start();
  time.run_for(2s);
  for (const int number : {1, 2, 3}) {
    const Answer nodes = ask(number, json{{"action", "list-nodes"}});
    EXPECT_THAT(states_of(nodes, "host2"), testing::ElementsAre("in the pool"));
  }
}

class TemplateErrors : public NodeHerd {
 protected:
  TemplateErrors() {
    std::string pattern = (std::filesystem::temp_directory_path() / "node-XXXXXX").string();
    templates = ::mkdtemp(pattern.data());
  }
  ~TemplateErrors() override { std::filesystem::remove_all(templates); }
};

TEST_F(TemplateErrors, a_wrong_part_of_a_template_is_named_with_its_file) {
  std::ofstream(templates / "web.json") << R"({"Image": "busybox", "Labels": ["a"]})";
  start(1);
  const Answer answer = ask(1, json{{"action", "create-container"}, {"template", "web"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body["error"].get<std::string>(),
              AllOf(HasSubstr((templates / "web.json").string()), HasSubstr("Labels")));
}

}  // namespace
}  // namespace dockherd::agent
