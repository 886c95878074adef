#include "base/json_reader.hpp"

#include <gmock/gmock.h>

namespace dockherd {

using ::testing::HasSubstr;

namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

JsonReader reader_of(const json& value) {
  return JsonReader::of(value).value();
}

}  // namespace

TEST(ParseJson, says_where_a_document_breaks) {
  for (const char* text : {"", "{", "{\"a\":}", "{\"a\":1,}", "[1 2]", "nul", "{'a':1}", "\"\xff\"",
                           "1e999", "{}x", "// c\n{}", "\"a\nb\"", "[\"\\ud800\"]", "01", "+1"}) {
    const auto document = parse_json(text);
    ASSERT_FALSE(document.has_value()) << text;
    EXPECT_EQ(errc::bad_request, document.error().code);
    EXPECT_THAT(document.error().message, HasSubstr("invalid JSON"));
  }
}

TEST(ParseJson, comments_are_refused) {
  EXPECT_FALSE(parse_json("{ // why\n \"a\": 1 }").has_value());
  EXPECT_FALSE(parse_json("{ \"a\": /* what */ 1 }").has_value());
}

TEST(ParseJson, the_last_of_a_key_given_twice_counts) {
  EXPECT_EQ(json({{"a", 2}}), parse_json("{\"a\":1,\"a\":2}").value());
}

TEST(FindMember, a_member_is_found_in_any_case_of_its_letters) {
  const json body{{"image", "a"}, {"HostConfig", {{"Image", "no"}}}};
  ASSERT_NE(find_member(body, "Image"), nullptr);
  EXPECT_EQ(*find_member(body, "Image"), "a");
  EXPECT_EQ(find_member(body, "Cmd"), nullptr);
  EXPECT_EQ(find_member(json::array({"Image"}), "Image"), nullptr);
}

TEST(ParseJsonStrictly, a_key_given_twice_is_named) {
  const struct {
    const char* text;
    const char* field;
  } cases[] = {{"{\"a\":1,\"b\":2,\"a\":1}", "a"},
               {"{\"a\":1,\"\\u0061\":2}", "a"},
               {"{\"labels\":{\"x\":1,\"x\":2}}", "labels.x"},
               {"{\"list\":[{\"x\":1},[{\"y\":1,\"y\":1}]]}", "list.y"},
               {"{\"body\":{},\"body\":{}}", "body"},
               {"{\"body\":{},\"x\":{\"y\":1,\"y\":2}}", "x.y"}};
  for (const auto& [text, field] : cases) {
    const auto document = parse_json_strictly(text, "body");
    ASSERT_FALSE(document.has_value()) << text;
    EXPECT_EQ(errc::bad_request, document.error().code);
    EXPECT_EQ(field, document.error().field) << text;
    EXPECT_EQ("the key \"" + std::string(field) + "\" is given twice", document.error().message);
  }
}

TEST(ParseJsonStrictly, equal_keys_of_different_objects_are_well) {
  const std::string text = "{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]},\"b\":{\"a\":{}}}";
  EXPECT_EQ(parse_json(text).value(), parse_json_strictly(text).value());
}

TEST(ParseJsonStrictly, what_is_passed_on_is_not_looked_at) {
  const std::string text = "{\"body\":{\"x\":1,\"x\":[{\"y\":1,\"y\":2}]},\"a\":1}";
  EXPECT_EQ(parse_json(text).value(), parse_json_strictly(text, "body").value());
  EXPECT_FALSE(parse_json_strictly(text).has_value());
}

TEST(ParseJsonStrictly, is_as_strict_about_the_rest) {
  for (const std::string& text : {std::string("{\"a\":1,\"a\":1"), nested(limits::json_depth + 1),
                                  std::string(limits::json_bytes + 1, ' ')}) {
    EXPECT_EQ(parse_json(text).error().message, parse_json_strictly(text).error().message);
  }
}

TEST(ParseJson, nesting_is_bounded_before_it_is_parsed) {
  EXPECT_TRUE(parse_json(nested(limits::json_depth)).has_value());
  const auto deeper = parse_json(nested(limits::json_depth + 1));
  ASSERT_FALSE(deeper.has_value());
  EXPECT_THAT(deeper.error().message, HasSubstr("nested deeper than 64 levels"));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')).has_value());
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(parse_json(objects).has_value());
}

TEST(ParseJson, brackets_in_strings_do_not_nest) {
  const std::string text = "[\"" + std::string(1000, '[') + "\\\"{{{\"]";
  EXPECT_TRUE(parse_json(text).has_value());
  EXPECT_TRUE(check_json_depth("[][][][]", 1).has_value());
  EXPECT_FALSE(check_json_depth("[[", 1).has_value());
}

TEST(ParseJson, size_is_bounded) {
  const auto document = parse_json(std::string(limits::json_bytes + 1, ' '));
  ASSERT_FALSE(document.has_value());
  EXPECT_EQ(errc::too_large, document.error().code);
}

TEST(ParseJson, a_message_does_not_repeat_a_large_document) {
  const auto broken = parse_json("{\"a\":\"" + std::string(1'000'000, 'x'));
  ASSERT_FALSE(broken.has_value());
  EXPECT_GT(600u, broken.error().message.size());
  const auto document = parse_json("{\"" + std::string(1'000'000, 'x') + "\":1}").value();
  EXPECT_GT(600u, reader_of(document).only({"a"}).error().message.size());
}

TEST(DumpJson, replaces_what_is_not_utf8) {
  EXPECT_EQ("\"a\xEF\xBF\xBD\"", dump_json(json("a\xff")));
  EXPECT_EQ("\"\\\"\\n\"", quote_json("\"\n"));
}

