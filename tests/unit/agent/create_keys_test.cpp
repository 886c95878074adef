// Creates under an Idempotency-Key: whole nodes with the faults after which a client repeats, and
// the judge of keys by itself.
#include "agent/create_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "tests/unit/agent/small_herd.hpp"
#include "tests/unit/agent/watching_agent.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;

json keyed(const std::string& key, int instances = 0) {
  json verb{{"action", "create-container"}, {"image", "busybox"}, {"key", key}};
  if (instances > 0) verb["instances"] = instances;
  return verb;
}

std::string made_id(const VerbAnswer& answer) {
  return answer.status == 200 ? answer.body["Response"]["Body"]["Id"].get<std::string>() : "";
}

/// Containers under the key, over all daemons.
std::size_t made_under(SmallHerd& herd, const std::string& key) {
  std::size_t count = 0;
  for (int number = 1; number <= herd.size(); ++number) {
    for (const auto& [id, container] : herd.host(number).daemon().containers()) {
      const auto label = container.labels.find(key_label);
      if (label != container.labels.end() && label->second == key) ++count;
    }
  }
  return count;
}

void set_pool(SmallHerd& herd, const std::string& action, const std::vector<int>& numbers) {
  for (const int number : numbers) {
    ASSERT_EQ(herd.ask(number, json{{"action", action}}).status, 200);
  }
}

/// Asks, through host 1, for one under each of these keys while only host 2 takes containers and
/// its daemon hangs: it has been given them, and nobody knows what comes of it.
void give_to_host_2_which_hangs(SmallHerd& herd, const std::vector<std::string>& keys) {
  std::vector<int> others;
  for (int number = 1; number <= herd.size(); ++number) {
    if (number != 2) others.push_back(number);
  }
  set_pool(herd, "unregister", others);
  herd.docker(2).slow_down(1e6);
  std::vector<std::shared_ptr<const VerbAnswer>> answers;
  for (const std::string& key : keys) answers.push_back(herd.send(1, keyed(key)));
  herd.time().run_for(1min);
  for (const auto& answer : answers) EXPECT_GE(answer->status, 500) << answer->body;
  set_pool(herd, "register", others);
}

TEST(CreateKeys, a_repeat_through_any_node_is_answered_with_the_same_container) {
  SmallHerd herd(3);
  const VerbAnswer first = herd.ask(1, keyed("one"));
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_FALSE(first.body.contains("repeated"));
  for (const int through : {1, 2, 3}) {
    const VerbAnswer again = herd.ask(through, keyed("one"));
    EXPECT_EQ(made_id(again), made_id(first)) << again.body;
    EXPECT_EQ(again.body["repeated"], true);
  }
  EXPECT_EQ(herd.total(), 1u);
}

TEST(CreateKeys, of_repeats_at_one_moment_through_all_nodes_one_goes_on) {
  SmallHerd herd(4);
  std::map<std::string, std::vector<std::shared_ptr<const VerbAnswer>>> answers;
  for (int number = 1; number <= 20; ++number) {
    const std::string key = "race-" + std::to_string(number);
    for (const int through : {1, 2, 3, 4}) answers[key].push_back(herd.send(through, keyed(key)));
  }
  herd.time().run_for(30s);
  for (const auto& [key, of_key] : answers) {
    EXPECT_EQ(made_under(herd, key), 1u) << key;
    std::set<std::string> ids;
    for (const auto& answer : of_key) {
      EXPECT_THAT(answer->status, AnyOf(200, 409)) << answer->body;
      if (answer->status == 200) ids.insert(made_id(*answer));
      if (answer->status != 409) continue;
      EXPECT_THAT(answer->body["error"].get<std::string>(), HasSubstr("Idempotency-Key"));
    }
    EXPECT_EQ(ids.size(), 1u) << key;
    EXPECT_EQ(herd.ask(2, keyed(key)).status, 200);
  }
}

TEST(CreateKeys, a_repeat_after_a_lost_answer_finds_what_was_made) {
  for (const auto how : {fakes::LostAnswer::broken, fakes::LostAnswer::silent}) {
    SmallHerd herd(3);
    for (const int number : {1, 2, 3}) herd.docker(number).lose_next_answers(1, how);
    const VerbAnswer first = herd.ask(1, keyed("lost"));
    EXPECT_GE(first.status, 500) << first.body;
    const VerbAnswer again = herd.ask(2, keyed("lost"));
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(again.body["repeated"], true);
    EXPECT_EQ(herd.total(), 1u);
  }
}

