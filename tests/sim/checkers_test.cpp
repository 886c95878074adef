// A checker that cannot fail is not a checker: each one is shown a good herd and a planted fault.
#include "tests/sim/checkers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockherd::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

NodeId node(std::uint8_t number) {
  NodeId::Bytes bytes{};
  bytes[15] = number;
  return NodeId(bytes);
}

VerbRecord answered_create(int number, int asked, std::string body) {
  VerbRecord record;
  record.number = number;
  record.action = "create-container";
  record.asked = asked;
  record.due = TimePoint{} + 10s;
  record.answers = 1;
  record.answered = TimePoint{} + 5s;
  record.status = 200;
  record.body = std::move(body);
  return record;
}

MadeContainer container(std::string id, Duration made = 1s, TimePoint gone = TimePoint::max()) {
  MadeContainer result;
  result.id = std::move(id);
  result.verb = "1";
  result.made = TimePoint{} + made;
  result.gone = gone;
  return result;
}

/// A bulk's answer with those ids as created.
std::string bulk_answer(const std::vector<std::string>& ids, int asked, int created, int failed,
                        int unknown) {
  std::string containers;
  for (const std::string& id : ids) {
    if (!containers.empty()) containers += ',';
    containers += R"({"statusCode":201,"Response":{"Body":{"Id":")" + id + R"("}}})";
  }
  return R"({"containers":[)" + containers + R"(],"summary":{"asked":)" + std::to_string(asked) +
         R"(,"created":)" + std::to_string(created) + R"(,"failed":)" + std::to_string(failed) +
         R"(,"unknown":)" + std::to_string(unknown) + "}}";
}

Complaints accounts(const std::string& body, int asked, std::vector<MadeContainer> made) {
  return check_accounts({answered_create(1, asked, body)}, {{"1", std::move(made)}});
}

/// A create under a key and its repeat.
Records repeated_create(const std::string& body, int asked) {
  Records records = {answered_create(1, asked, body), answered_create(2, asked, body)};
  for (VerbRecord& record : records) record.repeats = 1;
  return records;
}

TEST(OnceChecker, what_was_made_once_and_made_again_after_its_end_is_fine) {
  MadeContainer first{"a", "1", TimePoint{}, TimePoint{} + 1s};
  MadeContainer again{"b", "1", TimePoint{} + 2s};
  EXPECT_THAT(
      check_once(repeated_create(bulk_answer({"b"}, 1, 1, 0, 0), 1), {{"1", {first, again}}}),
      IsEmpty());
}

TEST(OnceChecker, two_at_the_same_time_are_seen) {
  MadeContainer first{"a", "1", TimePoint{}};
  MadeContainer second{"b", "1", TimePoint{} + 2s};
  EXPECT_THAT(
      check_once(repeated_create(bulk_answer({"a"}, 1, 1, 0, 0), 1), {{"1", {first, second}}}),
      ElementsAre(HasSubstr("2 at the same time under one key")));
}

TEST(OnceChecker, a_container_of_another_key_is_seen) {
  EXPECT_THAT(check_once(repeated_create(bulk_answer({"x"}, 1, 1, 0, 0), 1), {}),
              testing::Each(HasSubstr("not made under its key")));
}

TEST(OnceChecker, a_repeat_that_fails_on_a_calm_herd_is_seen) {
  VerbRecord failed = answered_create(1, 1, "{}");
  failed.status = 503;
  EXPECT_THAT(check_completed({failed}), ElementsAre(HasSubstr("503")));
}

TEST(AnswerChecker, an_answer_in_time_is_fine) {
  EXPECT_THAT(check_answers({answered_create(1, 1, "{}")}), IsEmpty());
}

TEST(AnswerChecker, a_missing_answer_is_seen_unless_the_node_ended) {
  VerbRecord record = answered_create(1, 1, "{}");
  record.answers = 0;
  EXPECT_THAT(check_answers({record}), ElementsAre(HasSubstr("never answered")));
  record.node_ended = true;
  EXPECT_THAT(check_answers({record}), IsEmpty());
}

