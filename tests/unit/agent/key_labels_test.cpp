#include "agent/key_labels.hpp"

#include <gtest/gtest.h>

#include <set>

namespace dockherd::agent {
namespace {

KeyMark mark(std::string key, std::uint32_t item) {
  KeyMark made;
  made.key = std::move(key);
  made.item = item;
  made.user = "ann";
  made.request = request_mark("what is asked");
  return made;
}

TEST(KeyLabels, a_mark_put_into_a_body_is_found_again_and_other_labels_stay) {
  json body{{"Image", "busybox"}, {"Labels", {{"tier", "front"}}}};
  put_mark(body, mark("k-1", 3));
  EXPECT_EQ(mark_in_body(body), mark("k-1", 3));
  EXPECT_EQ(body["Labels"]["tier"], "front");
}

TEST(KeyLabels, a_body_without_labels_or_with_odd_ones_gets_a_mark_all_the_same) {
  for (const char* text : {R"({})", R"({"Labels":null})", R"({"Labels":[1]})"}) {
    json body = json::parse(text);
    put_mark(body, mark("k", 1));
    EXPECT_EQ(mark_in_body(body), mark("k", 1)) << text;
  }
}

TEST(KeyLabels, what_a_client_writes_himself_is_dropped) {
  json body{{"Labels", {{"tier", "front"}}}};
  put_mark(body, mark("k", 1));
  drop_mark(body);
  EXPECT_EQ(mark_in_body(body), std::nullopt);
  EXPECT_EQ(body["Labels"], json({{"tier", "front"}}));
}

TEST(KeyLabels, labels_are_found_in_any_case_of_their_name_as_a_daemon_finds_them) {
  json body{{"labels", {{"tier", "front"}}}};
  put_mark(body, mark("k", 1));
  EXPECT_FALSE(body.contains("Labels"));
  EXPECT_EQ(mark_in_body(body), mark("k", 1));
  drop_mark(body);
  EXPECT_EQ(mark_in_body(body), std::nullopt);
}

TEST(KeyLabels, what_is_no_whole_mark_is_none) {
  EXPECT_EQ(mark_in({}), std::nullopt);
  EXPECT_EQ(mark_in({{key_label, "k"}}), std::nullopt);
  for (const char* item : {"", "0", "-1", "1x", "99999999999"}) {
    EXPECT_EQ(mark_in({{key_label, "k"}, {item_label, item}}), std::nullopt) << item;
  }
  EXPECT_EQ(mark_in_body(json{{"Labels", {{key_label, 7}, {item_label, "1"}}}}), std::nullopt);
}

TEST(KeyLabels, names_are_the_same_for_the_same_mark_and_differ_for_others) {
  std::set<std::string> names;
  for (const char* key : {"k", "k1", "k/1"}) {
    for (std::uint32_t item = 1; item < 50; ++item) {
      EXPECT_EQ(name_for(mark(key, item)), name_for(mark(key, item)));
      names.insert(name_for(mark(key, item)));
    }
  }
  EXPECT_EQ(names.size(), 3u * 49u);
}

TEST(KeyLabels, a_key_is_printable_and_short) {
  EXPECT_TRUE(check_key("8e03978e-40d5-43dd-bc93-6894a57f9324", "key"));
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a\n"),
                                 std::string("\xc3\xa9"), std::string(129, 'x')}) {
    const auto checked = check_key(bad, "Idempotency-Key");
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().field, "Idempotency-Key");
  }
}

}  // namespace
}  // namespace dockherd::agent
