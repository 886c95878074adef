#include "engine_api/merge_volumes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

json parsed(std::string_view text) {
  auto document = parse_json(text);
  EXPECT_TRUE(document) << text;
  return document ? *document : json();
}

json volume(const std::string& name, const std::string& mountpoint) {
  return {{"Name", name}, {"Mountpoint", mountpoint}, {"Driver", "local"}, {"Labels", nullptr}};
}

std::string list(const std::vector<json>& volumes, const json& warnings = nullptr) {
  return dump_json({{"Volumes", volumes}, {"Warnings", warnings}}) + "\n";
}

Merged merged(std::vector<HostAnswer> answers) {
  return merge_volumes(answers);
}

TEST(MergeVolumes, of_one_name_are_one_volume_of_several_hosts) {
  const Merged all = merged({{"h1", 200, list({volume("a", "/1"), volume("b", "/2")})},
                             {"h2", 200, list({volume("c", "/3"), volume("a", "/4")})}});
  json a = volume("a", "/1");
  json b = volume("b", "/2");
  json c = volume("c", "/3");
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
  const Merged all = merged({{"h1", 200, list({}, {"full"})},
                             {"h2", 200, list({})},
                             {"h3", 200, list({}, {"slow", "old"})}});
  EXPECT_EQ(parsed(all.body),
            json({{"Volumes", json::array()}, {"Warnings", {"h1: full", "h3: slow", "h3: old"}}}));
}

TEST(MergeVolumes, of_hosts_without_any_are_an_empty_list) {
  EXPECT_EQ(merged({{"h1", 200, R"({"Volumes":null,"Warnings":null})"}}).body,
            "{\"Volumes\":[],\"Warnings\":null}\n");
}

TEST(MergeVolumes, leave_out_hosts_that_are_not_understood) {
  const Merged all = merged({{"h1", 200, "[]"},
                             {"h2", 200, "{}"},
                             {"h3", 200, R"({"Volumes":{}})"},
                             {"h4", 200, list({volume("a", "/1")})},
                             {"h5", 503, "boom"},
                             {"h6", 200, R"({"Volumes":[{}]})"},
                             {"h7", 200, R"({"Volumes":[],"X":what})"}});
  EXPECT_EQ(parsed(all.body)["Volumes"].size(), 1);
  EXPECT_THAT(all.left_out, ElementsAre("h1", "h2", "h3", "h5", "h6", "h7"));
  EXPECT_EQ(merged({{"h1", 200, "{}"}}).status, 502);
}

TEST(MergeVolumes, may_be_too_many_to_be_parsed_at_once) {
  constexpr int count = 5000;
  std::vector<json> many;
  many.reserve(count);
  for (int i = 0; i < count; ++i) {
    many.push_back(volume("volume" + std::to_string(i), std::string(900, 'x')));
  }
  const Merged all = merged({{"h1", 200, list(many)}});
  EXPECT_THAT(all.left_out, IsEmpty());
  EXPECT_GT(all.body.size(), limits::json_bytes);
}

TEST(MergeVolumeInspections, are_the_first_hosts_with_the_names_of_all) {
  const Merged all = merge_volume_inspections(
      std::vector<HostAnswer>{{"h1", 404, R"({"message":"get a: no such volume"})"},
                              {"h2", 200, dump_json(volume("a", "/2"))},
                              {"h3", 200, dump_json(volume("a", "/3"))},
                              {"h4", 200, "what"}});
  json expected = volume("a", "/2");
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
