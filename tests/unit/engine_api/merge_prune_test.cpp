#include "engine_api/merge_prune.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"
#include "tests/unit/engine_api/answers.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Merged pruned(const std::vector<std::string>& bodies) {
  std::vector<HostAnswer> answers;
  answers.reserve(bodies.size());
  for (const std::string& body : bodies) {
    answers.push_back({"h" + std::to_string(answers.size() + 1), 200, body});
  }
  return merge_prunes(answers);
}

TEST(MergePrunes, unite_what_was_deleted_and_sum_the_space) {
  struct Case {
    std::vector<std::string> bodies;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {{R"({"ContainersDeleted":["a"],"SpaceReclaimed":5})",
        R"({"ContainersDeleted":["b","c"],"SpaceReclaimed":7})"},
       R"({"ContainersDeleted":["a","b","c"],"SpaceReclaimed":12})"},
      {{R"({"ContainersDeleted":null,"SpaceReclaimed":0})",
        R"({"ContainersDeleted":["b"],"SpaceReclaimed":0})"},
       R"({"ContainersDeleted":["b"],"SpaceReclaimed":0})"},
      {{R"({"ContainersDeleted":null,"SpaceReclaimed":0})",
        R"({"ContainersDeleted":null,"SpaceReclaimed":0})"},
       R"({"ContainersDeleted":null,"SpaceReclaimed":0})"},
      {{R"({"VolumesDeleted":[],"SpaceReclaimed":0})"},
       R"({"VolumesDeleted":[],"SpaceReclaimed":0})"},
      {{R"({"VolumesDeleted":["v","w"],"SpaceReclaimed":1})",
        R"({"VolumesDeleted":["v"],"SpaceReclaimed":1})"},
       R"({"VolumesDeleted":["v","w"],"SpaceReclaimed":2})"},
      {{R"({"NetworksDeleted":["n1"]})", R"({"NetworksDeleted":["n1","n2"]})"},
       R"({"NetworksDeleted":["n1","n2"]})"},
      {{R"({"ImagesDeleted":[{"Untagged":"a"},{"Deleted":"1"}],"SpaceReclaimed":3})",
        R"({"ImagesDeleted":[{"Untagged":"a"},{"Deleted":"2"}],"SpaceReclaimed":3})"},
       R"({"ImagesDeleted":[{"Untagged":"a"},{"Deleted":"1"},{"Deleted":"2"}],"SpaceReclaimed":6})"},
      {{R"({"CachesDeleted":null,"SpaceReclaimed":0})"},
       R"({"CachesDeleted":null,"SpaceReclaimed":0})"},
      // Sizes that cannot be.
      {{R"({"SpaceReclaimed":9223372036854775807})", R"({"SpaceReclaimed":5})"},
       R"({"SpaceReclaimed":9223372036854775807})"},
      // Members that only some have, or that are of another type.
      {{R"({"A":["x"],"B":1})", R"({"A":7,"B":["x"],"C":"c"})"}, R"({"A":["x"],"B":1,"C":"c"})"},
      {{R"({})", R"({"NetworksDeleted":["n1"]})"}, R"({"NetworksDeleted":["n1"]})"},
  };
  for (const Case& prune : cases) {
    const Merged merged = pruned(prune.bodies);
    EXPECT_EQ(merged.body, prune.expected + "\n");
    EXPECT_EQ(merged.status, 200);
    EXPECT_THAT(merged.left_out, IsEmpty());
  }
}

TEST(MergePrunes, name_hosts_that_failed_or_are_not_understood) {
  const std::vector<HostAnswer> answers = {
      {"h1", 200, R"({"NetworksDeleted":["n1"]})"},
      {"h2", 409, R"({"message":"a prune operation is already running"})"},
      {"h3", 200, "[]"},
      {"h4", 200, R"({"NetworksDeleted":[what]})"}};
  const Merged merged = merge_prunes(answers);
  EXPECT_EQ(merged.body, "{\"NetworksDeleted\":[\"n1\"]}\n");
  EXPECT_THAT(merged.left_out, ElementsAre("h2", "h3", "h4"));
  const Merged refused = merge_prunes(std::span(answers).subspan(1));
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.body, R"({"message":"a prune operation is already running"})");
}

const std::vector<NodeView>& two_nodes() {
  static const std::vector<NodeView> nodes = [] {
    std::vector<NodeView> views(2);
    views[0].name = "h1";
    views[0].ip = "10.0.0.11";
    views[1].name = "h2";
    return views;
  }();
  return nodes;
}

Merged usage(const std::vector<HostAnswer>& answers) {
  return merge_disk_usages(answers, two_nodes(), NameStyle::node_prefixed);
}