TEST(AnswerChecker, a_late_a_second_and_a_thrown_answer_are_seen) {
  VerbRecord late = answered_create(1, 1, "{}");
  late.answered = TimePoint{} + 11s;
  EXPECT_THAT(check_answers({late}), ElementsAre(HasSubstr("after its deadline")));
  VerbRecord twice = answered_create(2, 1, "{}");
  twice.answers = 2;
  EXPECT_THAT(check_answers({twice}), ElementsAre(HasSubstr("more than once")));
  VerbRecord thrown = answered_create(3, 1, "{}");
  thrown.exception = "bad_alloc";
  EXPECT_THAT(check_answers({thrown}), ElementsAre(HasSubstr("threw bad_alloc")));
}

TEST(AccountChecker, a_bulk_that_adds_up_is_fine) {
  EXPECT_THAT(accounts(bulk_answer({"a", "b"}, 4, 2, 1, 1), 4, {container("a"), container("b")}),
              IsEmpty());
  EXPECT_THAT(accounts(bulk_answer({"a"}, 2, 1, 0, 1), 2, {container("a"), container("x")}),
              IsEmpty());
}

TEST(AccountChecker, a_sum_that_does_not_add_up_is_seen) {
  EXPECT_THAT(accounts(bulk_answer({"a"}, 3, 1, 1, 0), 3, {container("a")}),
              ElementsAre(HasSubstr("is not asked")));
  EXPECT_THAT(accounts(bulk_answer({"a"}, 2, 1, 1, 0), 3, {container("a")}),
              ElementsAre(HasSubstr("asked is not 3")));
}

TEST(AccountChecker, more_than_asked_at_one_time_is_seen_and_one_after_the_other_is_not) {
  const std::string body = bulk_answer({"a"}, 1, 1, 0, 0);
  EXPECT_THAT(accounts(body, 1, {container("a"), container("b")}),
              testing::Contains(HasSubstr("2 at the same time, asked 1")));
  EXPECT_THAT(accounts(body, 1, {container("b", 1s, TimePoint{} + 2s), container("a", 3s)}),
              IsEmpty());
}

TEST(AccountChecker, one_made_but_reported_as_failed_is_seen) {
  EXPECT_THAT(accounts(bulk_answer({"a"}, 2, 1, 1, 0), 2, {container("a"), container("b")}),
              ElementsAre(HasSubstr("2 made, more than created and unknown")));
  EXPECT_THAT(accounts(R"({"code":"docker_refused","error":"no"})", 1, {container("a")}),
              ElementsAre(HasSubstr("1 made, more than created and unknown")));
  EXPECT_THAT(accounts(R"({"code":"timeout","error":"late"})", 1, {container("a")}), IsEmpty());
}

TEST(AccountChecker, one_reported_but_never_made_is_seen) {
  EXPECT_THAT(accounts(bulk_answer({"a", "b"}, 2, 2, 0, 0), 2, {container("a")}),
              ElementsAre(HasSubstr("never made: b")));
  EXPECT_THAT(accounts(bulk_answer({"a", "a"}, 2, 2, 0, 0), 2, {container("a")}),
              ElementsAre(HasSubstr("2 created, but 1 ids")));
}

TEST(AccountChecker, an_answer_that_is_not_json_is_seen) {
  EXPECT_THAT(accounts("oops", 1, {}), ElementsAre(HasSubstr("not a JSON object")));
}

TEST(DirectoryChecker, the_union_of_the_daemons_is_fine_and_every_difference_is_seen) {
  const Directory truth{{"a", node(1)}, {"b", node(2)}};
  EXPECT_THAT(check_directories(truth, {{"host1", truth}, {"host2", truth}}), IsEmpty());
  EXPECT_THAT(check_directories(truth, {{"host1", {{"a", node(1)}}}}),
              ElementsAre(HasSubstr("host1 does not know container b")));
  EXPECT_THAT(check_directories(truth, {{"host1", {{"a", node(2)}, {"b", node(2)}}}}),
              ElementsAre(HasSubstr("owner of a")));
  EXPECT_THAT(
      check_directories(truth, {{"host1", {{"a", node(1)}, {"b", node(2)}, {"c", node(2)}}}}),
      ElementsAre(HasSubstr("which no daemon has")));
}