TEST(CreateKeys, what_was_made_but_not_begun_is_begun_by_the_repeat) {
  SmallHerd herd(2);
  json verb = keyed("begin");
  verb["start"] = true;
  for (const int number : {1, 2}) {
    herd.docker(number).lose_next_answers(1, fakes::LostAnswer::broken);
  }
  EXPECT_GE(herd.ask(1, verb).status, 500);
  for (const int number : {1, 2}) herd.docker(number).lose_next_answers(0, {});
  const VerbAnswer again = herd.ask(2, verb);
  EXPECT_EQ(again.status, 200) << again.body;
  ASSERT_EQ(herd.total(), 1u);
  for (const int number : {1, 2}) {
    for (const auto& [id, container] : herd.host(number).daemon().containers()) {
      EXPECT_EQ(container.state, fakes::ContainerState::running);
    }
  }
}

// Whether the daemon goes on with a create whose caller has given up follows from the seed.
TEST(CreateKeys, a_daemon_that_hangs_is_waited_for_and_no_other_is_given_a_second_one) {
  std::set<std::size_t> made_when_it_answers;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SmallHerd herd(3, {}, seed);
    give_to_host_2_which_hangs(herd, {"slow"});
    const VerbAnswer refused = herd.ask(3, keyed("slow"));
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_THAT(refused.body["error"].get<std::string>(),
                HasSubstr("given to host2, whose daemon does not answer"));
    EXPECT_EQ(herd.counts()[0] + herd.counts()[2], 0u);
    made_when_it_answers.insert(made_under(herd, "slow"));
    herd.docker(2).slow_down(1);
    herd.time().run_for(15s);
    const VerbAnswer again = herd.ask(3, keyed("slow"));
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(herd.total(), 1u);
  }
  EXPECT_EQ(made_when_it_answers, (std::set<std::size_t>{0, 1}));
}

TEST(CreateKeys, an_agent_that_has_just_started_asks_when_it_knows_its_peers) {
  SmallHerd herd(2);
  const VerbAnswer first = herd.ask(2, keyed("young", 4));
  ASSERT_EQ(first.status, 200) << first.body;
  herd.host(1).end_agent(sim::Ending::killed);
  herd.time().run_for(5s);
  herd.host(1).start_agent();
  const VerbAnswer again = herd.ask(1, keyed("young", 4));
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(made_under(herd, "young"), 4u);
}