json volume(const std::string& name, int references, int size) {
  return {{"Name", name},
          {"Labels", nullptr},
          {"UsageData", {{"RefCount", references}, {"Size", size}}}};
}

json container(const std::string& name, int created) {
  return {{"Id", name}, {"Names", {"/" + name}}, {"Created", created}, {"Labels", json::object()}};
}

TEST(MergeDiskUsages, add_up_what_the_hosts_say) {
  const json first = {{"LayersSize", 100},
                      {"Images", {{{"Id", "a"}, {"Size", 100}, {"Containers", 1}}}},
                      {"Containers", {container("web", 9), container("old", 1)}},
                      {"Volumes", {volume("v", 1, 10), volume("u", 0, -1)}},
                      {"BuildCache", {{{"ID", "x"}}}},
                      {"BuilderSize", 3}};
  const json second = {{"LayersSize", 200},
                       {"Images", {{{"Id", "a"}, {"Size", 100}, {"Containers", 2}}}},
                       {"Containers", {container("db", 5)}},
                       {"Volumes", {volume("v", 2, 20), volume("u", 0, 7)}},
                       {"BuildCache", nullptr},
                       {"BuilderSize", 4}};
  const Merged merged = usage({{"h1", 200, dump_json(first)}, {"h2", 200, dump_json(second)}});
  const json all = parsed(merged.body);
  EXPECT_THAT(merged.left_out, IsEmpty());
  EXPECT_EQ(all["LayersSize"], 300);
  EXPECT_EQ(all["BuilderSize"], 7);
  EXPECT_EQ(
      all["Images"],
      json::array({{{"Id", "a"}, {"Size", 200}, {"Containers", 3}, {"Nodes", {"h1", "h2"}}}}));
  ASSERT_EQ(all["Containers"].size(), 3);
  EXPECT_EQ(all["Containers"][0]["Names"], json({"/h1/web"}));
  EXPECT_EQ(all["Containers"][1]["Names"], json({"/h2/db"}));
  EXPECT_EQ(all["Containers"][2]["Labels"]["dockherd.node"], "h1");
  EXPECT_EQ(all["Volumes"][0]["UsageData"], json({{"RefCount", 3}, {"Size", 30}}));
  EXPECT_EQ(all["Volumes"][1]["UsageData"], json({{"RefCount", 0}, {"Size", 7}}));
  EXPECT_EQ(all["Volumes"][0]["Nodes"], json({"h1", "h2"}));
  EXPECT_EQ(all["BuildCache"], json::array({{{"ID", "x"}}}));
}

TEST(MergeDiskUsages, keep_what_is_empty_or_was_not_asked_for) {
  const std::string body = R"({"LayersSize":0,"Images":[],"Containers":null,"BuildCache":null})";
  EXPECT_EQ(usage({{"h1", 200, body}, {"h2", 200, body}}).body, body + "\n");
}

TEST(MergeDiskUsages, take_a_list_that_only_a_later_host_has) {
  const Merged merged = usage({{"h1", 200, R"({"Containers":null,"Volumes":null})"},
                               {"h2", 200, R"({"Containers":[{"Id":"1","Names":["/a"]}]})"}});
  EXPECT_EQ(merged.body,
            R"({"Containers":[{"Id":"1","Names":["/h2/a"],"Labels":{"dockherd.node":"h2"}}],)"
            R"("Volumes":null})"
            "\n");
}

TEST(MergeDiskUsages, show_a_host_that_nobody_describes_by_its_name) {
  const Merged merged = usage({{"h9", 200, R"({"Containers":[{"Id":"1","Names":["/a"]}]})"}});
  EXPECT_EQ(parsed(merged.body)["Containers"][0]["Names"], json({"/h9/a"}));
}

TEST(MergeDiskUsages, count_a_host_whole_or_not_at_all) {
  const std::string good = R"({"LayersSize":1,"Images":[{"Id":"a"}]})";
  for (const char* bad :
       {"", "[]", R"({"LayersSize":1,"Images":7})", R"({"Images":[{"Id":"b"}],"Volumes":[7]})",
        R"({"LayersSize":1,"Images":[{"Id":"b"}],"Containers":{}})", R"({"LayersSize":what})"}) {
    const Merged merged = usage({{"h1", 200, bad}, {"h2", 200, good}});
    EXPECT_THAT(merged.left_out, ElementsAre("h1")) << bad;
    EXPECT_EQ(merged.body, "{\"LayersSize\":1,\"Images\":[{\"Id\":\"a\",\"Nodes\":[\"h2\"]}]}\n");
  }
}

}  // namespace
}  // namespace dockherd::engine_api
