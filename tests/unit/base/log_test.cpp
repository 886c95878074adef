#include "base/log.hpp"

#include <gmock/gmock.h>

#include "base/json_reader.hpp"

namespace dockherd {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class Logging : public ::testing::Test {
 protected:
  ~Logging() override { (void)configure_logging(LogSettings()); }

  static LogSettings settings(std::string level, LogFormat format) {
    LogSettings chosen;
    chosen.level = std::move(level);
    chosen.format = format;
    return chosen;
  }

  /// What is written for one message, and what configuring gave before.
  static std::string line(const std::string& message) {
    ::testing::internal::CaptureStderr();
    get_logger("unit")->info("{}", message);
    get_logger("unit")->flush();
    return ::testing::internal::GetCapturedStderr();
  }
};

}  // namespace

TEST_F(Logging, text_has_level_name_and_message) {
  ASSERT_TRUE(configure_logging(settings("info", LogFormat::text)).has_value());
  EXPECT_THAT(line("peer lost peer=abc"), HasSubstr("info  unit: peer lost peer=abc\n"));
}

TEST_F(Logging, json_is_one_object_a_line_whatever_the_message_holds) {
  ASSERT_TRUE(configure_logging(settings("debug", LogFormat::json)).has_value());
  const std::string message = "quote \" backslash \\ line\nend \x01 percent %n {} ";
  const std::string text = line(message + "\xff");
  EXPECT_EQ(text.size() - 1, text.find('\n'));
  const auto object = parse_json(text);
  ASSERT_TRUE(object.has_value()) << text;
  EXPECT_EQ(message + "\xEF\xBF\xBD", (*object)["message"]);
  EXPECT_EQ("unit", (*object)["logger"]);
  EXPECT_EQ("info", (*object)["level"]);
  EXPECT_TRUE(object->contains("time"));
}

TEST_F(Logging, a_level_holds_for_loggers_made_before_and_after) {
  ASSERT_TRUE(configure_logging(settings("error", LogFormat::text)).has_value());
  EXPECT_THAT(line("x"), IsEmpty());
  EXPECT_EQ(spdlog::level::err, get_logger("made after")->level());
  ASSERT_TRUE(configure_logging(settings("off", LogFormat::text)).has_value());
  EXPECT_EQ(spdlog::level::off, get_logger("made after")->level());
}

TEST_F(Logging, an_unknown_level_is_refused) {
  const auto failed = configure_logging(settings("loud", LogFormat::text));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(errc::bad_config, failed.error().code);
  EXPECT_THAT(failed.error().message, HasSubstr("'loud'"));
}

TEST_F(Logging, text_from_outside_can_neither_forge_lines_nor_flood_them) {
  EXPECT_EQ(loggable("host-1.lan"), "host-1.lan");
  EXPECT_EQ(loggable(""), "\"\"");
  EXPECT_EQ(loggable("a b"), "\"a b\"");
  EXPECT_EQ(loggable("a\nerror \"x\"\xff\x1b"), "\"a\\nerror \\\"x\\\"\\ufffd\\u001b\"");
  EXPECT_EQ(loggable(std::string(255, 'x')), '"' + std::string(64, 'x') + "\"...");
}

TEST_F(Logging, a_name_is_one_logger) {
  EXPECT_EQ(get_logger("same"), get_logger("same"));
  EXPECT_NE(get_logger("same"), get_logger("other"));
}

}  // namespace dockherd