TEST(CreateKeys, a_judge_that_does_not_answer_is_waited_for_until_it_is_lost) {
  SmallHerd herd(4);
  const VerbAnswer before = herd.ask(1, keyed("before", 4));
  ASSERT_EQ(before.status, 200) << before.body;
  set_pool(herd, "unregister", {4});
  herd.host(4).set_frozen(true);
  for (const char* key : {"a", "b", "c", "d", "e", "f"}) {
    const VerbAnswer answer = herd.ask(1, keyed(key));
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
  herd.host(4).set_frozen(false);
  herd.time().run_for(10s);
  for (const char* key : {"a", "b", "c", "d", "e", "f"}) {
    EXPECT_EQ(herd.ask(4, keyed(key)).body["repeated"], true) << key;
    EXPECT_EQ(made_under(herd, key), 1u) << key;
  }
}

TEST(CreateKeys, what_goes_on_is_known_to_those_that_judge_after_others_have_restarted) {
  SmallHerd herd(5);
  set_pool(herd, "unregister", {2, 3, 4, 5});
  herd.docker(1).slow_down(600);
  const auto first = herd.send(1, keyed("long", 40));
  ASSERT_TRUE(herd.run_until([&] { return herd.total() >= 1; }, 10s));
  for (const int number : {2, 3, 4, 5}) {
    herd.stop_agent(number);
    herd.start_agent(number);
    herd.time().run_for(1500ms);
  }
  ASSERT_EQ(first->status, 0) << "it ended too early to show anything";
  EXPECT_EQ(herd.ask(3, keyed("long", 40)).status, 409);
  herd.docker(1).slow_down(1);
  ASSERT_TRUE(herd.run_until([&] { return first->status != 0; }, 1min));
  EXPECT_EQ(first->status, 200) << first->body;
  herd.time().run_for(1s);
  EXPECT_EQ(herd.ask(4, keyed("long", 40)).status, 200);
  EXPECT_EQ(made_under(herd, "long"), 40u);
}

TEST(CreateKeys, an_agent_that_comes_and_goes_all_the_time_stops_no_create) {
  SmallHerd herd(4);
  herd.time().run_for(20s);
  for (int round = 1; round <= 6; ++round) {
    herd.restart_agent(4);
    const VerbAnswer answer = herd.ask(1, keyed("round-" + std::to_string(round)));
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
}

TEST(CreateKeys, a_lost_host_that_was_given_something_is_waited_for) {
  SmallHerd herd(4);
  give_to_host_2_which_hangs(herd, {"lost"});
  herd.power_off({2});
  herd.time().run_for(5s);
  for (const int through : {1, 3, 4}) {
    const VerbAnswer refused = herd.ask(through, keyed("lost"));
    EXPECT_EQ(refused.status, 503) << refused.body;
    EXPECT_THAT(refused.body["error"].get<std::string>(), HasSubstr("host2, which is lost"));
  }
  herd.start_agent(2);
  herd.time().run_for(5s);
  EXPECT_EQ(herd.ask(3, keyed("lost")).status, 200);
  EXPECT_EQ(made_under(herd, "lost"), 1u);
}

TEST(CreateKeys, what_the_judges_remember_outlives_all_agents_that_restart_one_after_the_other) {
  SmallHerd herd(6);
  std::vector<std::string> keys;
  for (int number = 1; number <= 12; ++number) keys.push_back("key-" + std::to_string(number));
  give_to_host_2_which_hangs(herd, keys);
  herd.power_off({2});
  herd.time().run_for(5s);
  for (const int number : {1, 3, 4, 5, 6, 3, 1}) herd.restart_agent(number);
  for (const std::string& key : keys) {
    const VerbAnswer refused = herd.ask(4, keyed(key));
    EXPECT_EQ(refused.status, 503) << key << " " << refused.body;
    EXPECT_THAT(refused.body["error"].get<std::string>(), HasSubstr("host2")) << key;
  }
  for (const int number : {1, 3, 4, 5, 6}) {
    EXPECT_TRUE(herd.host(number).daemon().containers().empty()) << number;
  }
}

TEST(CreateKeys, a_host_that_has_refused_for_certain_is_not_waited_for) {
  SmallHerd herd(3);
  set_pool(herd, "unregister", {1, 3});
  herd.plan(2, answer_always("POST", "/containers/create", refusal(400, "no such thing")));
  EXPECT_EQ(herd.ask(1, keyed("refused")).status, 400);
  set_pool(herd, "register", {1, 3});
  herd.power_off({2});
  herd.time().run_for(5s);
  const VerbAnswer again = herd.ask(3, keyed("refused"));
  EXPECT_EQ(again.status, 200) << again.body;
}

TEST(CreateKeys, a_bulk_whose_asked_agent_is_killed_in_the_middle_is_completed_through_another) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SmallHerd herd(3, {}, seed);
    herd.send(1, keyed("cut", 30));
    ASSERT_TRUE(herd.run_until([&] { return herd.total() >= 5; }, 10s));
    herd.host(1).end_agent(sim::Ending::killed);
    ASSERT_LT(herd.total(), 30u);
    herd.time().run_for(5s);
    herd.start_agent(1);
    herd.time().run_for(5s);
    const VerbAnswer again = herd.ask(2, keyed("cut", 30));
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(again.body["summary"]["created"], 30);
    EXPECT_EQ(made_under(herd, "cut"), 30u);
  }
}

TEST(CreateKeys, of_a_bulk_only_what_is_not_there_any_more_is_made_again) {
  SmallHerd herd(3);
  ASSERT_EQ(herd.ask(1, keyed("bulk", 9)).status, 200);
  const auto& on_2 = herd.host(2).daemon().containers();
  std::set<std::string> gone;
  for (const auto& [id, container] : on_2) gone.insert(id);
  ASSERT_EQ(gone.size(), 3u);
  for (const std::string& id : gone) {
    EXPECT_EQ(herd.ask(1, json{{"action", "delete-container"}, {"id", id}}).status, 200);
  }
  const VerbAnswer again = herd.ask(3, keyed("bulk", 9));
  EXPECT_EQ(again.body["summary"]["created"], 9) << again.body;
  EXPECT_EQ(made_under(herd, "bulk"), 9u);
  const auto& answers = again.body["containers"];
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(),
                          [](const json& item) { return item.contains("repeated"); }),
            6);
}

