#include "engine_api/merge_images.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"
#include "tests/unit/engine_api/answers.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// As dockerd 20.10 lists it.
constexpr std::string_view busybox =
    R"({"Containers":-1,"Created":1795548117,"Id":"sha256:81","Labels":null,"ParentId":"",)"
    R"("RepoDigests":null,"RepoTags":["busybox:latest"],"SharedSize":-1,"Size":1984172,)"
    R"("VirtualSize":1984172})";

Merged of(std::vector<HostAnswer> answers) {
  return merge_images(answers);
}

json image(const std::string& id, std::int64_t created, json tags, json digests = nullptr,
           std::int64_t containers = -1) {
  return {{"Id", id},
          {"Created", created},
          {"RepoTags", std::move(tags)},
          {"RepoDigests", std::move(digests)},
          {"Containers", containers}};
}

std::string images_list(const std::vector<json>& images) {
  return dump_json(json(images));
}

TEST(MergeImages, of_one_host_are_its_own_and_name_it) {
  const Merged merged = of({{"h1", 200, "[" + std::string(busybox) + "]\n"}});
  EXPECT_EQ(merged.status, 200);
  std::string expected(busybox);
  expected.insert(expected.size() - 1, R"(,"Nodes":["h1"])");
  EXPECT_EQ(merged.body, "[" + expected + "]\n");
}

TEST(MergeImages, with_the_same_id_are_one_with_all_tags_and_digests) {
  const Merged merged =
      of({{"h1", 200, images_list({image("a", 5, {"x:1"}, {"x@1"})})},
          {"h2", 200, images_list({image("b", 9, {"y:1"})})},
          {"h3", 200, images_list({image("a", 5, {"x:2", "x:1"}, {"x@1", "z@2"})})}});
  json a = image("a", 5, {"x:1", "x:2"}, {"x@1", "z@2"});
  json b = image("b", 9, {"y:1"});
  a["Nodes"] = {"h1", "h3"};
  b["Nodes"] = {"h2"};
  EXPECT_EQ(parsed(merged.body), json({b, a}));
}

TEST(MergeImages, lose_none_as_a_tag_where_some_host_has_a_real_one) {
  struct Case {
    json first, second, expected;
  };
  const json none_tag = {"<none>:<none>"};
  const std::vector<Case> cases = {
      {none_tag, {"x:1"}, {"x:1"}},
      {{"x:1"}, none_tag, {"x:1"}},
      {none_tag, none_tag, none_tag},
      {none_tag, nullptr, nullptr},
      {nullptr, none_tag, nullptr},
      {none_tag, json::array(), json::array()},
      {nullptr, nullptr, nullptr},
      {nullptr, {"x:1"}, {"x:1"}},
      {{"<none>:<none>", "x:1"}, nullptr, {"x:1"}},
  };
  for (const Case& tags : cases) {
    const Merged merged = of({{"h1", 200, images_list({image("a", 1, tags.first)})},
                              {"h2", 200, images_list({image("a", 1, tags.second)})}});
    EXPECT_EQ(parsed(merged.body)[0]["RepoTags"], tags.expected) << tags.first << tags.second;
  }
}

TEST(MergeImages, sum_the_containers_that_were_counted) {
  const auto containers = [](std::int64_t first, std::int64_t second) {
    const Merged merged = of({{"h1", 200, images_list({image("a", 1, {}, {}, first)})},
                              {"h2", 200, images_list({image("a", 1, {}, {}, second)})}});
    return parsed(merged.body)[0]["Containers"];
  };
  EXPECT_EQ(containers(-1, -1), -1);
  EXPECT_EQ(containers(2, -1), 2);
  EXPECT_EQ(containers(2, 3), 5);
  EXPECT_EQ(containers(0, 0), 0);
}

TEST(MergeImages, keep_their_size_whatever_the_number_of_hosts) {
  const std::string body = "[" + std::string(busybox) + "]";
  EXPECT_EQ(parsed(of({{"h1", 200, body}, {"h2", 200, body}}).body)[0]["Size"], 1984172);
}

TEST(MergeImages, in_a_sum_of_disks_take_room_on_each_host) {
  const std::string body =
      R"([{"Id":"a","Size":5,"SharedSize":-1,"VirtualSize":5},{"Id":"b","Size":"odd"}])";
  ImageMerge images(ImageMerge::Sizes::all);
  ASSERT_TRUE(images.add("h1", body));
  ASSERT_TRUE(images.add("h2", body));
  const json merged = parsed(images.text());
  EXPECT_EQ(merged[0]["Size"], 10);
  EXPECT_EQ(merged[0]["SharedSize"], -1);
  EXPECT_EQ(merged[0]["VirtualSize"], 10);
  EXPECT_EQ(merged[1]["Size"], "odd");
}