TEST(CollisionChecker, the_same_names_and_containers_everywhere_are_fine) {
  const Collisions truth{{"web", {"a", "b"}}};
  EXPECT_THAT(check_collisions(truth, {{"host1", truth}, {"host2", truth}}), IsEmpty());
  EXPECT_THAT(check_collisions({}, {{"host1", {}}}), IsEmpty());
}

TEST(CollisionChecker, one_that_is_not_shown_one_that_is_over_and_another_container_are_seen) {
  const Collisions truth{{"web", {"a", "b"}}};
  EXPECT_THAT(check_collisions(truth, {{"host1", truth}, {"host2", {}}}),
              ElementsAre("host2 does not show that several hosts have the name web"));
  EXPECT_THAT(check_collisions({}, {{"host1", truth}}),
              ElementsAre("host1 shows the name web, which is not on two hosts"));
  EXPECT_THAT(check_collisions(truth, {{"host1", {{"web", {"a", "c"}}}}}),
              ElementsAre("host1 shows others than those that have the name web"));
}

TEST(MembershipChecker, missing_and_ended_nodes_are_seen) {
  const std::set<NodeId> living{node(1), node(2)};
  EXPECT_THAT(check_membership(living, {{"host1", living}}), IsEmpty());
  EXPECT_THAT(check_membership(living, {{"host1", {node(1)}}}),
              ElementsAre(HasSubstr("does not see the living node")));
  EXPECT_THAT(check_membership(living, {{"host1", {node(1), node(2), node(3)}}}),
              ElementsAre(HasSubstr("sees the ended node")));
}

TEST(EndpointChecker, missing_foreign_and_left_over_members_are_seen) {
  const Directory truth{{"a", node(1)}, {"b", node(2)}};
  const Endpoints right{{"a", {node(1)}}, {"b", {node(2)}}, {"gone", {}}};
  EXPECT_THAT(check_endpoints(truth, {{"host1", right}, {"host2", right}}), IsEmpty());
  EXPECT_THAT(check_endpoints(truth, {{"host1", {{"a", {node(1)}}}}}),
              ElementsAre(HasSubstr("host1: the endpoint of container b has no member")));
  EXPECT_THAT(check_endpoints(truth, {{"host1", {{"a", {node(1), node(2)}}, {"b", {node(2)}}}}}),
              ElementsAre(HasSubstr("container a has others than")));
  EXPECT_THAT(check_endpoints({}, {{"host1", {{"gone", {node(1)}}}}}),
              ElementsAre(HasSubstr("container gone has a member, but is gone")));
}

TEST(PoolChecker, nodes_that_say_of_a_host_what_is_not_true_are_seen) {
  const std::map<std::string, std::string> states{{"host1", "in the pool"}};
  const std::string in = R"({"nodes":[{"hostname":"host1","state":"in the pool"}]})";
  const std::string out = R"({"nodes":[{"hostname":"host1","state":"out of the pool"}]})";
  EXPECT_THAT(check_pool_views(states, {{"host1", in}, {"host2", in}}), IsEmpty());
  EXPECT_THAT(check_pool_views(states, {{"host1", in}, {"host2", out}}),
              ElementsAre(HasSubstr("host2 sees the pool as")));
  EXPECT_THAT(check_pool_views(states, {{"host1", "{}"}}),
              ElementsAre(HasSubstr("answers list-nodes")));
}

TEST(PoolChecker, nodes_that_agree_on_what_is_wrong_are_seen) {
  const std::string nobody = R"({"nodes":[]})";
  const std::string twice = R"({"nodes":[{"hostname":"host1","state":"in the pool"},)"
                            R"({"hostname":"host1","state":"in the pool"}]})";
  for (const std::string& answer : {nobody, twice}) {
    EXPECT_THAT(check_pool_views({{"host1", "in the pool"}}, {{"host1", answer}}),
                ElementsAre(HasSubstr("host1 sees the pool as")));
  }
}

