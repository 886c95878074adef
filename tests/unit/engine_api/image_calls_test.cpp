#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine_api/daemon_script.hpp"

namespace dockherd::engine_api {
namespace {

using ::testing::HasSubstr;

/// Two hosts; the first is asked.
class ImageCalls : public HerdInThread {
 protected:
  void begin() {
    add_host(first.handler());
    add_host(second.handler());
    start();
  }
  static std::string inspection(const std::string& id) {
    return "{\"Id\":\"sha256:" + id + "\",\"RepoTags\":[]}\n";
  }

  DaemonScript first, second;
};

TEST_F(ImageCalls, list_has_each_image_once) {
  const std::string list = R"([{"Id":"sha256:1","RepoTags":["a:1"],"Created":1}])";
  first.on("GET /v1.41/images/json?all=1", 200, list);
  second.on("GET /v1.41/images/json?all=1", 200, list);
  begin();
  const Answer answer = ask("GET", "/v1.41/images/json?all=1");
  EXPECT_EQ(
      answer.body,
      "[{\"Id\":\"sha256:1\",\"RepoTags\":[\"a:1\"],\"Created\":1,\"Nodes\":[\"h1\",\"h2\"]}]\n");
}

TEST_F(ImageCalls, inspect_of_what_this_host_has_asks_no_other) {
  first.on("GET /images/a/json", 200, inspection("1"));
  second.on("GET /images/a/json", 200, inspection("2"));
  begin();
  EXPECT_EQ(ask("GET", "/images/a/json").body, inspection("1"));
  EXPECT_TRUE(second.calls().empty());
}

TEST_F(ImageCalls, inspect_of_what_another_host_has_is_its_answer) {
  second.on("GET /images/a/json", 200, inspection("2"));
  begin();
  const Answer answer = ask("GET", "/images/a/json");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, inspection("2"));
}

TEST_F(ImageCalls, inspect_of_what_nobody_has_is_a_404_that_names_the_hosts_that_did_not_say) {
  second.on("GET /images/a/json", 500, "{\"message\":\"trouble\"}");
  begin();
  const Answer answer = ask("GET", "/images/a/json");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "{\"message\":\"No such image\"}\n");
  EXPECT_THAT(answer.head, HasSubstr("Warning: 199 dockherd \"not in this answer: h2\""));
}

TEST_F(ImageCalls, history_and_save_come_from_a_host_that_has_it) {
  second.on("GET /images/a/json", 200, inspection("2"));
  second.on("GET /images/a/history", 200, "[]");
  second.on("GET /images/a/get", 200, "tar");
  begin();
  EXPECT_EQ(ask("GET", "/images/a/history").body, "[]");
  EXPECT_EQ(ask("GET", "/images/a/get").body, "tar");
  EXPECT_FALSE(first.was_asked("GET /images/a/get"));
}

TEST_F(ImageCalls, push_comes_from_a_host_that_has_the_tag) {
  first.on("GET /images/a%3A1/json", 200, inspection("1"));
  second.on("GET /images/a%3A2/json", 200, inspection("2"));
  second.on("POST /images/a/push?tag=2", 200, "{\"status\":\"pushed\"}");
  begin();
  EXPECT_EQ(ask("POST", "/images/a/push?tag=2").body, "{\"status\":\"pushed\"}");
}

TEST_F(ImageCalls, push_of_all_tags_comes_from_a_host_that_has_any) {
  first.on("GET /images/json", 200, "[]");
  second.on("GET /images/json", 200, "[{\"Id\":\"sha256:2\"}]");
  second.on("POST /images/a/push", 200, "{\"status\":\"pushed\"}");
  begin();
  EXPECT_EQ(ask("POST", "/images/a/push").body, "{\"status\":\"pushed\"}");
}

TEST_F(ImageCalls, save_of_several_comes_from_a_host_that_has_all) {
  for (DaemonScript* daemon : {&first, &second}) {
    daemon->on("GET /images/a/json", 200, inspection("1"));
  }
  second.on("GET /images/b/json", 200, inspection("2"));
  second.on("GET /images/get?names=a&names=b", 200, "tar of both");
  begin();
  EXPECT_EQ(ask("GET", "/images/get?names=a&names=b").body, "tar of both");
}

TEST_F(ImageCalls, save_of_several_that_no_host_has_together_says_where_each_is) {
  first.on("GET /images/a/json", 200, inspection("1"));
  second.on("GET /images/b/json", 200, inspection("2"));
  begin();
  const Answer answer = ask("GET", "/images/get?names=a&names=b");
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr("a is on h1; b is on h2"));
}

TEST_F(ImageCalls, save_of_several_of_which_nobody_has_one_is_a_daemons_word_about_that_one) {
  second.on("GET /images/a/json", 200, inspection("1"));
  first.on("GET /images/get?names=b", 500, "{\"message\":\"reference does not exist\"}");
  begin();
  const Answer answer = ask("GET", "/images/get?names=a&names=b");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "{\"message\":\"reference does not exist\"}");
}

TEST_F(ImageCalls, tag_is_set_wherever_the_image_is) {
  for (DaemonScript* daemon : {&first, &second}) {
    daemon->on("GET /images/a/json", 200, inspection("1"));
    daemon->on("POST /images/a/tag?repo=b&tag=1", 201, "");
  }
  begin();
  const Answer answer = ask("POST", "/images/a/tag?repo=b&tag=1");
  EXPECT_EQ(answer.status, 201);
  EXPECT_THAT(answer.head, HasSubstr("Content-Length: 0"));
  EXPECT_TRUE(first.was_asked("POST /images/a/tag?repo=b&tag=1"));
  EXPECT_TRUE(second.was_asked("POST /images/a/tag?repo=b&tag=1"));
}

TEST_F(ImageCalls, remove_asks_the_hosts_that_have_it_only) {
  second.on("GET /images/a/json", 200, inspection("1"));
  second.on("DELETE /images/a?force=1", 200, "[{\"Untagged\":\"a:latest\"}]");
  begin();
  const Answer answer = ask("DELETE", "/images/a?force=1");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "[{\"Untagged\":\"a:latest\"}]\n");
  EXPECT_FALSE(first.was_asked("DELETE /images/a?force=1"));
}

TEST_F(ImageCalls, remove_by_the_beginning_of_two_ids_removes_neither) {
  first.on("GET /images/abc/json", 200, inspection("abc1"));
  second.on("GET /images/abc/json", 200, inspection("abc2"));
  begin();
  const Answer answer = ask("DELETE", "/images/abc");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("No such image: abc"));
  EXPECT_FALSE(first.was_asked("DELETE /images/abc"));
  EXPECT_FALSE(second.was_asked("DELETE /images/abc"));
}

TEST_F(ImageCalls, remove_by_a_name_removes_what_each_host_has_under_it) {
  first.on("GET /images/abc/json", 200, inspection("1"));
  second.on("GET /images/abc/json", 200, inspection("2"));
  first.on("DELETE /images/abc", 200, "[{\"Deleted\":\"sha256:1\"}]");
  second.on("DELETE /images/abc", 200, "[{\"Deleted\":\"sha256:2\"}]");
  begin();
  EXPECT_EQ(ask("DELETE", "/images/abc").body,
            "[{\"Deleted\":\"sha256:1\"},{\"Deleted\":\"sha256:2\"}]\n");
}

TEST_F(ImageCalls, remove_of_what_nobody_has_is_a_daemons_404) {
  begin();
  const Answer answer = ask("DELETE", "/images/a");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "{\"message\":\"No such image\"}\n");
}

}  // namespace
}  // namespace dockherd::engine_api