TEST(QuoteJson, is_the_same_as_a_document_of_one_string) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = "a" + std::string(1, static_cast<char>(byte)) + "z";
    EXPECT_EQ(dump_json(json(text)), quote_json(text)) << byte;
  }
  EXPECT_EQ("\"\"", quote_json(""));
}

TEST(JsonReader, needs_an_object) {
  EXPECT_FALSE(JsonReader::of(json(1)).has_value());
  const auto failed = JsonReader::of(json::array(), "docker.");
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ("docker must be an object, got a list", failed.error().message);
  EXPECT_EQ("docker", failed.error().field);
}

TEST(JsonReader, absent_and_null_fields_give_nothing) {
  const json value = {{"n", nullptr}};
  const auto reader = reader_of(value);
  for (const char* key : {"n", "absent"}) {
    EXPECT_FALSE(reader.string(key).value());
    EXPECT_FALSE(reader.boolean(key).value());
    EXPECT_FALSE(reader.integer(key).value());
    EXPECT_FALSE(reader.strings(key, 1).value());
    EXPECT_EQ(nullptr, reader.object(key).value());
    EXPECT_EQ(nullptr, reader.any(key));
  }
}

TEST(JsonReader, types_are_exact) {
  const json value = {{"s", "1"}, {"b", true},          {"i", 1},
                      {"f", 4.0}, {"l", json::array()}, {"o", json::object()}};
  const auto reader = reader_of(value);
  const std::string all = "sbiflo";
  for (const char key : all) {
    const std::string name(1, key);
    EXPECT_EQ(key == 's', reader.string(name).has_value()) << name;
    EXPECT_EQ(key == 'b', reader.boolean(name).has_value()) << name;
    EXPECT_EQ(key == 'i', reader.integer(name).has_value()) << name;
    EXPECT_EQ(key == 'l', reader.strings(name, 1).has_value()) << name;
    EXPECT_EQ(key == 'o', reader.object(name).has_value()) << name;
  }
}

TEST(JsonReader, numbers_are_whole_and_in_range) {
  const auto value = parse_json(
      "{\"low\":-9223372036854775808,\"high\":9223372036854775807,\"over\":9223372036854775808,"
      "\"most\":18446744073709551615,\"more\":18446744073709551616,\"f\":4.7,\"minus\":-1}");
  const auto reader = reader_of(*value);
  EXPECT_EQ(std::numeric_limits<std::int64_t>::min(), reader.integer("low").value());
  EXPECT_EQ(std::numeric_limits<std::int64_t>::max(), reader.integer("high").value());
  for (const char* key : {"over", "most", "more", "f"}) {
    EXPECT_FALSE(reader.integer(key).has_value()) << key;
  }
  EXPECT_TRUE(reader.integer("minus", -1, -1).has_value());
  const auto failed = reader.integer("minus", 0, 10);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ("minus must be a whole number from 0 to 10, got the number -1", failed.error().message);
  EXPECT_EQ("minus", failed.error().field);
}

TEST(JsonReader, lists_are_bounded_and_hold_strings_only) {
  const json value = {{"l", {"a", "b"}}, {"m", {"a", 1}}};
  const auto reader = reader_of(value);
  EXPECT_EQ((std::vector<std::string>{"a", "b"}), reader.strings("l", 2).value());
  EXPECT_FALSE(reader.strings("l", 1).has_value());
  EXPECT_THAT(reader.strings("m", 2).error().message, HasSubstr("item 2 is the number 1"));
}

TEST(JsonReader, an_unknown_key_is_named_with_the_nearest_known_one) {
  const json value = {{"instnces", 1}};
  const auto failed = JsonReader::of(value, "docker.").value().only({"image", "instances"});
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ("docker.instnces", failed.error().field);
  EXPECT_THAT(failed.error().message, HasSubstr("did you mean \"instances\"?"));
  EXPECT_TRUE(reader_of(value).only({"instnces"}).has_value());
}

TEST(SliceJsonObject, gives_members_as_they_are_written) {
  const auto members =
      slice_json_object(" { \"a\" : [1, {\"x\":\"}\"}] ,\"b\\\"\":\"c,\\\"d\" , \"n\":-1.5e3 } ");
  ASSERT_TRUE(members.has_value()) << members.error().message;
  ASSERT_EQ(3u, members->size());
  EXPECT_EQ("a", (*members)[0].key);
  EXPECT_EQ("[1, {\"x\":\"}\"}]", (*members)[0].value);
  EXPECT_EQ("b\\\"", (*members)[1].key);
  EXPECT_EQ("\"c,\\\"d\"", (*members)[1].value);
  EXPECT_EQ("-1.5e3", (*members)[2].value);
  EXPECT_TRUE(slice_json_object("{}").value().empty());
  EXPECT_TRUE(slice_json_object("{ }\n").value().empty());
}

TEST(SliceJsonObject, refuses_what_is_no_object) {
  for (const char* text : {"",
                           " ",
                           "[]",
                           "{",
                           "{\"",
                           "{\"a",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{\"a\":1,",
                           "{\"a\":1,}",
                           "{\"a\":}",
                           "{a:1}",
                           "{\"a\":[}",
                           "{\"a\":\"}",
                           "{\"a\":1}x",
                           "{\"a\" 1}",
                           "{,}",
                           "{\"a\":\"x\"y}",
                           "{\"a\":1]}",
                           "{\"a\":\"\\",
                           "}"}) {
    EXPECT_FALSE(slice_json_object(text).has_value()) << text;
  }
}

TEST(SliceJsonObject, deep_values_take_no_stack) {
  const std::string text = "{\"a\":" + nested(1'000'000) + "}";
  EXPECT_EQ(2'000'000u, slice_json_object(text).value()[0].value.size());
}

}  // namespace dockherd
