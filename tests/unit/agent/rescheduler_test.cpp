// Containers of lost hosts on whole nodes: who makes them anew, when, and when nobody does.
#include "agent/rescheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/key_labels.hpp"
#include "tests/unit/agent/rescheduling_herd.hpp"
#include "trust/users.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const SmallHerd::Plan as_the_daemon_says = [](const DockerRequest&) { return std::nullopt; };

std::vector<std::string> web_names(int count) {
  std::vector<std::string> names;
  for (int number = 1; number <= count; ++number) names.push_back("web-" + std::to_string(number));
  return names;
}

TEST(Rescheduler, what_a_lost_host_had_runs_again_once_as_it_was) {
  ReschedulingHerd herd(5);
  std::map<std::string, std::string> ids;
  for (const std::string& name : web_names(10)) {
    ids[name] = herd.run_asking(3, name, json{{"Env", {"A=b"}}, {"Labels", {{"tier", "front"}}}});
  }
  herd.settle();
  herd.power_off({3});
  herd.time().run_for(1min);
  for (const auto& [name, id] : ids) {
    const auto places = herd.places(name);
    ASSERT_THAT(places, SizeIs(1)) << name;
    const fakes::ModelContainer& made = *herd.container(places.front(), name);
    EXPECT_EQ(json::parse(made.body)["Env"], json::array({"A=b"}));
    EXPECT_EQ(made.labels.at("tier"), "front");
    EXPECT_EQ(made.labels.at(supersedes_label), id);
  }
  EXPECT_EQ(herd.made_ever({1, 2, 4, 5}), 10u);
}

TEST(Rescheduler, what_does_not_ask_for_it_or_does_not_run_stays_where_it_is) {
  ReschedulingHerd herd(3);
  herd.run(2, "plain");
  const std::string ended = herd.run_asking(2, "ended");
  herd.run_asking(2, "removed");
  herd.settle();
  herd.host(2).daemon().exit(ended, 0, WallTime{} + herd.time().elapsed());
  herd.host(2).daemon().remove("removed", WallTime{} + herd.time().elapsed());
  herd.time().touch_all();
  herd.settle();
  herd.power_off({2});
  herd.time().run_for(1min);
  EXPECT_EQ(herd.made_ever({1, 3}), 0u);
}

TEST(Rescheduler, any_two_hosts_may_die_at_once) {
  ReschedulingHerd herd(5);
  const auto names = web_names(12);
  std::size_t first_keeper_dies = 0;
  for (const std::string& name : names) {
    const std::string id = herd.run_asking(3, name);
    if (herd.keepers(id, 3).front() == 4) ++first_keeper_dies;
  }
  ASSERT_GE(first_keeper_dies, 1u);
  herd.settle();
  herd.power_off({3, 4});
  herd.time().run_for(1min);
  for (const std::string& name : names) EXPECT_THAT(herd.places(name), SizeIs(1)) << name;
  EXPECT_EQ(herd.made_ever({1, 2, 5}), names.size());
}

TEST(Rescheduler, hosts_may_die_one_after_the_other_as_long_as_more_than_half_are_there) {
  ReschedulingHerd herd(7);
  const auto names = web_names(12);
  for (const std::string& name : names) herd.run_asking(7, name);
  herd.settle();
  for (const int dies : {7, 5, 6}) {
    herd.power_off({dies});
    herd.time().run_for(30s);
    for (const std::string& name : names) EXPECT_THAT(herd.places(name), SizeIs(1)) << name;
  }
}

TEST(Rescheduler, when_the_first_keeper_has_not_heard_of_it_the_next_one_acts_later) {
  ReschedulingHerd herd(4);
  // Told to all, but those of this host make nothing of it.
  std::set<int> deaf;
  herd.network().on_arrival = [&](fakes::Host to, bus::Frames& frames) {
    if (!deaf.contains(to) || frames.size() < 2) return;
    const auto topic = frames[1].find(R"("topic":"specification")");
    if (topic != std::string::npos) frames[1].replace(topic, 23, R"("topic":"of-no-interest")");
  };
  for (const int number : {2, 3, 4}) deaf.insert(number);
  const std::string id = herd.run_asking(1, "web");
  const std::vector<int> keepers = herd.keepers(id, 1);
  deaf = {keepers[0]};
  herd.settle();
  herd.power_off({1});
  herd.time().run_for(10s);  // It is lost after two seconds or so, and due two later.
  EXPECT_THAT(herd.places("web"), IsEmpty());
  herd.time().run_for(10s);
  EXPECT_THAT(herd.places("web"), SizeIs(1));
  EXPECT_EQ(herd.made_ever({2, 3, 4}), 1u);
}

