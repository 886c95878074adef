// Hosts that come back to find their containers running elsewhere, on whole nodes.
#include "agent/superseded_watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/reschedule_rules.hpp"
#include "tests/unit/agent/rescheduling_herd.hpp"
#include "tests/unit/agent/watching_agent.hpp"
#include "trust/users.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const fakes::ModelContainer& the_container(ReschedulingHerd& herd, int number,
                                           const std::string& id) {
  return herd.host(number).daemon().containers().at(id);
}

/// "web" of host 2 runs elsewhere, and host 2 does not know yet. Returns the old one's id.
std::string lose_web_of_host_2(ReschedulingHerd& herd, const json& body = json::object()) {
  std::string old = herd.run_asking(2, "web", body);
  herd.settle();
  herd.power_off({2});
  herd.time().run_for(30s);
  EXPECT_THAT(herd.places("web"), SizeIs(1));
  return old;
}

TEST(SupersededWatcher, the_old_one_is_stopped_for_good_and_renamed) {
  ReschedulingHerd herd(4);
  const std::string old =
      lose_web_of_host_2(herd, json{{"HostConfig", {{"RestartPolicy", {{"Name", "always"}}}}}});
  const auto now_at = herd.places("web");
  herd.start_agent(2);
  herd.time().run_for(30s);
  const fakes::ModelContainer& retired = the_container(herd, 2, old);
  EXPECT_EQ(retired.state, fakes::ContainerState::exited);
  EXPECT_EQ(retired.name, "web-superseded-" + old.substr(0, 12));
  EXPECT_EQ(json::parse(retired.body)["HostConfig"]["RestartPolicy"]["Name"], "no");
  EXPECT_EQ(herd.places("web"), now_at);
  const std::string& made = herd.container(now_at.front(), "web")->body;
  EXPECT_EQ(json::parse(made)["HostConfig"]["RestartPolicy"]["Name"], "always");
  // The whole herd knows it by its new name.
  const json inspect{{"action", "inspect-container"}, {"id", retired.name}};
  EXPECT_EQ(herd.ask(1, inspect).body["dockerInstance"], "host2");
}

TEST(SupersededWatcher, or_removed_where_that_is_configured) {
  ReschedulingHerd herd(4, [](NodeSettings& settings) { settings.remove_superseded = true; });
  lose_web_of_host_2(herd);
  herd.start_agent(2);
  herd.time().run_for(30s);
  EXPECT_TRUE(herd.host(2).daemon().containers().empty());
  EXPECT_THAT(herd.places("web"), SizeIs(1));
}

TEST(SupersededWatcher, it_is_told_again_to_a_host_that_is_back_much_later_and_by_a_new_agent) {
  ReschedulingHerd herd(2);
  const std::string old = lose_web_of_host_2(herd);
  herd.time().run_for(70min);  // The host is not remembered as lost any more.
  herd.restart_agent(1);
  herd.start_agent(2);
  herd.time().run_for(30s);
  EXPECT_EQ(the_container(herd, 2, old).state, fakes::ContainerState::exited);
  EXPECT_THAT(herd.places("web"), ElementsAre(1));
}

TEST(SupersededWatcher, of_a_container_that_moved_twice_both_old_ones_are_retired) {
  ReschedulingHerd herd(7);
  const std::string first = lose_web_of_host_2(herd);
  const int second_place = herd.places("web").front();
  const std::string second = herd.container(second_place, "web")->id;
  herd.settle();
  herd.power_off({second_place});
  herd.time().run_for(30s);
  const auto third_place = herd.places("web");
  ASSERT_THAT(third_place, SizeIs(1));
  herd.start_agent(2);
  herd.start_agent(second_place);
  herd.time().run_for(30s);
  EXPECT_EQ(the_container(herd, 2, first).state, fakes::ContainerState::exited);
  EXPECT_EQ(the_container(herd, second_place, second).state, fakes::ContainerState::exited);
  EXPECT_EQ(herd.places("web"), third_place);
}

TEST(SupersededWatcher, when_the_new_one_is_gone_the_old_one_goes_on) {
  ReschedulingHerd herd(4);
  const std::string old = lose_web_of_host_2(herd);
  const int now_at = herd.places("web").front();
  const std::string made = herd.container(now_at, "web")->id;
  ASSERT_EQ(herd.ask(1, json{{"action", "delete-container"}, {"id", made}, {"force", true}}).status,
            200);
  herd.start_agent(2);
  herd.time().run_for(1min);
  EXPECT_THAT(herd.places("web"), ElementsAre(2));
  EXPECT_EQ(the_container(herd, 2, old).name, "web");
}

TEST(SupersededWatcher, a_daemon_that_fails_is_asked_again) {
  for (const char* call : {"/json", "/update", "/stop", "/rename"}) {
    ReschedulingHerd herd(4);
    const std::string old = lose_web_of_host_2(herd);
    int failures = 2;
    herd.plan(2, [&](const DockerRequest& request) -> std::optional<Result<DockerResponse>> {
      if (request.target.find(old) == std::string::npos) return std::nullopt;
      if (request.target.find(call) == std::string::npos || failures == 0) return std::nullopt;
      --failures;
      return refusal(500, "try later");
    });
    herd.start_agent(2);
    herd.time().run_for(2min);
    EXPECT_EQ(failures, 0) << call;
    EXPECT_EQ(the_container(herd, 2, old).state, fakes::ContainerState::exited) << call;
    EXPECT_NE(the_container(herd, 2, old).name, "web") << call;
  }
}

