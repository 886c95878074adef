// Creates through whole nodes: what becomes of each item when a daemon fails it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/small_herd.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const json one{{"action", "create-container"}, {"image", "busybox"}};

json several(int instances, bool start = false) {
  json verb = one;
  verb["instances"] = instances;
  if (start) verb["start"] = true;
  return verb;
}

std::vector<json> items_with(const VerbAnswer& answer, const char* code) {
  std::vector<json> found;
  for (const json& envelope : answer.body["containers"]) {
    if (envelope.value("code", "") == code) found.push_back(envelope);
  }
  return found;
}

TEST(BulkCreate, the_share_of_a_host_that_refuses_goes_to_others) {
  SmallHerd herd(3);
  herd.plan(2, answer_always("POST", "/containers/create", refusal(500, "no space left")));
  const VerbAnswer answer = herd.ask(1, several(12));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body["summary"]["created"], 12);
  EXPECT_THAT(herd.counts(), ElementsAre(6, 0, 6));
}

TEST(BulkCreate, of_two_with_the_same_names_at_one_moment_on_two_nodes_each_name_is_made_once) {
  SmallHerd herd(3);
  json named = several(6);
  named["name"] = "web-{n}";
  const auto one_side = herd.send(1, named);
  const auto other_side = herd.send(2, named);
  herd.time().run_for(10s);
  EXPECT_EQ(herd.total(), 6u);
  int created = 0;
  for (const auto& answer : {one_side, other_side}) {
    created += answer->body["summary"]["created"].get<int>();
    for (const json& envelope : answer->body["containers"]) {
      EXPECT_THAT(envelope["statusCode"].get<int>(), testing::AnyOf(200, 201, 409)) << envelope;
    }
  }
  EXPECT_EQ(created, 6);
}

TEST(BulkCreate, what_nobody_takes_is_failed_with_the_last_refusal) {
  SmallHerd herd(2);
  for (const int number : {1, 2}) {
    herd.plan(number, answer_always("POST", "/containers/create", refusal(500, "no space left")));
  }
  const VerbAnswer answer = herd.ask(1, several(3));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body["summary"]["failed"], 3) << answer.body;
  EXPECT_EQ(answer.body["containers"][0]["error"], "no space left");
  EXPECT_EQ(herd.total(), 0u);
}

TEST(BulkCreate, a_lost_answer_is_unknown_by_host_and_is_not_made_again) {
  for (const auto how : {fakes::LostAnswer::broken, fakes::LostAnswer::silent}) {
    SmallHerd herd(2);
    herd.docker(2).lose_next_answers(2, how);
    const VerbAnswer answer = herd.ask(1, several(8));
    EXPECT_EQ(answer.status, 207);
    EXPECT_EQ(answer.body["summary"]["created"], 6) << answer.body;
    EXPECT_EQ(answer.body["summary"]["unknown"], 2) << answer.body;
    const auto lost =
        items_with(answer, how == fakes::LostAnswer::broken ? "daemon_lost" : "timeout");
    ASSERT_EQ(lost.size(), 2u) << answer.body;
    for (const json& envelope : lost) EXPECT_EQ(envelope["dockerInstance"], "host2");
    EXPECT_THAT(herd.counts(), ElementsAre(4, 4));
  }
}

TEST(BulkCreate, what_cannot_be_started_is_removed_again_and_made_elsewhere) {
  SmallHerd herd(2);
  herd.plan(2, answer_always("POST", "/start", refusal(500, "port is already allocated")));
  const VerbAnswer answer = herd.ask(1, several(4, true));
  EXPECT_EQ(answer.body["summary"]["created"], 4) << answer.body;
  EXPECT_THAT(herd.counts(), ElementsAre(4, 0));
  EXPECT_FALSE(herd.calls(2, "DELETE", "/containers/").empty());
}

TEST(BulkCreate, what_can_be_started_nowhere_is_failed_and_nothing_is_left) {
  SmallHerd herd(1);
  herd.plan(1, answer_always("POST", "/start", refusal(500, "port is already allocated")));
  const VerbAnswer answer = herd.ask(1, several(2, true));
  EXPECT_EQ(answer.body["summary"]["failed"], 2) << answer.body;
  EXPECT_EQ(answer.body["containers"][0]["error"], "port is already allocated");
  EXPECT_EQ(herd.total(), 0u);
}

TEST(BulkCreate, what_can_neither_be_started_nor_removed_is_unknown) {
  SmallHerd herd(2);
  herd.plan(2, [](const DockerRequest& request) -> std::optional<Result<DockerResponse>> {
    const bool starts = request.target.find("/start") != std::string::npos;
    if (!starts && request.method != "DELETE") return std::nullopt;
    return Result<DockerResponse>(refusal(500, "planted"));
  });
  const VerbAnswer answer = herd.ask(1, several(2, true));
  EXPECT_EQ(answer.body["summary"]["created"], 1) << answer.body;
  EXPECT_EQ(answer.body["summary"]["unknown"], 1) << answer.body;
  EXPECT_THAT(answer.body.dump(), HasSubstr("host2"));
  EXPECT_EQ(herd.total(), 2u);
}

TEST(BulkCreate, what_was_never_begun_proves_by_its_code_that_nothing_was_made) {
  SmallHerd herd(2, [](NodeSettings& settings) { settings.new_container_timeout = 1s; });
  herd.docker(1).settings().create = {900ms, 900ms};
  herd.plan(2, answer_always("POST", "/containers/create", refusal(500, "no space left")));
  // All end up on host 1, in the time that was for half of them.
  const VerbAnswer answer = herd.ask(1, several(60));
  const auto late = items_with(answer, "not_begun");
  ASSERT_FALSE(late.empty()) << answer.body["summary"];
  for (const json& envelope : late) {
    EXPECT_EQ(envelope["statusCode"], 504);
    EXPECT_EQ(envelope["dockerInstance"], "host1");
  }
  const json& summary = answer.body["summary"];
  EXPECT_EQ(summary["failed"], late.size());
  EXPECT_EQ(
      summary["created"].get<int>() + summary["failed"].get<int>() + summary["unknown"].get<int>(),
      60);
}

TEST(BulkCreate, an_item_that_broke_inside_a_node_is_an_envelope_all_the_same) {
  SmallHerd herd(2);
  herd.plan(2, [](const DockerRequest& request) -> std::optional<Result<DockerResponse>> {
    if (request.target.find("/containers/create") == std::string::npos) return std::nullopt;
    throw std::runtime_error("planted");
  });
  const VerbAnswer answer = herd.ask(1, several(2));
  EXPECT_EQ(answer.body["summary"]["unknown"], 1) << answer.body;
  const auto broken = items_with(answer, "internal");
  ASSERT_EQ(broken.size(), 1u) << answer.body;
  EXPECT_EQ(broken.front()["dockerInstance"], "host2");
  EXPECT_EQ(broken.front()["statusCode"], 500);
}

TEST(BulkCreate, a_create_whose_event_came_before_its_answer_counts_once) {
  // Counted twice, host 1 would decline the second one and leave it to chance.
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SmallHerd herd(2, {}, seed);
    herd.create_behind(2, 2);
    herd.docker(1).settings().create = {1s, 1s};
    const auto first = herd.send(1, one);
    herd.time().run_for(900ms);
    ASSERT_EQ(herd.counts(), (std::vector<std::size_t>{1, 2}));
    ASSERT_EQ(first->status, 0);
    EXPECT_EQ(herd.ask(2, one).status, 200);
    EXPECT_THAT(herd.counts(), ElementsAre(2, 2)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace dockherd::agent