TEST(Rescheduler, of_a_split_only_the_greater_side_acts) {
  ReschedulingHerd herd(5);
  std::map<std::string, int> homes;
  for (const std::string& name : web_names(20)) {
    homes[name] = static_cast<int>(homes.size()) % 5 + 1;
    herd.run_asking(homes[name], name);
  }
  herd.settle();
  herd.split({1, 2}, {3, 4, 5});
  herd.time().run_for(1min);
  EXPECT_EQ(herd.made_ever({1, 2}), 8u);           // Their own.
  EXPECT_EQ(herd.made_ever({3, 4, 5}), 12u + 8u);  // And the others' once.
  herd.rejoin();
  herd.time().run_for(2min);
  for (const auto& [name, home] : homes) {
    const auto places = herd.places(name);
    ASSERT_THAT(places, SizeIs(1)) << name;
    const std::vector<int> allowed = home > 2 ? std::vector{home} : std::vector{3, 4, 5};
    EXPECT_THAT(allowed, Contains(places.front())) << name;
  }
}

TEST(Rescheduler, of_two_halves_the_one_with_the_first_name_acts) {
  ReschedulingHerd herd(4);
  for (const int number : {1, 2, 3, 4}) herd.run_asking(number, "web-" + std::to_string(number));
  herd.settle();
  herd.split({1, 4}, {2, 3});
  herd.time().run_for(1min);
  EXPECT_EQ(herd.made_ever({1, 4}), 4u);
  EXPECT_EQ(herd.made_ever({2, 3}), 2u);
}

TEST(Rescheduler, one_survivor_of_three_does_not_act_until_another_is_back) {
  ReschedulingHerd herd(3);
  herd.run_asking(2, "web");
  herd.settle();
  herd.power_off({2, 3});
  herd.time().run_for(2min);
  EXPECT_EQ(herd.made_ever({1}), 0u);
  herd.start_agent(3);
  herd.time().run_for(30s);
  EXPECT_THAT(herd.places("web"), SizeIs(1));
}

TEST(Rescheduler, an_agent_that_stops_or_is_back_in_time_moves_nothing) {
  ReschedulingHerd herd(4);
  herd.run_asking(2, "web");
  herd.settle();
  herd.host(2).end_agent(sim::Ending::killed);
  herd.time().run_for(1s);
  herd.start_agent(2);
  herd.time().run_for(1min);
  herd.stop_agent(2);
  herd.time().run_for(1min);
  EXPECT_EQ(herd.made_ever({1, 3, 4}), 0u);
}

TEST(Rescheduler, it_waits_for_as_long_as_is_configured) {
  ReschedulingHerd herd(3, [](NodeSettings& settings) { settings.reschedule_after = 60s; });
  herd.run_asking(2, "web");
  herd.settle();
  herd.power_off({2});
  herd.time().run_for(55s);
  EXPECT_THAT(herd.places("web"), IsEmpty());
  herd.time().run_for(20s);
  EXPECT_THAT(herd.places("web"), SizeIs(1));
}

TEST(Rescheduler, what_fits_nowhere_waits_for_its_host) {
  ReschedulingHerd herd(3);
  const std::string id = herd.run_asking(2, "bound", json{{"Env", {"constraint:node==host2"}}});
  herd.run_asking(2, "choosy", json{{"Env", {"constraint:node==host3"}}});
  herd.settle();
  herd.power_off({2});
  herd.time().run_for(1min);
  EXPECT_THAT(herd.places("bound"), IsEmpty());
  EXPECT_THAT(herd.places("choosy"), ElementsAre(3));
  herd.start_agent(2);
  herd.time().run_for(1min);
  EXPECT_THAT(herd.places("bound"), ElementsAre(2));
  EXPECT_TRUE(herd.host(2).daemon().containers().contains(id));
}

TEST(Rescheduler, what_cannot_be_made_is_tried_again) {
  ReschedulingHerd herd(3);
  herd.run_asking(2, "web");
  herd.settle();
  for (const int number : {1, 3}) {
    herd.plan(number, answer_always("POST", "/containers/create", refusal(500, "disk full")));
  }
  herd.power_off({2});
  herd.time().run_for(1min);
  EXPECT_THAT(herd.places("web"), IsEmpty());
  const std::size_t tries = herd.calls(1, "POST", "/containers/create").size();
  EXPECT_GE(tries, 5u);
  EXPECT_LE(tries, 30u);
  for (const int number : {1, 3}) herd.plan(number, as_the_daemon_says);
  herd.time().run_for(20s);
  EXPECT_THAT(herd.places("web"), SizeIs(1));
  EXPECT_EQ(herd.made_ever({1, 3}), 1u);
}

