#include "engine_api/merge_networks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"
#include "engine_api/network_id.hpp"
#include "tests/unit/engine_api/answers.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

json network(const std::string& name, const std::string& id) {
  return {{"Name", name},
          {"Id", id},
          {"Scope", "local"},
          {"Driver", "bridge"},
          {"Containers", json::object()},
          {"Labels", json::object()}};
}

std::string networks_list(const std::vector<json>& networks) {
  return dump_json(json(networks)) + "\n";
}

Merged merged_networks(std::vector<HostAnswer> answers) {
  return merge_networks(answers);
}

TEST(MergeNetworks, of_one_name_are_one_network_of_several_hosts) {
  const Merged all = merged_networks(
      {{"h1", 200, networks_list({network("bridge", "1"), network("n1", "2")})},
       {"h2", 200,
        networks_list({network("n1", "3"), network("n2", "4"), network("bridge", "5")})}});
  json bridge = network("bridge", "1");
  json n1 = network("n1", "2");
  json n2 = network("n2", "4");
  for (json* each : {&bridge, &n1, &n2}) {
    (*each)["Id"] = herd_network_id((*each)["Name"].get<std::string>());
  }
  bridge["Labels"] = n1["Labels"] = {{"dockherd.nodes", "h1,h2"}};
  bridge["Nodes"] = n1["Nodes"] = {"h1", "h2"};
  n2["Labels"] = {{"dockherd.nodes", "h2"}};
  n2["Nodes"] = {"h2"};
  EXPECT_EQ(parsed(all.body), json({bridge, n1, n2}));
  EXPECT_EQ(all.status, 200);
  EXPECT_THAT(all.left_out, IsEmpty());
}

TEST(MergeNetworks, keep_what_the_daemon_says_as_it_was_written) {
  const Merged all = merged_networks(
      {{"h1", 200,
        R"([{"Name":"n1","Id":"1","Scope":"local","Labels":{"b":"1","a":"2"},"X":1e3}])"}});
  EXPECT_EQ(all.body, R"([{"Name":"n1","Id":")" + herd_network_id("n1") +
                          R"(","Scope":"local","Labels":{"b":"1","a":"2",)"
                          R"("dockherd.nodes":"h1"},"X":1e3,"Nodes":["h1"]}])"
                          "\n");
}

TEST(MergeNetworks, that_one_daemon_has_twice_stay_two) {
  const Merged all =
      merged_networks({{"h1", 200, networks_list({network("n1", "1"), network("n1", "2")})},
                       {"h2", 200, networks_list({network("n1", "3")})}});
  const json networks = parsed(all.body);
  ASSERT_EQ(networks.size(), 2);
  EXPECT_EQ(networks[0]["Nodes"], json({"h1", "h2"}));
  EXPECT_EQ(networks[1]["Id"], "2");
  EXPECT_EQ(networks[1]["Nodes"], json({"h1"}));
}

TEST(MergeNetworks, that_reach_over_hosts_are_told_by_id) {
  json overlay = network("o", "1");
  overlay["Scope"] = "swarm";
  json other = overlay;
  other["Id"] = "2";
  const json networks = parsed(merged_networks({{"h1", 200, networks_list({overlay})},
                                                {"h2", 200, networks_list({overlay, other})}})
                                   .body);
  ASSERT_EQ(networks.size(), 2);
  EXPECT_EQ(networks[0]["Nodes"], json({"h1", "h2"}));
  EXPECT_EQ(networks[1]["Nodes"], json({"h2"}));
}

TEST(MergeNetworks, without_labels_gain_the_one) {
  json plain = network("n1", "1");
  plain["Labels"] = nullptr;
  EXPECT_EQ(parsed(merged_networks({{"h1", 200, networks_list({plain})}}).body)[0]["Labels"],
            json({{"dockherd.nodes", "h1"}}));
}

TEST(MergeNetworks, leave_out_hosts_that_are_not_understood) {
  const Merged all = merged_networks({{"h1", 200, "{}"},
                                      {"h2", 200, networks_list({network("n1", "1")})},
                                      {"h3", 500, "boom"},
                                      {"h4", 200, R"([{"Id":"1"}])"},
                                      {"h5", 200, R"([{"Name":7}])"},
                                      {"h6", 200, R"([{"Name":"n1","X":what}])"}});
  EXPECT_EQ(parsed(all.body).size(), 1);
  EXPECT_THAT(all.left_out, ElementsAre("h1", "h3", "h4", "h5", "h6"));
  EXPECT_EQ(merged_networks({{"h1", 200, "{}"}}).status, 502);
}

Merged inspected(std::vector<HostAnswer> answers) {
  return merge_network_inspections(answers);
}

std::string inspection(const std::string& id, json containers) {
  json body = network("n1", id);
  body["Containers"] = std::move(containers);
  return dump_json(body) + "\n";
}

TEST(MergeNetworkInspections, show_the_containers_of_all_hosts) {
  const Merged all = inspected({{"h1", 200, inspection("1", {{"c1", {{"Name", "web"}}}})},
                                {"h2", 404, R"({"message":"network n1 not found"})"},
                                {"h3", 200, inspection("3", {{"c2", {{"Name", "db"}}}})}});
  json expected = network("n1", herd_network_id("n1"));
  expected["Containers"] = {{"c1", {{"Name", "web"}, {"Node", "h1"}}},
                            {"c2", {{"Name", "db"}, {"Node", "h3"}}}};
  expected["Nodes"] = {"h1", "h3"};
  EXPECT_EQ(parsed(all.body), expected);
  EXPECT_THAT(all.left_out, IsEmpty());
}

TEST(MergeNetworkInspections, have_no_label_of_ours) {
  // Tools compare the labels of a network with those that they made it with.
  const json network = parsed(inspected({{"h1", 200, inspection("1", json::object())}}).body);
  EXPECT_EQ(network["Labels"], json::object());
  EXPECT_EQ(network["Containers"], json::object());
}

TEST(MergeNetworkInspections, take_containers_that_are_null) {
  const Merged all = inspected({{"h1", 200, inspection("1", nullptr)},
                                {"h2", 200, inspection("2", {{"c2", {{"Name", "db"}}}})}});
  EXPECT_EQ(parsed(all.body)["Containers"]["c2"]["Node"], "h2");
}

TEST(MergeNetworkInspections, of_a_network_that_nobody_has_are_a_404) {
  const Merged all = inspected({{"h1", 404, "no a"}, {"h2", 404, "no b"}});
  EXPECT_EQ(all.status, 404);
  EXPECT_EQ(all.body, "no a");
}

TEST(MergeNetworkInspections, name_hosts_that_failed_or_are_not_understood) {
  const Merged all = inspected({{"h1", 500, "boom"},
                                {"h2", 200, "[]"},
                                {"h3", 200, inspection("3", json::object())},
                                {"h4", 200, inspection("4", {1})}});
  EXPECT_EQ(parsed(all.body)["Nodes"], json({"h3"}));
  EXPECT_THAT(all.left_out, ElementsAre("h1", "h2", "h4"));
}

TEST(MergeNetworkInspections, that_may_exist_on_a_host_that_failed_are_a_404_that_says_so) {
  const Merged all = inspected({{"h1", 500, "boom"}, {"h2", 404, "no"}});
  EXPECT_EQ(all.status, 404);
  EXPECT_EQ(all.body, "no");
  EXPECT_THAT(all.left_out, ElementsAre("h1"));
  EXPECT_EQ(inspected({{"h1", 500, "boom"}, {"h2", 502, "gone"}}).status, 500);
}

}  // namespace
}  // namespace dockherd::engine_api
