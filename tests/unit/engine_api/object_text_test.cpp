#include "engine_api/object_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/limits.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;

TEST(ObjectText, of_which_nothing_is_changed_stays_as_it_was_written) {
  const std::string text = R"({"b":{"x":[1, 2]},"a":"q\"\u00e4","c":1e3})";
  ASSERT_TRUE(ObjectText::parsed(text));
  EXPECT_EQ(ObjectText::parsed(text)->text(), text);
}

TEST(ObjectText, changes_a_member_in_its_place_and_adds_new_ones_at_the_end) {
  auto object = ObjectText::sliced(R"({"a":1,"b":2})");
  object->set("a", "[7]");
  object->set("c", "3");
  EXPECT_EQ(object->text(), R"({"a":[7],"b":2,"c":3})");
  EXPECT_EQ(object->find("c"), "3");
  EXPECT_EQ(object->find("d"), "");
}

TEST(ObjectText, takes_a_new_member_before_another_and_replaces_an_old_one) {
  auto object = ObjectText::sliced(R"({"a":1,"b":2,"n":3})");
  object->set_before("b", "n", "4");
  EXPECT_EQ(object->text(), R"({"a":1,"n":4,"b":2})");
  object->set_before("missing", "m", "5");
  EXPECT_EQ(object->text(), R"({"a":1,"n":4,"b":2,"m":5})");
}

TEST(ObjectText, takes_a_new_member_in_the_place_of_one_given_twice) {
  auto object = ObjectText::sliced(R"({"a":1,"n":2,"n":3})");
  object->set_before("a", "n", "4");
  EXPECT_EQ(object->find("n"), "4");
  EXPECT_EQ(object->text(), R"({"n":4,"a":1})");
}

TEST(ObjectText, counts_the_last_of_a_key_given_twice) {
  auto object = ObjectText::sliced(R"({"a":1,"a":2})");
  EXPECT_EQ(object->find("a"), "2");
  object->set("a", "3");
  EXPECT_EQ(object->find("a"), "3");
  EXPECT_THAT(object->keys(), ElementsAre("a"));
}

TEST(ObjectText, is_only_made_of_objects) {
  for (const char* text : {"", "null", "[]", "7", "{", "{\"a\"}", "{}x", "\"{}\""}) {
    EXPECT_FALSE(ObjectText::sliced(text)) << text;
    EXPECT_FALSE(ObjectText::parsed(text)) << text;
  }
  EXPECT_TRUE(ObjectText::sliced("{\"a\":what}"));
  EXPECT_FALSE(ObjectText::parsed("{\"a\":what}"));
}

TEST(ObjectText, values_are_read_by_their_exact_type) {
  EXPECT_EQ(string_of("\"a\\nb\""), "a\nb");
  for (const char* text : {"", "7", "null", "\"open", "\"a\" \"b\"", "\"a"}) {
    EXPECT_FALSE(string_of(text)) << text;
  }
  EXPECT_EQ(integer_of("-17"), -17);
  for (const char* text :
       {"", "4.7", "1e3", "\"4\"", "null", "99999999999999999999", "4 4", "+4"}) {
    EXPECT_FALSE(integer_of(text)) << text;
  }
}

TEST(ObjectText, lists_are_null_or_lists_of_valid_elements) {
  EXPECT_THAT(*elements_of("[1, \"a,b\", {}]"), ElementsAre("1", "\"a,b\"", "{}"));
  EXPECT_TRUE(elements_of("null")->empty());
  EXPECT_TRUE(elements_of("null\n")->empty());
  EXPECT_TRUE(elements_of("[]")->empty());
  for (const char* text : {"", "{}", "7", "[", "[what]", "[1,]"}) {
    EXPECT_FALSE(elements_of(text)) << text;
  }
}

TEST(ObjectText, documents_may_be_larger_than_what_is_parsed_at_once) {
  const std::string item = R"({"a":[")" + std::string(1000, 'x') + R"("],"b\n":1},)";
  std::string list = "[";
  while (list.size() <= limits::json_bytes) list += item;
  EXPECT_TRUE(is_embeddable_json(list + "1]"));
  EXPECT_TRUE(is_embeddable_json("{\"a\":" + list + "1]}"));
  EXPECT_FALSE(is_embeddable_json(list + "what]"));
  EXPECT_FALSE(is_embeddable_json(list + "1"));
  EXPECT_FALSE(is_embeddable_json("{\"a\\q\":" + list + "1]}"));
  EXPECT_FALSE(is_embeddable_json(std::string(limits::json_bytes + 1, '[')));
  EXPECT_FALSE(is_embeddable_json('"' + std::string(limits::json_bytes, 'x') + '"'));
}

TEST(ObjectText, lists_are_written_of_texts_and_of_strings) {
  EXPECT_EQ(array_text({}), "[]");
  EXPECT_EQ(array_text({"1", "{}"}), "[1,{}]");
  EXPECT_EQ(strings_text({"a", "q\""}), R"(["a","q\""])");
}

TEST(ObjectText, sums_never_overflow_and_leave_out_what_is_not_known) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(saturated_sum(2, 3), 5);
  EXPECT_EQ(saturated_sum(most, 1), most);
  EXPECT_EQ(saturated_sum(least, -1), least);
  EXPECT_EQ(sum_of_known(-1, -1), -1);
  EXPECT_EQ(sum_of_known(-1, 4), 4);
  EXPECT_EQ(sum_of_known(4, -1), 4);
  EXPECT_EQ(sum_of_known(4, 0), 4);
}

}  // namespace
}  // namespace dockherd::engine_api