TEST(PoolChecker, a_host_out_of_the_pool_that_got_containers_is_seen) {
  EXPECT_THAT(check_left_out("host1", {{"host1", 0}, {"host2", 4}}), IsEmpty());
  EXPECT_THAT(check_left_out("host1", {{"host1", 1}, {"host2", 3}}),
              ElementsAre(HasSubstr("host1 is out of the pool and got containers")));
}

VerbRecord answered(int status, std::string body) {
  VerbRecord record = answered_create(1, 0, std::move(body));
  record.status = status;
  return record;
}

TEST(CalmChecker, a_verb_that_fails_is_seen) {
  EXPECT_THAT(check_successes({answered(200, "{}")}), IsEmpty());
  EXPECT_THAT(check_successes({answered(200, "{}"), answered(207, "{}")}),
              ElementsAre(HasSubstr("got 207 on a calm herd")));
}

TEST(CalmChecker, an_inspection_of_another_container_is_seen) {
  const std::string body = R"({"statusCode":200,"Response":{"Body":{"Id":"a"}}})";
  EXPECT_THAT(check_inspection(answered(200, body), "a"), IsEmpty());
  EXPECT_THAT(check_inspection(answered(200, body), "b"), ElementsAre(HasSubstr("not about b")));
  EXPECT_THAT(check_inspection(answered(404, body), "a"), ElementsAre(HasSubstr("got 404")));
}

TEST(CalmChecker, a_deletion_that_deletes_nothing_is_seen) {
  EXPECT_THAT(check_deletion(answered(200, "{}"), "a", {{"b", node(1)}}), IsEmpty());
  EXPECT_THAT(check_deletion(answered(200, "{}"), "a", {{"a", node(1)}}),
              ElementsAre(HasSubstr("left a where it was")));
  EXPECT_THAT(check_deletion(answered(504, "{}"), "a", {}), ElementsAre(HasSubstr("got 504")));
}

TEST(CalmChecker, a_list_with_too_few_too_many_or_twice_the_same_is_seen) {
  const auto list = [](const std::string& entries) {
    return answered(200, R"({"Response":{"Body":[)" + entries + "]}}");
  };
  const Directory truth{{"a", node(1)}, {"b", node(2)}};
  EXPECT_THAT(check_list(list(R"({"Id":"a"},{"Id":"b"})"), truth), IsEmpty());
  EXPECT_THAT(check_list(list(R"({"Id":"a"})"), truth), ElementsAre(HasSubstr("b 0 times")));
  EXPECT_THAT(check_list(list(R"({"Id":"a"},{"Id":"b"},{"Id":"b"})"), truth),
              ElementsAre(HasSubstr("b 2 times")));
  EXPECT_THAT(check_list(list(R"({"Id":"a"},{"Id":"b"},{"Id":"c"})"), truth),
              ElementsAre(HasSubstr("c, which no daemon has")));
  EXPECT_THAT(check_list(answered(200, "{}"), truth), testing::SizeIs(2));
}

TEST(BalanceChecker, a_difference_of_two_is_seen) {
  EXPECT_THAT(check_balance({{"host1", 3}, {"host2", 4}}), IsEmpty());
  EXPECT_THAT(check_balance({{"host1", 3}, {"host2", 5}}), ElementsAre(HasSubstr("more than one")));
}

TEST(ShareChecker, a_host_with_too_many_or_too_few_of_a_bulk_is_seen) {
  EXPECT_THAT(check_shares(1, 7, {{"host1", 3}, {"host2", 2}, {"host3", 2}}), IsEmpty());
  EXPECT_THAT(check_shares(1, 7, {{"host1", 4}, {"host2", 2}, {"host3", 1}}),
              ElementsAre(HasSubstr("unevenly")));
}

// That the checker of sends to lost peers can fail is shown with the network that keeps its
// evidence: sending_to_a_peer_known_to_be_lost_is_noted_until_it_is_dialled_again.

}  // namespace
}  // namespace dockherd::sim
