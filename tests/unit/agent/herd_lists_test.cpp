#include "agent/herd_lists.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"

namespace dockherd::agent {
namespace {

const TimePoint now = TimePoint() + std::chrono::hours(1);

json parsed(const VerbReply& reply) {
  auto document = parse_json(reply.body);
  EXPECT_TRUE(document) << reply.body;
  return document ? *document : json();
}

std::vector<NodeAnswer> three_answers() {
  std::vector<NodeAnswer> answers;
  answers.emplace_back(NodeId({1}), "h1",
                       bus::Reply(200, body_envelope("h1", R"([{"Id":"a"},{"Id":"b"}])")));
  answers.emplace_back(NodeId({2}), "h2", bus::Reply(200, body_envelope("h2", "[]")));
  answers.emplace_back(NodeId({3}), "h3", Error(errc::timeout, "no answer in time"));
  return answers;
}

std::vector<LostNode> one_lost() {
  LostNode lost;
  lost.hostname = "h4";
  lost.reason = "silence";
  lost.since = now - std::chrono::seconds(12);
  return {lost};
}

TEST(HerdLists, both_shapes_hold_every_entry_and_name_who_is_missing) {
  const json list = parsed(merge_lists(three_answers(), one_lost(), ListVerb(), "h1", now));
  EXPECT_EQ(list["statusCode"], 200);
  ASSERT_EQ(list["Response"]["Body"].size(), 2u);
  EXPECT_EQ(list["Response"]["Body"][1]["Id"], "b");
  ASSERT_EQ(list["containers"].size(), 3u);
  EXPECT_EQ(list["containers"][2]["dockerInstance"], "h3");
  EXPECT_EQ(list["containers"][2]["statusCode"], 504);
  ASSERT_EQ(list["missing"].size(), 2u);
  EXPECT_EQ(list["missing"][0]["dockerInstance"], "h3");
  EXPECT_EQ(list["missing"][0]["error"], "no answer in time");
  EXPECT_EQ(list["missing"][1]["dockerInstance"], "h4");
  EXPECT_EQ(list["missing"][1]["error"], "lost 12 s ago: silence");
}

TEST(HerdLists, one_shape_can_be_asked_for) {
  ListVerb verb;
  verb.shape = ListShape::flat;
  const json flat = parsed(merge_lists(three_answers(), {}, verb, "h1", now));
  EXPECT_TRUE(flat.contains("Response"));
  EXPECT_FALSE(flat.contains("containers"));
  verb.shape = ListShape::nodes;
  verb.images = true;
  const json nodes = parsed(merge_lists(three_answers(), {}, verb, "h1", now));
  EXPECT_FALSE(nodes.contains("Response"));
  EXPECT_TRUE(nodes.contains("images"));
}

TEST(HerdLists, a_host_whose_daemon_is_down_is_missing_with_its_own_words) {
  std::vector<NodeAnswer> answers;
  answers.emplace_back(NodeId({1}), "h1", bus::Reply(502, R"({"error":"daemon gone"})"));
  const json list = parsed(merge_lists(answers, {}, ListVerb(), "h1", now));
  EXPECT_EQ(list["missing"][0]["error"], "daemon gone");
  EXPECT_TRUE(list["Response"]["Body"].empty());
}

TEST(HerdLists, a_list_that_nobody_has_fails_as_the_first_host_does) {
  std::vector<NodeAnswer> answers;
  answers.emplace_back(NodeId({1}), "h1",
                       bus::Reply(400, R"({"error":"invalid filter","code":"docker_refused"})"));
  answers.emplace_back(NodeId({2}), "h2", Error(errc::timeout, "no answer in time"));
  const VerbReply reply = merge_lists(answers, {}, ListVerb(), "h2", now);
  EXPECT_EQ(reply.status, 400);
  const json list = parsed(reply);
  EXPECT_EQ(list["statusCode"], 400);
  EXPECT_EQ(list["code"], "docker_refused");
  EXPECT_THAT(list["error"].get<std::string>(), testing::HasSubstr("h1: invalid filter"));
  EXPECT_EQ(list["missing"].size(), 2u);
  EXPECT_EQ(list["containers"].size(), 2u);
}

TEST(HerdLists, nodes_that_do_not_answer_or_are_lost_have_a_row_that_says_so) {
  std::vector<NodeAnswer> answers;
  answers.emplace_back(NodeId({2}), "h2", Error(errc::timeout, "no answer in time"));
  answers.emplace_back(NodeId({1}), "h1", bus::Reply(200, R"({"hostname":"h1"})"));
  const json nodes = parsed(merge_nodes(answers, one_lost(), {}, "h1", now));
  ASSERT_EQ(nodes["nodes"].size(), 3u);
  EXPECT_EQ(nodes["nodes"][0]["hostname"], "h1");
  EXPECT_EQ(nodes["nodes"][1]["state"], "not answering");
  EXPECT_EQ(nodes["nodes"][2]["state"], "lost");
  EXPECT_EQ(nodes["missing"].size(), 2u);
}

TEST(HerdLists, a_row_is_given_its_round_trip) {
  EXPECT_EQ(with_round_trip(R"({"hostname":"h1"})", 0.41249),
            R"({"hostname":"h1","round_trip_ms":0.412})");
}

TEST(HerdLists, names_of_several_hosts_stand_with_their_containers) {
  SharedNames names;
  names.shown.push_back({"web", {{"h1", "1a"}, {"h2", "2b"}}, true});
  names.not_shown = 7;
  const json nodes = parsed(merge_nodes({}, {}, names, "h1", now));
  EXPECT_EQ(nodes["name_collisions"],
            parsed({200, R"([{"name":"web","containers":[{"dockerInstance":"h1","id":"1a"},
                             {"dockerInstance":"h2","id":"2b"}],"more":true}])"}));
  EXPECT_EQ(nodes["name_collisions_not_shown"], 7);
  const json none = parsed(merge_nodes({}, {}, {}, "h1", now));
  EXPECT_EQ(none["name_collisions"], json::array());
  EXPECT_FALSE(none.contains("name_collisions_not_shown"));
}

}  // namespace
}  // namespace dockherd::agent
