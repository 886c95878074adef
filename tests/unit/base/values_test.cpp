// Errors, ids and words.
#include <gmock/gmock.h>

#include <stdexcept>
#include <unordered_set>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"

namespace dockherd {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Errors, every_code_has_a_name_of_its_own) {
  std::unordered_set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(errc::internal); ++code) {
    const auto name = to_string(static_cast<errc>(code));
    EXPECT_NE("unknown", name) << code;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ("unknown", to_string(static_cast<errc>(static_cast<int>(errc::internal) + 1)));
}

TEST(Errors, only_what_never_began_may_be_repeated_elsewhere) {
  for (const errc code :
       {errc::daemon_lost, errc::peer_lost, errc::timeout, errc::canceled, errc::internal}) {
    EXPECT_FALSE(nothing_was_changed(code)) << to_string(code);
  }
  for (const errc code : {errc::bad_request, errc::not_found, errc::ambiguous, errc::too_large,
                          errc::docker_refused, errc::daemon_down, errc::declined, errc::not_sent,
                          errc::not_begun, errc::image_pulling, errc::busy, errc::bad_config}) {
    EXPECT_TRUE(nothing_was_changed(code)) << to_string(code);
  }
}

TEST(Errors, the_value_of_an_error_throws_what_went_wrong) {
  const Result<int> failed = Error(errc::timeout, "too late").at_node("host1").at_field("id");
  EXPECT_EQ("host1", failed.error().node);
  EXPECT_EQ("id", failed.error().field);
  try {
    (void)failed.value();
    FAIL() << "no exception";
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("too late"));
  }
}

TEST(NodeIds, hex_is_upper_case_and_read_in_either_case) {
  const auto id = NodeId::from_hex("00112233445566778899aabbccddeeFF");
  ASSERT_TRUE(id);
  EXPECT_EQ("00112233445566778899AABBCCDDEEFF", id->hex());
  EXPECT_EQ("001122", id->short_hex());
  EXPECT_EQ(id, NodeId::from_bytes(id->raw()));
}

TEST(NodeIds, anything_else_is_refused) {
  for (const char* text :
       {"", "0011", "00112233445566778899aabbccddeefg", "00112233445566778899aabbccddeeff0",
        " 0112233445566778899aabbccddeeff", "0x112233445566778899aabbccddeeff"}) {
    EXPECT_FALSE(NodeId::from_hex(text)) << text;
  }
  EXPECT_FALSE(NodeId::from_bytes("short"));
  EXPECT_FALSE(NodeId::from_bytes(std::string(17, 'x')));
}

TEST(NodeIds, are_ordered_by_bytes_as_unsigned_numbers) {
  const auto low = NodeId::from_hex("7f000000000000000000000000000000");
  const auto high = NodeId::from_hex("80000000000000000000000000000000");
  EXPECT_LT(*low, *high);
  EXPECT_EQ(NodeId(), NodeId::from_hex(std::string(32, '0')));
}

TEST(NodeIds, a_seed_repeats_and_another_differs) {
  std::mt19937_64 first(1);
  std::mt19937_64 again(1);
  std::mt19937_64 other(2);
  const NodeId id = NodeId::random(first);
  EXPECT_EQ(id, NodeId::random(again));
  EXPECT_NE(id, NodeId::random(other));
  EXPECT_NE(id, NodeId::random(first));
}

TEST(Tokens, are_16_digits_and_differ) {
  auto generator = make_random_generator();
  const auto token = random_token(generator);
  EXPECT_EQ(16u, token.size());
  EXPECT_TRUE(looks_like_container_id(token));
  EXPECT_NE(token, random_token(generator));
}

TEST(ContainerIds, are_1_to_64_lower_case_digits) {
  EXPECT_TRUE(looks_like_container_id("a"));
  EXPECT_TRUE(looks_like_container_id(std::string(64, '9')));
  for (const std::string& text : {std::string(), std::string(65, 'a'), std::string("ABC"),
                                  std::string("web"), std::string("12 ")}) {
    EXPECT_FALSE(looks_like_container_id(text)) << text;
  }
}

TEST(Text, suggests_the_nearest_word_within_two_edits) {
  EXPECT_EQ("one of image, instances (did you mean \"image\"?)",
            suggest("imgae", {"image", "instances"}));
  EXPECT_EQ("one of image, instances", suggest("picture", {"image", "instances"}));
  EXPECT_EQ("one of ", suggest("x", {}));
  EXPECT_THAT(suggest(std::string(1'000'000, 'x'), {"image"}), StartsWith("one of"));
}

TEST(Text, joins_empty_items_too) {
  EXPECT_EQ("", join({}));
  EXPECT_EQ("a", join({"a"}));
  EXPECT_EQ("a, b", join({"a", "b"}));
  EXPECT_EQ(", b, ", join({"", "b", ""}));
  EXPECT_EQ("a|b", join({"a", "b"}, "|"));
}

TEST(Clock, the_time_left_is_never_negative) {
  const TimePoint now{};
  EXPECT_EQ(0, milliseconds_until(now + std::chrono::seconds(1), now).count());
  EXPECT_EQ(1500, milliseconds_until(now, now + std::chrono::milliseconds(1500)).count());
}

}  // namespace dockherd