TEST(SupersededWatcher, who_starts_a_retired_one_again_may_have_it) {
  ReschedulingHerd herd(4);
  const std::string old = lose_web_of_host_2(herd);
  herd.start_agent(2);
  herd.time().run_for(30s);
  ASSERT_EQ(the_container(herd, 2, old).state, fakes::ContainerState::exited);
  EXPECT_EQ(herd.ask(1, json{{"action", "start-container"}, {"id", old}}).status, 200);
  herd.time().run_for(1min);
  herd.restart_agent(1);
  herd.time().run_for(1min);
  EXPECT_EQ(the_container(herd, 2, old).state, fakes::ContainerState::running);
}

/// What somebody has written into the label of a container of his own, on host 1.
json superseding(const std::string& id) {
  return json{{"Labels", {{supersedes_label, id}}}};
}

TEST(SupersededWatcher, a_label_stops_only_one_of_its_own_name_and_owner_that_asks_for_it) {
  ReschedulingHerd herd(2);
  const std::string owner(trust::owner_label);
  const json of_ann{{"Labels", {{owner, "ann"}}}};
  std::map<std::string, std::string> ids;
  ids["other-name"] = herd.run_asking(2, "other-name");
  ids["no-policy"] = herd.run(2, "no-policy");
  ids["anns"] = herd.run_asking(2, "anns", of_ann);
  ids["nobodys"] = herd.run_asking(2, "nobodys");
  ids["meant"] = herd.run_asking(2, "meant");
  ids["meant-of-ann"] = herd.run_asking(2, "meant-of-ann", of_ann);
  herd.run(1, "thief", superseding(ids["other-name"]));
  herd.run(1, "no-policy", superseding(ids["no-policy"]));
  json of_bob = superseding(ids["anns"]);
  of_bob["Labels"][owner] = "bob";
  herd.run(1, "anns", of_bob);
  json anns = superseding(ids["nobodys"]);
  anns["Labels"][owner] = "ann";
  herd.run(1, "nobodys", anns);
  herd.run(1, "meant", superseding(ids["meant"]));
  anns["Labels"][supersedes_label] = ids["meant-of-ann"];
  herd.run(1, "meant-of-ann", anns);
  herd.time().run_for(1min);
  for (const auto& [name, id] : ids) {
    const bool retired = the_container(herd, 2, id).state == fakes::ContainerState::exited;
    EXPECT_EQ(retired, name.starts_with("meant")) << name;
  }
}

/// As when a host was frozen while it acted, and went on after another had acted in its place.
TEST(SupersededWatcher, of_two_that_were_made_anew_for_the_same_one_of_the_lesser_id_stays) {
  ReschedulingHerd herd(3);
  const std::string lost(64, 'a');
  const std::string first = herd.run_asking(1, "web", superseding(lost));
  herd.settle();
  const std::string second = herd.run_asking(3, "web", superseding(lost));
  herd.time().run_for(1min);
  const bool first_stays = first < second;
  EXPECT_THAT(herd.places("web"), ElementsAre(first_stays ? 1 : 3));
  const fakes::ModelContainer& retired =
      first_stays ? the_container(herd, 3, second) : the_container(herd, 1, first);
  EXPECT_EQ(retired.state, fakes::ContainerState::exited);
  EXPECT_THAT(retired.name, testing::StartsWith("web-superseded-"));
  herd.restart_agent(first_stays ? 3 : 1);
  herd.time().run_for(1min);
  EXPECT_THAT(herd.places("web"), SizeIs(1));
}

TEST(SupersededWatcher, nobody_can_write_the_label_through_the_herd) {
  ReschedulingHerd herd(2);
  const std::string victim = herd.run_asking(2, "victim");
  herd.time().run_for(1s);
  json body = superseding(victim);
  body["Image"] = "busybox";
  const json verb{{"action", "create-container"}, {"body", body}, {"name", "thief"}};
  ASSERT_EQ(herd.ask(1, verb).status, 200);
  const auto answer = herd.create(1, {1, 2}, {}, dump_json(body));
  ASSERT_EQ(answer.status, 201) << answer.body;
  for (const int number : {1, 2}) {
    for (const auto& [id, container] : herd.host(number).daemon().containers()) {
      EXPECT_FALSE(container.labels.contains(supersedes_label)) << container.name;
    }
  }
}

class SupersededNews : public WatchingTest {};

TEST_F(SupersededNews, what_is_not_understood_or_comes_from_nobodys_agent_is_refused) {
  WatchingAgent& agent = add_agent();
  SupersededWatcher watcher(agent.herd, agent.docker, agent.docker_watcher);
  const std::string id(64, 'a');
  const json good{{"ids", {id}}, {"by", std::string(64, 'b')}, {"name", "web"}, {"owner", ""}};
  EXPECT_TRUE(watcher.take(agent.id(), dump_json(good)));
  EXPECT_FALSE(watcher.take(NodeId({9}), dump_json(good)));
  for (const char* member : {"ids", "by"}) {
    json bad = good;
    bad.erase(member);
    EXPECT_FALSE(watcher.take(agent.id(), dump_json(bad))) << member;
    bad[member] = 5;
    EXPECT_FALSE(watcher.take(agent.id(), dump_json(bad))) << member;
  }
  json bad = good;
  bad["by"] = "../evil";
  EXPECT_FALSE(watcher.take(agent.id(), dump_json(bad)));
  bad = good;
  bad["name"] = 5;
  EXPECT_FALSE(watcher.take(agent.id(), dump_json(bad)));
  EXPECT_FALSE(watcher.take(agent.id(), "["));
}

}  // namespace
}  // namespace dockherd::agent
