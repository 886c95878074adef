// Quotas over whole nodes: many creates at once, answers that are lost, hosts and judges that are
// gone; and the judge by itself.
#include "agent/quota_judge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/agent/small_herd.hpp"
#include "tests/unit/agent/watching_agent.hpp"
#include "trust/user_book.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

trust::UserBook ann_with(const trust::Quota& quota) {
  trust::Users users;
  users["ann"].role = trust::Role::operator_;
  users["ann"].quota = quota;
  users["bob"].role = trust::Role::operator_;
  return trust::UserBook::of(users);
}

trust::UserBook ann_with_containers(std::int64_t containers) {
  trust::Quota quota;
  quota.containers = containers;
  return ann_with(quota);
}

http_api::Caller by_user(const std::string& name) {
  return {trust::Principal(name, trust::Role::operator_), "10.0.0.9", false};
}

json busybox(int instances, const std::string& key = "") {
  json verb{{"action", "create-container"}, {"image", "busybox"}, {"instances", instances}};
  if (!key.empty()) verb["key"] = key;
  return verb;
}

std::string error_of(const VerbAnswer& answer) {
  return answer.body.value("error", "");
}

TEST(QuotaJudge, what_goes_beyond_is_refused_with_what_is_used_and_others_go_on) {
  const trust::UserBook users = ann_with_containers(5);
  SmallHerd herd(3, {}, 1, &users);
  EXPECT_EQ(herd.ask(1, busybox(3), by_user("ann")).status, 200);
  const VerbAnswer refused = herd.ask(2, busybox(3), by_user("ann"));
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_THAT(error_of(refused), HasSubstr("containers: 3 of 5 are used, 3 more asked"));
  EXPECT_EQ(herd.ask(3, busybox(2), by_user("ann")).status, 200);
  EXPECT_EQ(herd.ask(3, busybox(1), by_user("ann")).status, 403);
  EXPECT_EQ(herd.ask(3, busybox(9), by_user("bob")).status, 200);
  EXPECT_EQ(herd.total(), 14u);
}

TEST(QuotaJudge, creates_at_one_moment_through_all_nodes_stay_within_it_together) {
  const trust::UserBook users = ann_with_containers(5);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SmallHerd herd(4, {}, seed, &users);
    std::vector<std::shared_ptr<const VerbAnswer>> answers;
    for (int round = 0; round < 3; ++round) {
      for (const int through : {1, 2, 3, 4}) {
        answers.push_back(herd.send(through, busybox(1), by_user("ann")));
      }
    }
    herd.time().run_for(30s);
    EXPECT_EQ(herd.total(), 5u) << seed;
    const auto made = std::count_if(answers.begin(), answers.end(),
                                    [](const auto& answer) { return answer->status == 200; });
    EXPECT_EQ(made, 5) << seed;
  }
}

