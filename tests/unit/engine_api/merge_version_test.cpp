#include "engine_api/merge_version.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"
#include "tests/unit/engine_api/answers.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

json version(const std::string& engine, const std::string& api, const std::string& oldest) {
  return {{"Platform", {{"Name", ""}}},
          {"Components",
           {{{"Name", "Engine"},
             {"Version", engine},
             {"Details", {{"ApiVersion", api}, {"MinAPIVersion", oldest}, {"Os", "linux"}}}},
            {{"Name", "runc"}, {"Version", "1.1.5"}}}},
          {"Version", engine},
          {"ApiVersion", api},
          {"MinAPIVersion", oldest},
          {"Os", "linux"}};
}

Merged merged_versions(const std::vector<json>& bodies) {
  std::vector<HostAnswer> answers;
  answers.reserve(bodies.size());
  for (const json& body : bodies) {
    answers.push_back({"h" + std::to_string(answers.size() + 1), 200, dump_json(body) + "\n"});
  }
  return merge_version(answers, {.id = "HERD", .name = "any-node", .version = "0.1.0"});
}

TEST(MergeVersion, of_one_host_is_its_own_and_the_herds) {
  json expected = version("20.10.24", "1.41", "1.24");
  expected["Components"].push_back({{"Name", "dockherd"},
                                    {"Version", "0.1.0"},
                                    {"Details", {{"Nodes", "1"}, {"h1", "20.10.24 (API 1.41)"}}}});
  const Merged all = merged_versions({version("20.10.24", "1.41", "1.24")});
  EXPECT_EQ(parsed(all.body), expected);
  EXPECT_EQ(all.status, 200);
  EXPECT_THAT(all.left_out, IsEmpty());
}

TEST(MergeVersion, offers_what_every_host_speaks) {
  struct Case {
    std::vector<json> bodies;
    const char* api;
    const char* oldest;
    const char* version;
  };
  const std::vector<Case> cases = {
      {{version("20.10.24", "1.41", "1.12")}, "1.41", "1.24", "20.10.24"},
      {{version("28.2.2", "1.50", "1.24"), version("20.10.24", "1.41", "1.12")},
       "1.41",
       "1.24",
       "20.10.24"},
      {{version("20.10.24", "1.41", "1.12"), version("29.0.0", "1.52", "1.44")},
       "1.41",
       "1.44",
       "20.10.24"},
      {{version("27.1.0", "1.46", ""), version("9.0", "1.100", "1.30")}, "1.46", "1.30", "9.0"},
  };
  for (const Case& herd : cases) {
    const json all = parsed(merged_versions(herd.bodies).body);
    EXPECT_EQ(all["ApiVersion"], herd.api);
    EXPECT_EQ(all["MinAPIVersion"], herd.oldest);
    EXPECT_EQ(all["Version"], herd.version);
    const json& engine = all["Components"][0];
    EXPECT_EQ(engine["Version"], herd.version);
    EXPECT_EQ(engine["Details"]["ApiVersion"], herd.api);
    EXPECT_EQ(engine["Details"]["MinAPIVersion"], herd.oldest);
    EXPECT_EQ(engine["Details"]["Os"], "linux");
  }
}

TEST(MergeVersion, names_each_hosts_version) {
  const json all = parsed(
      merged_versions({version("28.2.2", "1.50", "1.24"), version("20.10.24", "1.41", "1.12")})
          .body);
  EXPECT_EQ(all["Components"].back()["Details"],
            json({{"Nodes", "2"}, {"h1", "28.2.2 (API 1.50)"}, {"h2", "20.10.24 (API 1.41)"}}));
}

TEST(MergeVersion, of_daemons_without_components_gains_none) {
  json old = version("1.12.6", "1.24", "1.12");
  old.erase("Components");
  EXPECT_FALSE(parsed(merged_versions({old}).body).contains("Components"));
}

TEST(MergeVersion, leaves_out_what_is_not_understood) {
  const std::vector<HostAnswer> answers = {
      {"h1", 200, "what"},
      {"h2", 200, R"({"Version":"1"})"},
      {"h3", 200, R"({"Version":"1","ApiVersion":"new"})"},
      {"h4", 200, R"({"Version":1,"ApiVersion":"1.41"})"},
      {"h5", 500, "boom"},
      {"h6", 200, dump_json(version("20.10.24", "1.41", "1.12"))}};
  const Merged all = merge_version(answers, {});
  EXPECT_THAT(all.left_out, ElementsAre("h1", "h2", "h3", "h4", "h5"));
  EXPECT_EQ(parsed(all.body)["Version"], "20.10.24");
  EXPECT_EQ(merge_version(std::span(answers).first(1), {}).status, 502);
}

}  // namespace
}  // namespace dockherd::engine_api