TEST(Rescheduler, of_a_host_that_was_gone_for_an_hour_nothing_is_tried_any_more) {
  ReschedulingHerd herd(2);
  herd.run_asking(2, "web");
  herd.settle();
  herd.plan(1, answer_always("POST", "/containers/create", refusal(500, "disk full")));
  herd.power_off({2});
  herd.time().run_for(59min);
  const std::size_t tries = herd.calls(1, "POST", "/containers/create").size();
  herd.time().run_for(30s);
  EXPECT_GT(herd.calls(1, "POST", "/containers/create").size(), tries);
  herd.time().run_for(2min);
  herd.plan(1, as_the_daemon_says);
  herd.time().run_for(1min);
  EXPECT_EQ(herd.made_ever({1}), 0u);
}

TEST(Rescheduler, one_whose_answer_was_lost_is_not_made_twice_and_runs) {
  for (const auto how : {fakes::LostAnswer::broken, fakes::LostAnswer::silent}) {
    ReschedulingHerd herd(3);
    herd.run_asking(2, "web");
    herd.settle();
    for (const int number : {1, 3}) herd.docker(number).lose_next_answers(1, how);
    herd.power_off({2});
    herd.time().run_for(5min);
    EXPECT_EQ(herd.made_ever({1, 3}), 1u);
    EXPECT_THAT(herd.places("web"), SizeIs(1));
  }
}

TEST(Rescheduler, a_daemon_that_hangs_is_given_time_and_then_it_is_tried_again) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    ReschedulingHerd herd(3, {}, seed);
    herd.run_asking(2, "web");
    herd.settle();
    for (const int number : {1, 3}) herd.docker(number).slow_down(1e6);
    herd.power_off({2});
    herd.time().run_for(30s);
    for (const int number : {1, 3}) herd.docker(number).slow_down(1);
    herd.time().run_for(30s);
    EXPECT_LE(herd.made_ever({1, 3}), 1u) << seed;
    herd.time().run_for(5min);
    EXPECT_EQ(herd.made_ever({1, 3}), 1u) << seed;
    EXPECT_THAT(herd.places("web"), SizeIs(1)) << seed;
  }
}

TEST(Rescheduler, what_was_made_under_a_key_is_found_by_a_repeat_where_it_is_now) {
  ReschedulingHerd herd(4);
  const json labels{{"com.docker.swarm.reschedule-policies", R"(["on-node-failure"])"}};
  const json verb{{"action", "create-container"},
                  {"body", {{"Image", "busybox"}, {"Labels", labels}}},
                  {"name", "web"},
                  {"key", "k"},
                  {"start", true}};
  const VerbAnswer first = herd.ask(1, verb);
  ASSERT_EQ(first.status, 200) << first.body;
  const auto before = herd.places("web");
  ASSERT_THAT(before, SizeIs(1));
  const int through = before.front() == 1 ? 2 : 1;
  herd.settle();
  herd.power_off(before);
  herd.time().run_for(30s);
  const auto after = herd.places("web");
  ASSERT_THAT(after, SizeIs(1));
  const VerbAnswer again = herd.ask(through, verb);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.body["repeated"], true);
  EXPECT_EQ(again.body["Response"]["Body"]["Id"], herd.container(after.front(), "web")->id);
}

TEST(Rescheduler, a_users_container_stays_his_and_moves_only_as_he_may_have_it) {
  trust::Users known;
  known["ann"].role = trust::Role::operator_;
  const trust::UserBook users = trust::UserBook::of(known);
  ReschedulingHerd herd(3, {}, 1, &users);
  json body{{"Labels", {{std::string(trust::owner_label), "ann"}}}};
  herd.run_asking(2, "hers", body);
  body["HostConfig"]["Privileged"] = true;  // She was allowed to have it once.
  herd.run_asking(2, "privileged", body);
  body["Labels"][std::string(trust::owner_label)] = "dan";  // Not in the users file any more.
  body.erase("HostConfig");
  herd.run_asking(2, "his", body);
  herd.settle();
  herd.power_off({2});
  herd.time().run_for(1min);
  const auto places = herd.places("hers");
  ASSERT_THAT(places, SizeIs(1));
  EXPECT_EQ(herd.container(places.front(), "hers")->labels.at(std::string(trust::owner_label)),
            "ann");
  EXPECT_EQ(herd.made_ever({1, 3}), 1u);
}

}  // namespace
}  // namespace dockherd::agent