TEST(CreateKeys, the_key_of_another_request_is_refused_and_one_that_is_no_key_is_named) {
  SmallHerd herd(2);
  ASSERT_EQ(herd.ask(1, keyed("same")).status, 200);
  json other = keyed("same");
  other["name"] = "other";
  const VerbAnswer refused = herd.ask(2, other);
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_THAT(refused.body["error"].get<std::string>(), HasSubstr("another request"));
  EXPECT_EQ(herd.ask(2, keyed("same")).status, 200);  // It is not taken for under way.
  for (const std::string& wrong : {std::string("a b"), std::string(129, 'k')}) {
    const VerbAnswer answer = herd.ask(1, keyed(wrong));
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(answer.body["field"], "key");
  }
  EXPECT_EQ(herd.total(), 1u);
}

http_api::Caller operator_named(const std::string& name) {
  return {trust::Principal(name, trust::Role::operator_), "10.0.0.9", false};
}

trust::UserBook two_operators() {
  trust::Users users;
  users["ann"].role = trust::Role::operator_;
  users["bob"].role = trust::Role::operator_;
  return trust::UserBook::of(users);
}

TEST(CreateKeys, keys_of_different_users_are_different_keys) {
  const trust::UserBook users = two_operators();
  SmallHerd herd(2, {}, 1, &users);
  const VerbAnswer of_ann = herd.ask(1, keyed("k"), operator_named("ann"));
  const VerbAnswer of_bob = herd.ask(2, keyed("k"), operator_named("bob"));
  EXPECT_EQ(of_ann.status, 200) << of_ann.body;
  EXPECT_EQ(of_bob.status, 200) << of_bob.body;
  EXPECT_NE(made_id(of_ann), made_id(of_bob));
  EXPECT_EQ(made_id(herd.ask(2, keyed("k"), operator_named("ann"))), made_id(of_ann));
  EXPECT_EQ(herd.total(), 2u);
}

TEST(CreateKeys, labels_of_an_image_and_of_what_is_superseded_stand_for_no_earlier_try) {
  const trust::UserBook users = two_operators();
  SmallHerd herd(2, {}, 1, &users);
  KeyMark mark;
  mark.key = "k";
  mark.user = "ann";
  mark.request = "0123456789abcdef";
  json body = json::object();
  put_mark(body, mark);
  herd.run(1, "by-an-image", body);
  body["Labels"][std::string(trust::owner_label)] = "ann";
  herd.run(2, "web-superseded-0123456789ab", body);
  herd.time().run_for(1s);
  EXPECT_EQ(herd.ask(1, keyed("k"), operator_named("ann")).status, 200);
  herd.run(2, "web", body);  // This one is hers.
  EXPECT_EQ(herd.ask(1, keyed("k"), operator_named("ann")).status, 422);
}

// --- the judge by itself -------------------------------------------------------------------------

class KeyJudge : public WatchingTest {
 protected:
  KeyJudge() {
    add_agent();
    NodeStatus status;
    status.hostname = "asker";
    judge().herd.nodes.put(asker, std::move(status));
  }

  WatchingAgent& judge() { return *agents.front(); }
  VerbReply claim(const std::string& key, const std::string& token) {
    ClaimKeyVerb verb;
    verb.key = key;
    verb.token = token;
    return judge().keys.judge(asker, verb);
  }
  /// What a claim is told of those before it.
  json given(const std::string& key, const std::string& token) {
    const VerbReply reply = claim(key, token);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json::parse(reply.body)["given"];
  }
  bool tell(const json& notice) { return judge().keys.noted(asker, dump_json(notice)).has_value(); }
  void give(const std::string& key, const std::string& token, const json& places) {
    EXPECT_TRUE(tell(json{{"key", key}, {"token", token}, {"given", places}}));
  }
  void end(const std::string& key, const std::string& token) {
    EXPECT_TRUE(tell(json{{"key", key}, {"token", token}, {"ended", true}}));
  }

  const NodeId asker{{7, 7, 7}};
};

TEST_F(KeyJudge, while_one_goes_on_another_is_refused_until_it_ends) {
  EXPECT_EQ(claim("k", "first").status, 200);
  EXPECT_EQ(claim("k", "second").status, 409);
  EXPECT_EQ(claim("k", "first").status, 200);
  EXPECT_EQ(claim("other", "second").status, 200);
  end("k", "first");
  EXPECT_EQ(claim("k", "second").status, 200);
}

TEST_F(KeyJudge, one_whose_end_is_never_heard_of_gives_way_when_its_node_is_lost_or_after_a_while) {
  EXPECT_EQ(claim("k", "first").status, 200);
  time.run_for(11min);
  EXPECT_EQ(claim("k", "second").status, 409);
  time.run_for(2min);
  EXPECT_EQ(claim("k", "second").status, 200);
  EXPECT_EQ(claim("k", "third").status, 409);
  judge().herd.nodes.remove(asker, "silent", time.now());
  judge().keys.on_lost(asker, false);
  EXPECT_EQ(claim("k", "third").status, 409) << "it may be back in a moment";
  time.run_for(4s);
  EXPECT_EQ(claim("k", "third").status, 200);
}

