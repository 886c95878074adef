#include "engine_api/merge_volumes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"
#include "tests/unit/engine_api/answers.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

json volume_on(const std::string& name, const std::string& mountpoint) {
  return {{"Name", name}, {"Mountpoint", mountpoint}, {"Driver", "local"}, {"Labels", nullptr}};
}

std::string volumes_list(const std::vector<json>& volumes, const json& warnings = nullptr) {
  return dump_json({{"Volumes", volumes}, {"Warnings", warnings}}) + "\n";
}

Merged merged_volumes(std::vector<HostAnswer> answers) {
  return merge_volumes(answers);
}

TEST(MergeVolumes, of_one_name_are_one_volume_of_several_hosts) {
  const Merged all =
      merged_volumes({{"h1", 200, volumes_list({volume_on("a", "/1"), volume_on("b", "/2")})},
                      {"h2", 200, volumes_list({volume_on("c", "/3"), volume_on("a", "/4")})}});
  json a = volume_on("a", "/1");
  json b = volume_on("b", "/2");
  json c = volume_on("c", "/3");
  a["Labels"] = {{"dockherd.nodes", "h1,h2"}};
  a["Nodes"] = {"h1", "h2"};
  b["Labels"] = {{"dockherd.nodes", "h1"}};
  b["Nodes"] = {"h1"};
  c["Labels"] = {{"dockherd.nodes", "h2"}};
  c["Nodes"] = {"h2"};
  EXPECT_EQ(parsed(all.body), json({{"Volumes", {a, b, c}}, {"Warnings", nullptr}}));
  EXPECT_THAT(all.left_out, IsEmpty());
}

TEST(MergeVolumes, tell_whose_warning_it_is) {
  const Merged all = merged_volumes({{"h1", 200, volumes_list({}, {"full"})},
                                     {"h2", 200, volumes_list({})},
                                     {"h3", 200, volumes_list({}, {"slow", "old"})}});
  EXPECT_EQ(parsed(all.body),
            json({{"Volumes", json::array()}, {"Warnings", {"h1: full", "h3: slow", "h3: old"}}}));
}

TEST(MergeVolumes, of_hosts_without_any_are_an_empty_list) {
  EXPECT_EQ(merged_volumes({{"h1", 200, R"({"Volumes":null,"Warnings":null})"}}).body,
            "{\"Volumes\":[],\"Warnings\":null}\n");
}

TEST(MergeVolumes, leave_out_hosts_that_are_not_understood) {
  const Merged all = merged_volumes({{"h1", 200, "[]"},
                                     {"h2", 200, "{}"},
                                     {"h3", 200, R"({"Volumes":{}})"},
                                     {"h4", 200, volumes_list({volume_on("a", "/1")})},
                                     {"h5", 503, "boom"},
                                     {"h6", 200, R"({"Volumes":[{}]})"},
                                     {"h7", 200, R"({"Volumes":[],"X":what})"}});
  EXPECT_EQ(parsed(all.body)["Volumes"].size(), 1);
  EXPECT_THAT(all.left_out, ElementsAre("h1", "h2", "h3", "h5", "h6", "h7"));
  EXPECT_EQ(merged_volumes({{"h1", 200, "{}"}}).status, 502);
}

TEST(MergeVolumes, may_be_too_many_to_be_parsed_at_once) {
  constexpr int count = 5000;
  std::vector<json> many;
  many.reserve(count);
  for (int i = 0; i < count; ++i) {
    many.push_back(volume_on("volume" + std::to_string(i), std::string(900, 'x')));
  }
  const Merged all = merged_volumes({{"h1", 200, volumes_list(many)}});
  EXPECT_THAT(all.left_out, IsEmpty());
  EXPECT_GT(all.body.size(), limits::json_bytes);
}

TEST(MergeVolumeInspections, are_the_first_hosts_with_the_names_of_all) {
  const Merged all = merge_volume_inspections(
      std::vector<HostAnswer>{{"h1", 404, R"({"message":"get a: no such volume"})"},
                              {"h2", 200, dump_json(volume_on("a", "/2"))},
                              {"h3", 200, dump_json(volume_on("a", "/3"))},
                              {"h4", 200, "what"}});
  json expected = volume_on("a", "/2");
  expected["Nodes"] = {"h2", "h3"};
  EXPECT_EQ(parsed(all.body), expected);
  EXPECT_THAT(all.left_out, ElementsAre("h4"));
}

TEST(MergeVolumeInspections, of_a_volume_that_nobody_has_are_a_404) {
  const Merged all = merge_volume_inspections(std::vector<HostAnswer>{{"h1", 404, "no"}});
  EXPECT_EQ(all.status, 404);
  EXPECT_EQ(all.body, "no");
}

}  // namespace
}  // namespace dockherd::engine_api
