// What today's agents write can be read by earlier releases: it has every member that the samples
// of a kind all have, of the same type.
#include "tests/wire/samples/message_shape.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/samples/sample_files.hpp"
#include "tests/wire/samples/written_today.hpp"

namespace dockherd::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::map<std::string, MessageShape> shapes_of(const Samples& samples) {
  std::map<std::string, MessageShape> shapes;
  for (const auto& [name, text] : samples) {
    if (is_json(name)) shapes[kind_of(name)].learn(parse_json(text).value());
  }
  return shapes;
}

std::set<std::string> kinds_in(const Samples& samples) {
  std::set<std::string> kinds;
  for (const auto& [name, text] : samples) kinds.insert(kind_of(name));
  return kinds;
}

TEST(WrittenToday, has_all_that_the_oldest_release_relies_on) {
  const auto shapes = shapes_of(read_samples(oldest_release));
  std::size_t compared = 0;
  for (const auto& [name, text] : written_today()) {
    const auto shape = shapes.find(kind_of(name));
    if (shape == shapes.end()) continue;  // A kind that came later.
    EXPECT_THAT(shape->second.complaints(parse_json(text).value()), IsEmpty()) << name;
    ++compared;
  }
  EXPECT_GT(compared, 50U);
}

TEST(WrittenToday, has_every_kind_of_message_that_the_oldest_release_knows) {
  const std::set<std::string> now = kinds_in(written_today());
  for (const std::string& kind : kinds_in(read_samples(oldest_release))) {
    EXPECT_TRUE(now.contains(kind)) << kind;
  }
}

TEST(WrittenToday, is_the_same_each_time) {
  EXPECT_EQ(written_today(), written_today());
}

TEST(MessageShape, a_member_that_all_samples_have_is_missed_and_another_is_not) {
  MessageShape shape;
  shape.learn(json{{"a", 1}, {"b", json::array({json{{"c", "x"}}})}});
  shape.learn(json{{"a", 2}, {"b", json::array()}, {"d", true}});
  EXPECT_THAT(shape.complaints(json{{"a", 3}, {"b", json::array()}}), IsEmpty());
  EXPECT_THAT(shape.complaints(json{{"d", false}}),
              UnorderedElementsAre("a is missing", "b is missing"));
  EXPECT_THAT(shape.complaints(json{{"a", "3"}, {"b", json::array({json::object()})}}),
              UnorderedElementsAre("a has become string", "b.c is missing"));
}

TEST(MessageShape, what_no_sample_has_is_taken_out_but_for_data) {
  MessageShape shape;
  shape.learn(json{{"body", {{"labels", {{"x", "y"}}}, {"n", 1}}}});
  json message{{"body", {{"labels", {{"z", "y"}}}, {"n", 1}, {"m", 2}}}, {"late", true}};
  shape.strip(message);
  EXPECT_EQ(message, (json{{"body", {{"labels", {{"z", "y"}}}, {"n", 1}}}}));
}

TEST(MessageShape, unknown_members_are_added_everywhere_but_to_data) {
  json message{{"body", {{"put", json::array({json::object()})}, {"given", {{"1", "host"}}}}}};
  add_unknown_members(message);
  EXPECT_TRUE(message.contains(unknown_member));
  EXPECT_TRUE(message["body"].contains(unknown_member));
  EXPECT_TRUE(message["body"]["put"][0].contains(unknown_member));
  EXPECT_THAT(message["body"]["given"], (json{{"1", "host"}}));
}

}  // namespace
}  // namespace dockherd::wire