TEST(QuotaJudge, memory_and_cpus_are_counted_and_must_be_stated) {
  trust::Quota quota;
  quota.memory_bytes = 64 << 20;
  quota.nano_cpus = 1'500'000'000;
  const trust::UserBook users = ann_with(quota);
  SmallHerd herd(2, {}, 1, &users);
  const VerbAnswer unstated = herd.ask(1, busybox(1), by_user("ann"));
  EXPECT_EQ(unstated.status, 403) << unstated.body;
  const auto asking = [](std::int64_t memory, std::int64_t nano_cpus) {
    const json host{{"Memory", memory}, {"NanoCpus", nano_cpus}};
    return json{{"action", "create-container"},
                {"body", {{"Image", "busybox"}, {"HostConfig", host}}}};
  };
  EXPECT_EQ(herd.ask(1, asking(32 << 20, 1'000'000'000), by_user("ann")).status, 200);
  const VerbAnswer memory = herd.ask(2, asking(48 << 20, 100'000'000), by_user("ann"));
  EXPECT_EQ(memory.status, 403) << memory.body;
  EXPECT_THAT(error_of(memory), HasSubstr("memory: 32 MiB of 64 MiB are used, 48 MiB more asked"));
  const VerbAnswer cpus = herd.ask(2, asking(8 << 20, 1'000'000'000), by_user("ann"));
  EXPECT_EQ(cpus.status, 403) << cpus.body;
  EXPECT_THAT(error_of(cpus), HasSubstr("CPUs: 1 of 1.5 are used, 1 more asked"));
  EXPECT_EQ(herd.ask(2, asking(32 << 20, 500'000'000), by_user("ann")).status, 200);
}

TEST(QuotaJudge, more_than_a_number_holds_does_not_go_round_to_within_the_quota) {
  trust::Quota quota;
  quota.memory_bytes = 1 << 30;
  const trust::UserBook users = ann_with(quota);
  SmallHerd herd(2, {}, 1, &users);
  const auto asking = [](std::int64_t memory, int instances) {
    return json{{"action", "create-container"},
                {"instances", instances},
                {"body", {{"Image", "busybox"}, {"HostConfig", {{"Memory", memory}}}}}};
  };
  std::vector<std::shared_ptr<const VerbAnswer>> answers;
  for (int i = 0; i < 20; ++i) {  // Ten thousand of 64 TiB each, twenty times at once.
    answers.push_back(herd.send(1 + i % 2, asking(std::int64_t{1} << 46, 10'000), by_user("ann")));
  }
  herd.time().run_for(30s);
  for (const auto& answer : answers) EXPECT_EQ(answer->status, 403) << answer->body;
  EXPECT_EQ(herd.total(), 0u);
  EXPECT_EQ(herd.ask(1, asking(1 << 20, 1), by_user("ann")).status, 200);
  const auto most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(herd.ask(2, asking(most, 1), by_user("ann")).status, 403);
}

TEST(QuotaJudge, what_was_refused_by_a_daemon_or_removed_is_free_again) {
  const trust::UserBook users = ann_with_containers(2);
  SmallHerd herd(2, {}, 1, &users);
  for (const int number : {1, 2}) {
    herd.plan(number, answer_always("POST", "/containers/create", refusal(500, "disk full")));
  }
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(herd.ask(1, busybox(2), by_user("ann")).status, 500);
  }
  for (const int number : {1, 2}) {
    herd.plan(number, [](const DockerRequest&) { return std::nullopt; });
  }
  const VerbAnswer made = herd.ask(1, busybox(2), by_user("ann"));
  EXPECT_EQ(made.status, 200) << made.body;
  const std::string id = made.body["containers"][0]["Response"]["Body"]["Id"];
  EXPECT_EQ(herd.ask(2, busybox(1), by_user("ann")).status, 403);
  EXPECT_EQ(herd.ask(2, json{{"action", "delete-container"}, {"id", id}}, by_user("ann")).status,
            200);
  EXPECT_EQ(herd.ask(2, busybox(1), by_user("ann")).status, 200);
}

TEST(QuotaJudge, one_in_doubt_counts_until_it_would_have_shown) {
  const trust::UserBook users = ann_with_containers(1);
  SmallHerd herd(3, {}, 1, &users);
  const std::shared_ptr<bool> hangs = std::make_shared<bool>(true);
  for (const int number : {1, 2, 3}) {
    herd.plan(number,
              [hangs](const DockerRequest& request) -> std::optional<Result<DockerResponse>> {
                const bool creates = request.target.find("/containers/create") != std::string::npos;
                if (!*hangs || !creates) return std::nullopt;
                return Error(errc::daemon_lost, "broken before the answer");
              });
  }
  EXPECT_GE(herd.ask(1, busybox(1), by_user("ann")).status, 500);
  *hangs = false;
  EXPECT_EQ(herd.ask(2, busybox(1), by_user("ann")).status, 403);
  herd.time().run_for(2min);
  EXPECT_EQ(herd.ask(2, busybox(1), by_user("ann")).status, 200);
  EXPECT_EQ(herd.total(), 1u);
}

TEST(QuotaJudge, as_long_as_a_node_does_not_say_what_it_has_nothing_is_made) {
  const trust::UserBook users = ann_with_containers(5);
  SmallHerd herd(3, {}, 1, &users);
  // One of hers whose share of the quota its agent cannot learn.
  std::string unknown = "none yet";
  herd.plan(3, [&](const DockerRequest& request) -> std::optional<Result<DockerResponse>> {
    if (request.target.find("/containers/" + unknown) == std::string::npos) return std::nullopt;
    return refusal(500, "this one hangs");
  });
  unknown = herd.run(3, "hers", json{{"Labels", {{std::string(trust::owner_label), "ann"}}}});
  herd.time().run_for(3s);
  const VerbAnswer refused = herd.ask(1, busybox(1), by_user("ann"));
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_THAT(error_of(refused), HasSubstr("host3 does not say what ann has there"));
  unknown = "none any more";
  herd.time().run_for(3s);
  EXPECT_EQ(herd.ask(1, busybox(4), by_user("ann")).status, 200);
  EXPECT_EQ(herd.ask(1, busybox(1), by_user("ann")).status, 403);
}

TEST(QuotaJudge, what_a_lost_host_has_counts_again_when_it_is_back) {
  const trust::UserBook users = ann_with_containers(6);
  SmallHerd herd(3, {}, 1, &users);
  ASSERT_EQ(herd.ask(1, busybox(6), by_user("ann")).status, 200);
  EXPECT_EQ(herd.ask(1, busybox(1), by_user("ann")).status, 403);
  // Whoever of them judges.
  for (const int gone : {1, 2, 3}) {
    const int through = gone % 3 + 1;
    herd.power_off({gone});
    herd.time().run_for(5s);
    EXPECT_EQ(herd.ask(through, busybox(1), by_user("ann")).status, 200) << gone;
    EXPECT_EQ(herd.ask(through, busybox(2), by_user("ann")).status, 403) << gone;
    herd.start_agent(gone);
    herd.time().run_for(5s);
    EXPECT_EQ(herd.ask(through, busybox(1), by_user("ann")).status, 403) << gone;
    // As before: two on each.
    for (const int number : {1, 2, 3}) {
      auto& daemon = herd.host(number).daemon();
      if (daemon.containers().size() <= 2) continue;
      const std::string last = daemon.containers().begin()->first;
      daemon.remove(last, WallTime{} + herd.time().elapsed());
    }
    ASSERT_EQ(herd.total(), 6u);
    herd.time().touch_all();
    herd.time().run_for(3s);
  }
}

TEST(QuotaJudge, a_repeat_under_a_key_asks_only_for_what_is_not_there) {
  const trust::UserBook users = ann_with_containers(3);
  SmallHerd herd(2, {}, 1, &users);
  ASSERT_EQ(herd.ask(1, busybox(3, "k"), by_user("ann")).status, 200);
  const VerbAnswer again = herd.ask(2, busybox(3, "k"), by_user("ann"));
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.body["summary"]["created"], 3);
}

TEST(QuotaJudge, a_judge_that_does_not_know_the_user_grants_nothing) {
  trust::Users many;
  for (int number = 1; number <= 12; ++number) {
    trust::User& user = many["user-" + std::to_string(number)];
    user.role = trust::Role::operator_;
    user.quota.containers = 1;
  }
  const trust::UserBook users = trust::UserBook::of(many);
  const trust::UserBook none = trust::UserBook::of({});
  SmallHerd herd(2, {}, 1, &users);
  herd.host(2).users = &none;
  herd.restart_agent(2);
  // So that it judges, but makes nothing.
  ASSERT_EQ(herd.ask(2, json{{"action", "unregister"}}).status, 200);
  std::size_t granted = 0;
  for (const auto& [name, user] : many) {
    const VerbAnswer answer = herd.ask(1, busybox(1), by_user(name));
    if (answer.status == 200) {
      ++granted;
      continue;
    }
    EXPECT_EQ(answer.status, 403) << answer.body;
    EXPECT_THAT(error_of(answer), HasSubstr("is not in the users file of host2"));
  }
  EXPECT_GT(granted, 0u);
  EXPECT_LT(granted, many.size());
  EXPECT_EQ(herd.total(), granted);
}

class QuotaNews : public WatchingTest {};

TEST_F(QuotaNews, a_release_that_is_not_understood_is_refused) {
  WatchingAgent& agent = add_agent();
  EXPECT_TRUE(agent.quotas.released(R"({"user":"ann","token":"t"})"));
  for (const char* wrong :
       {"", "[]", "{}", R"({"user":"ann"})", R"({"token":"t"})", R"({"user":1,"token":"t"})"}) {
    EXPECT_FALSE(agent.quotas.released(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace dockherd::agent
