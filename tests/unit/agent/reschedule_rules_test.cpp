#include "agent/reschedule_rules.hpp"

#include <gmock/gmock.h>

#include "engine_api/create_rules.hpp"

namespace dockherd::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Names = std::vector<std::string>;

const std::string id_a(64, 'a');
const std::string id_b(64, 'b');

NodeId node_of(std::uint8_t last) {
  NodeId::Bytes bytes{};
  bytes[15] = last;
  return NodeId(bytes);
}

json inspection() {
  return json::parse(R"({
    "Id":")" + id_a + R"(","Name":"/web","State":{"Status":"running","Running":true},
    "Config":{"Hostname":"aaaaaaaaaaaa","Image":"busybox:1","Cmd":["sleep","9"],"Env":["A=b"],
      "Labels":{"com.docker.swarm.reschedule-policies":"[\"on-node-failure\"]",
                "com.docker.swarm.constraints":"[\"storage==ssd\"]"}},
    "HostConfig":{"NetworkMode":"app","RestartPolicy":{"Name":"always"},"Memory":1000},
    "NetworkSettings":{"IPAddress":"172.17.0.2","Networks":{"app":{"IPAMConfig":null,
      "Aliases":["web","aaaaaaaaaaaa"],"IPAddress":"10.1.0.3","EndpointID":"x"}}}})");
}

TEST(RescheduleRules, a_policy_is_found_in_the_label_that_dockherd_stores_and_in_the_users_own) {
  EXPECT_TRUE(
      asks_for_rescheduling({{"com.docker.swarm.reschedule-policies", R"(["on-node-failure"])"}}));
  EXPECT_TRUE(asks_for_rescheduling({{"reschedule:on-node-failure", ""}}));
  EXPECT_FALSE(asks_for_rescheduling({{"com.docker.swarm.reschedule-policies", R"(["off"])"}}));
  EXPECT_FALSE(asks_for_rescheduling({{"com.docker.swarm.reschedule-policies", "nonsense"}}));
  EXPECT_FALSE(asks_for_rescheduling({}));
}

TEST(RescheduleRules, a_specification_has_what_the_user_wished_and_not_what_the_daemon_made_up) {
  const auto made = specification_of(inspection());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->id, id_a);
  EXPECT_EQ(made->name, "web");
  EXPECT_TRUE(made->runs);
  const json body = json::parse(made->body);
  EXPECT_EQ(body["Image"], "busybox:1");
  EXPECT_EQ(body["Env"], json::array({"A=b"}));
  EXPECT_FALSE(body.contains("Hostname"));
  EXPECT_EQ(body["HostConfig"]["RestartPolicy"]["Name"], "always");
  EXPECT_EQ(body["NetworkingConfig"]["EndpointsConfig"]["app"], json({{"Aliases", {"web"}}}));
  EXPECT_EQ(body["Labels"][supersedes_label], id_a);
}

TEST(RescheduleRules, what_a_daemon_writes_where_nothing_was_asked_for_is_no_operators_wish) {
  json told = inspection();
  told["HostConfig"]["CgroupnsMode"] = "host";
  EXPECT_EQ(json::parse(specification_of(told)->body)["HostConfig"]["CgroupnsMode"], "host");
  told["Config"]["Labels"]["dockherd.owner"] = "ann";
  EXPECT_FALSE(json::parse(specification_of(told)->body)["HostConfig"].contains("CgroupnsMode"));
  told["HostConfig"]["CgroupnsMode"] = "private";
  EXPECT_EQ(json::parse(specification_of(told)->body)["HostConfig"]["CgroupnsMode"], "private");
}

TEST(RescheduleRules, the_constraints_hold_again_for_what_is_made_of_it) {
  const auto made = specification_of(inspection());
  ASSERT_TRUE(made);
  json body = json::parse(made->body);
  const auto rules = engine_api::read_create_rules(body);
  ASSERT_TRUE(rules) << rules.error().message;
  EXPECT_THAT(rules->constraints, SizeIs(1));
  EXPECT_EQ(rules->reschedule_policy, "on-node-failure");
}

TEST(RescheduleRules, a_hostname_of_the_users_is_kept) {
  json with_hostname = inspection();
  with_hostname["Config"]["Hostname"] = "frontend";
  const auto made = specification_of(with_hostname);
  ASSERT_TRUE(made);
  EXPECT_EQ(json::parse(made->body)["Hostname"], "frontend");
}