TEST_F(KeyJudge, a_host_that_was_given_one_is_remembered_for_an_hour_unless_it_has_not_made_it) {
  claim("k", "first");
  give("k", "first", json{{"1", "host1"}, {"2", "host2"}});
  give("k", "first", json{{"2", ""}});
  end("k", "first");
  time.run_for(59min);
  EXPECT_EQ(given("k", "second"), (json{{"1", "host1"}}));
  end("k", "second");
  time.run_for(2min);
  EXPECT_EQ(given("k", "third"), json::object());
}

TEST_F(KeyJudge, news_of_others_change_nothing) {
  claim("k", "first");
  give("k", "wrong", json{{"1", "host1"}});
  end("k", "wrong");
  const NodeId stranger({9, 9});
  EXPECT_TRUE(judge().keys.noted(stranger, R"({"key":"k","token":"first","ended":true})"));
  EXPECT_EQ(claim("k", "second").status, 409);
  end("k", "first");
  EXPECT_EQ(given("k", "second"), json::object());
}

TEST_F(KeyJudge, news_that_are_not_understood_are_refused) {
  for (const char* wrong :
       {"", "[]", "{}", R"({"key":1,"token":"t"})", R"({"key":"k","token":"t","ended":"yes"})"}) {
    EXPECT_FALSE(judge().keys.noted(asker, wrong)) << wrong;
  }
  // Numbers that no item has.
  claim("k", "first");
  give("k", "first", json{{"-1", "a"}, {"x", "b"}, {"4294967297", "c"}, {"1", 5}, {"3", "host3"}});
  end("k", "first");
  EXPECT_EQ(given("k", "second"), (json{{"3", "host3"}}));
}

TEST_F(KeyJudge, when_there_are_too_many_keys_the_one_that_ended_first_is_forgotten) {
  for (std::size_t number = 0; number < limits::create_keys; ++number) {
    ASSERT_EQ(claim(std::to_string(number), "t").status, 200) << number;
  }
  EXPECT_EQ(claim("one too many", "t").status, 503);  // All go on.
  EXPECT_EQ(claim("0", "another").status, 409);
  for (const char* ended : {"17", "4"}) {
    give(ended, "t", json{{"1", "host1"}});
    end(ended, "t");
    time.run_for(1s);
  }
  EXPECT_EQ(claim("one more", "t").status, 200);
  EXPECT_EQ(claim("one too many", "t").status, 200);
  EXPECT_EQ(claim("even more", "t").status, 503);
  EXPECT_EQ(claim("4", "again").status, 503);  // Forgotten.
}

TEST_F(KeyJudge, of_too_many_keys_the_later_one_is_kept) {
  for (std::size_t number = 0; number < limits::create_keys; ++number) {
    const std::string key = std::to_string(number);
    ASSERT_EQ(claim(key, "t").status, 200);
    if (number < 2) give(key, "t", json{{"1", "host" + key}});
    if (number < 2) end(key, "t");
    if (number < 2) time.run_for(1s);
  }
  EXPECT_EQ(claim("one more", "t").status, 200);
  EXPECT_EQ(given("1", "again"), (json{{"1", "host1"}}));
  EXPECT_EQ(claim("0", "again").status, 503);
}

TEST_F(KeyJudge, an_agent_that_joins_is_told_what_it_is_to_judge_from_now_on) {
  judge().herd.nodes.remove(asker, std::nullopt, time.now());
  WatchingAgent& joiner = add_agent();
  judge().start();
  for (int number = 1; number <= 10; ++number) {
    const std::string key = "key-" + std::to_string(number);
    ASSERT_TRUE(tell(json{{"key", key}, {"given", {{"1", "host9"}}}}));
  }
  joiner.start();
  time.run_for(5s);
  for (int number = 1; number <= 10; ++number) {
    ClaimKeyVerb verb;
    verb.key = "key-" + std::to_string(number);
    verb.token = "t";
    const VerbReply reply = joiner.keys.judge(joiner.id(), verb);
    EXPECT_EQ(json::parse(reply.body)["given"], (json{{"1", "host9"}})) << verb.key;
  }
}

}  // namespace
}  // namespace dockherd::agent
