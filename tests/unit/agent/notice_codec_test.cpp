#include "agent/notice_codec.hpp"

#include <gtest/gtest.h>

namespace dockherd::agent {
namespace {

const std::string id(64, 'a');

TEST(ContainersNotice, says_what_has_changed) {
  ContainersNotice notice;
  notice.put = {{id, {"web", "old-web"}}};
  notice.removed = {std::string(64, 'b')};
  notice.sum = "0123";
  const std::string text = encode_containers(notice);
  EXPECT_EQ(text, "{\"put\":[{\"id\":\"" + id +
                      "\",\"names\":[\"web\",\"old-web\"]}],\"removed\":[\"" +
                      std::string(64, 'b') + "\"],\"sum\":\"0123\"}");
  EXPECT_EQ(*decode_containers(text), notice);
}

TEST(ContainersNotice, of_all_voids_what_was_told_before) {
  ContainersNotice notice;
  notice.all = true;
  EXPECT_EQ(encode_containers(notice), R"({"all":true,"put":[]})");
  EXPECT_EQ(*decode_containers(R"({"all":true,"put":[]})"), notice);
}

TEST(ContainersNotice, with_one_wrong_part_is_not_taken_at_all) {
  const std::string good = "{\"id\":\"" + id + "\",\"names\":[]}";
  ASSERT_TRUE(decode_containers("{\"put\":[" + good + "]}"));
  for (const char* wrong : {R"({"id":"no id"})", R"({"names":["web"]})", "7",
                            R"({"id":"aa","names":"web"})", R"({"id":"aa","names":[1]})"}) {
    EXPECT_FALSE(decode_containers("{\"put\":[" + good + "," + wrong + "]}")) << wrong;
  }
  EXPECT_FALSE(decode_containers(R"({"removed":[1]})"));
  EXPECT_FALSE(decode_containers(R"({"sum":1})"));
  EXPECT_FALSE(decode_containers("[]"));
}

TEST(ContainersNotice, passes_over_what_newer_versions_say) {
  EXPECT_EQ(*decode_containers(R"({"put":[{"id":"aa","names":[],"more":1}],"more":{}})"),
            *decode_containers(R"({"put":[{"id":"aa","names":[]}]})"));
}

TEST(ReleasedName, needs_name_and_token) {
  ReleasedName released;
  released.name = "web";
  released.token = "t";
  released.used = true;
  EXPECT_EQ(encode_released_name(released), R"({"name":"web","token":"t","used":true})");
  EXPECT_EQ(*decode_released_name(encode_released_name(released)), released);
  for (const char* wrong : {R"({"name":"web"})", R"({"token":"t"})", "{}", "1",
                            R"({"name":"web","token":"t","used":1})"}) {
    EXPECT_FALSE(decode_released_name(wrong)) << wrong;
  }
}

TEST(ReleasedGrant, needs_user_and_token) {
  ReleasedGrant released;
  released.user = "ann";
  released.token = "t";
  EXPECT_EQ(encode_released_grant(released), R"({"token":"t","user":"ann"})");
  EXPECT_EQ(*decode_released_grant(encode_released_grant(released)), released);
  EXPECT_FALSE(decode_released_grant(R"({"user":"ann"})"));
  EXPECT_FALSE(decode_released_grant(R"({"user":1,"token":"t"})"));
}

TEST(KeyNews, of_the_one_who_creates_have_a_token) {
  KeyNews news;
  news.key = "ann/k";
  news.token = "t";
  news.given = {{1, "h1"}, {2, ""}};
  EXPECT_EQ(encode_key_news(news), R"({"given":{"1":"h1","2":""},"key":"ann/k","token":"t"})");
  EXPECT_EQ(*decode_key_news(encode_key_news(news)), news);
  news.given.clear();
  news.ended = true;
  EXPECT_EQ(encode_key_news(news), R"({"ended":true,"key":"ann/k","token":"t"})");
  EXPECT_EQ(*decode_key_news(encode_key_news(news)), news);
}

TEST(KeyNews, of_another_judge_have_none) {
  const auto news = decode_key_news(R"({"key":"k","given":{"3":"h1"}})");
  ASSERT_TRUE(news);
  EXPECT_FALSE(news->token);
  EXPECT_EQ(news->given, (KeyPlaces{{3, "h1"}}));
  EXPECT_FALSE(decode_key_news(R"({"given":{"3":"h1"}})"));
  EXPECT_FALSE(decode_key_news(R"({"key":"k","token":1})"));
}

TEST(KeyNews, pass_over_items_that_no_bulk_has) {
  const auto places = [](const char* text) { return key_places_in(*parse_json(text)); };
  EXPECT_EQ(places(R"({"given":{"10001":"h1","-1":"h1","x":"h1","1.5":"h1","2":3,"4":"h2"}})"),
            (KeyPlaces{{4, "h2"}}));
  EXPECT_EQ(places(R"({"given":[1]})"), KeyPlaces());
  EXPECT_EQ(places("[]"), KeyPlaces());
}

TEST(SupersededNotice, needs_the_new_ones_id) {
  SupersededNotice notice;
  notice.by = id;
  notice.ids = {std::string(64, 'b')};
  notice.name = "web";
  EXPECT_EQ(*decode_superseded(encode_superseded(notice)), notice);
  EXPECT_FALSE(decode_superseded(R"({"ids":[],"name":"web"})"));
  EXPECT_FALSE(decode_superseded(R"({"ids":[],"by":"no id"})"));
  EXPECT_FALSE(decode_superseded(R"({"by":"aa"})"));
}

}  // namespace
}  // namespace dockherd::agent