TEST(RescheduleRules, what_was_superseded_before_is_remembered_and_their_number_is_bounded) {
  json again = inspection();
  std::string label;
  for (int i = 0; i < 20; ++i) label += (i > 0 ? "," : "") + id_b;
  again["Config"]["Labels"][supersedes_label] = label;
  const auto made = specification_of(again);
  ASSERT_TRUE(made);
  const std::string text = json::parse(made->body)["Labels"][supersedes_label];
  const auto ids = superseded_ids(text);
  EXPECT_THAT(ids, SizeIs(8));
  EXPECT_EQ(ids.back(), id_a);
}

TEST(RescheduleRules, what_is_no_container_has_no_specification) {
  for (const char* text : {"null", "[]", "{}", R"({"Config":{}})", R"({"Config":7})"}) {
    EXPECT_FALSE(specification_of(json::parse(text))) << text;
  }
}

TEST(RescheduleRules, a_specification_goes_over_the_wire_whole) {
  auto made = specification_of(inspection()).value();
  made.keepers = {node_of(1), node_of(2)};
  const auto back = decode_specification(encode_specification(made));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, made);
}

TEST(RescheduleRules, a_specification_that_is_not_understood_names_the_member) {
  const std::string good = encode_specification(specification_of(inspection()).value());
  for (const char* member : {"id", "name", "body", "runs", "keepers"}) {
    json changed = json::parse(good);
    changed[member] = 7;
    const auto decoded = decode_specification(changed.dump());
    ASSERT_FALSE(decoded) << member;
    EXPECT_EQ(decoded.error().field, member);
  }
}

TEST(RescheduleRules, three_keep_it_the_same_for_all_and_others_than_its_owner_share_the_work) {
  std::map<NodeId, int> first;
  for (int i = 0; i < 300; ++i) {
    const std::string id = "container " + std::to_string(i);
    const auto keepers =
        keepers_of(id, {node_of(1), node_of(2), node_of(3), node_of(4), node_of(5)});
    ASSERT_THAT(keepers, SizeIs(3));
    EXPECT_EQ(keepers,
              keepers_of(id, {node_of(5), node_of(3), node_of(1), node_of(2), node_of(4)}));
    ++first[keepers.front()];
  }
  for (std::uint8_t i = 1; i <= 5; ++i) EXPECT_GT(first[node_of(i)], 20);
  EXPECT_THAT(keepers_of("x", {node_of(1)}), ElementsAre(node_of(1)));
  EXPECT_THAT(keepers_of("x", {}), IsEmpty());
}

TEST(RescheduleRules, the_greater_side_of_a_split_acts_and_never_both) {
  const Names all = {"h1", "h2", "h3", "h4", "h5", "h6"};
  for (unsigned split = 0; split < 1u << all.size(); ++split) {
    Names one;
    Names two;
    for (std::size_t i = 0; i < all.size(); ++i) {
      ((split >> i) & 1 ? one : two).push_back(all[i]);
    }
    if (one.empty() || two.empty()) continue;
    EXPECT_NE(may_reschedule(one, two), may_reschedule(two, one)) << split;
    if (one.size() > two.size()) {
      EXPECT_TRUE(may_reschedule(one, two));
    }
  }
  EXPECT_TRUE(may_reschedule({"h2", "h3", "h4"}, {"h1", "h5"}));
  EXPECT_FALSE(may_reschedule({}, {}));
}

TEST(RescheduleRules, what_is_no_id_supersedes_nothing) {
  EXPECT_THAT(superseded_ids(""), IsEmpty());
  EXPECT_THAT(superseded_ids("web,," + std::string(64, 'g')), IsEmpty());
  EXPECT_THAT(superseded_ids(id_a + "," + id_b), ElementsAre(id_a, id_b));
}

TEST(RescheduleRules, nobody_writes_the_label_of_what_is_superseded_himself) {
  for (const char* labels : {"Labels", "labels", "LABELS"}) {
    json body{{labels, {{supersedes_label, id_a}, {"tier", "front"}}}};
    drop_supersedes(body);
    EXPECT_EQ(body[labels], json({{"tier", "front"}}));
  }
}

TEST(RescheduleRules, the_daemons_own_lists_of_paths_are_left_out_and_the_users_empty_ones_kept) {
  json inspected = inspection();
  inspected["HostConfig"]["MaskedPaths"] = {"/proc/kcore"};
  inspected["HostConfig"]["ReadonlyPaths"] = json::array();
  const json body = json::parse(specification_of(inspected).value().body);
  EXPECT_FALSE(body["HostConfig"].contains("MaskedPaths"));
  EXPECT_EQ(body["HostConfig"]["ReadonlyPaths"], json::array());
}

}  // namespace
}  // namespace dockherd::agent