TEST(MergeImages, of_the_same_second_stay_in_the_order_of_their_daemons) {
  const Merged merged = of({{"h1", 200, images_list({image("b", 5, {}), image("a", 5, {})})},
                            {"h2", 200, images_list({image("c", 5, {}), image("d", 6, {})})}});
  std::string order;
  for (const json& entry : parsed(merged.body)) order += entry["Id"].get<std::string>();
  EXPECT_EQ(order, "dbac");
}

TEST(MergeImages, leave_out_hosts_that_are_not_understood) {
  const std::string good = images_list({image("a", 5, {"x:1"})});
  const Merged merged = of({{"h1", 200, "[{}]"},
                            {"h2", 200, good},
                            {"h3", 500, R"({"message":"no"})"},
                            {"h4", 200, "[{\"Id\":\"b\",\"RepoTags\":7}]"},
                            {"h5", 200, "[{\"Id\":\"b\",\"RepoTags\":[7]}]"},
                            {"h6", 200, "[{\"Id\":\"b\",\"Size\":what}]"},
                            {"h7", 200, ""},
                            {"h8", 200, good.substr(0, good.size() - 3)}});
  EXPECT_EQ(merged.status, 200);
  EXPECT_EQ(parsed(merged.body).size(), 1);
  EXPECT_EQ(parsed(merged.body)[0]["Nodes"], json({"h2"}));
  EXPECT_THAT(merged.left_out, ElementsAre("h1", "h3", "h4", "h5", "h6", "h7", "h8"));
}

TEST(MergeImages, of_no_host_that_answers_well_are_its_error) {
  const Merged merged = of({{"h1", 200, "what"}, {"h2", 400, R"({"message":"bad filter"})"}});
  EXPECT_EQ(merged.status, 400);
  EXPECT_EQ(merged.body, R"({"message":"bad filter"})");
}

TEST(MergeImages, of_empty_hosts_are_an_empty_list) {
  EXPECT_EQ(of({{"h1", 200, "[]\n"}, {"h2", 200, "null\n"}}).body, "[]\n");
}

Merged deleted(std::vector<HostAnswer> answers) {
  return merge_image_deletes(answers);
}

TEST(MergeImageDeletes, tell_once_what_is_gone) {
  const Merged merged =
      deleted({{"h1", 200, R"([{"Untagged":"t1:latest"},{"Deleted":"sha256:1"}])"},
               {"h2", 404, R"({"message":"No such image: t1"})"},
               {"h3", 200, R"([{"Untagged":"t1:latest"},{"Deleted":"sha256:2"}])"}});
  EXPECT_EQ(merged.status, 200);
  EXPECT_EQ(merged.body,
            R"([{"Untagged":"t1:latest"},{"Deleted":"sha256:1"},{"Deleted":"sha256:2"}])"
            "\n");
  EXPECT_THAT(merged.left_out, IsEmpty());
}

TEST(MergeImageDeletes, of_an_image_that_nobody_has_are_a_404) {
  const Merged merged = deleted({{"h1", 404, "a"}, {"h2", 404, "b"}});
  EXPECT_EQ(merged.status, 404);
  EXPECT_EQ(merged.body, "a");
}

TEST(MergeImageDeletes, that_a_host_refused_say_where_it_is_gone) {
  const Merged merged = deleted({{"h1", 200, R"([{"Untagged":"t1:latest"}])"},
                                 {"h2", 409, R"({"message":"conflict: in use"})"},
                                 {"h3", 200, "what"},
                                 {"h4", 404, R"({"message":"No such image"})"}});
  EXPECT_EQ(merged.status, 409);
  EXPECT_EQ(parsed(merged.body)["message"],
            "h2: conflict: in use; h3: the answer is not understood; removed on h1");
  EXPECT_THAT(merged.left_out, ElementsAre("h2", "h3"));
}

TEST(MergeImageDeletes, that_every_host_refused_name_each) {
  const Merged merged = deleted(
      {{"h1", 409, R"({"message":"in use"})"}, {"h2", 500, R"({"message":"disk is gone"})"}});
  EXPECT_EQ(merged.status, 409);
  EXPECT_EQ(parsed(merged.body)["message"], "h1: in use; h2: disk is gone");
}

TEST(MergeImageDeletes, of_one_host_pass_as_they_are) {
  EXPECT_EQ(deleted({{"h1", 409, R"({"message":"in use"})"}}).body, R"({"message":"in use"})");
  EXPECT_EQ(deleted({{"h1", 200, "what"}}).status, 502);
  EXPECT_EQ(deleted({}).status, 503);
}

}  // namespace
}  // namespace dockherd::engine_api
