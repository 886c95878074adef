#include "engine_api/progress_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string reworded(std::string_view bytes) {
  ProgressRelabel progress("h1");
  std::string given = progress.feed(bytes);
  return given + progress.finish();
}

TEST(ProgressRelabel, puts_the_host_before_what_a_line_says) {
  const std::vector<std::pair<std::string, std::string>> lines = {
      // A pull.
      {R"({"status":"Pulling from library/busybox","id":"latest"})",
       R"({"status":"Pulling from library/busybox","id":"h1: latest"})"},
      {R"({"status":"Downloading","progressDetail":{"current":1,"total":2},"progress":"[=> ]","id":"ab"})",
       R"({"status":"Downloading","progressDetail":{"current":1,"total":2},"progress":"[=> ]","id":"h1: ab"})"},
      {R"({"status":"Digest: sha256:12"})", R"({"status":"h1: Digest: sha256:12"})"},
      {R"({"status":"x","id":""})", R"({"status":"h1: x","id":""})"},
      // A build, and what is not for people.
      {R"({"stream":"Step 1/2 : FROM busybox\n"})",
       R"({"stream":"h1: Step 1/2 : FROM busybox\n"})"},
      {R"({"stream":" ---\u003e 81\n"})", R"({"stream":"h1:  ---> 81\n"})"},
      {R"({"aux":{"ID":"sha256:12"}})", R"({"aux":{"ID":"sha256:12"}})"},
      {R"({})", R"({})"},
      {R"({"status":7,"id":7})", R"({"status":7,"id":7})"},
      // What is no JSON at all.
      {"what is \"this\"", R"({"status":"h1: what is \"this\""})"},
      {R"([1])", R"({"status":"h1: [1]"})"},
      {R"({"status":)", R"({"status":"h1: {\"status\":"})"},
  };
  for (const auto& [line, expected] : lines) {
    EXPECT_EQ(reworded(line + "\r\n"), expected + "\r\n");
    EXPECT_EQ(reworded(line + "\n"), expected + "\r\n");
    EXPECT_EQ(reworded(line), expected + "\r\n");
  }
}

TEST(ProgressRelabel, shortens_garbage) {
  EXPECT_LT(reworded(std::string(5000, 'x')).size(), 300);
}

TEST(ProgressRelabel, gives_nothing_for_empty_lines) {
  EXPECT_EQ(reworded("\r\n\n  \r\n"), "");
}

TEST(ProgressRelabel, names_the_host_only_where_a_line_begins) {
  EXPECT_EQ(reworded("{\"stream\":\"Step 1\"}\r\n{\"stream\":\"\\n\"}\r\n{\"stream\":\"a\\nb\"}\r\n"
                     "{\"stream\":\"c\\n\\nd\\n\"}\r\n"),
            "{\"stream\":\"h1: Step 1\"}\r\n{\"stream\":\"\\n\"}\r\n"
            "{\"stream\":\"h1: a\\nh1: b\"}\r\n{\"stream\":\"c\\n\\nh1: d\\n\"}\r\n");
}

TEST(ProgressRelabel, takes_bytes_in_any_pieces) {
  const std::string text =
      "{\"status\":\"a\",\"id\":\"1\"}\r\n{\"stream\":\"b\\n\"}\n\r\n{\"status\":\"\\u00e4 }\"}";
  const std::string whole = reworded(text);
  for (std::size_t size = 1; size < text.size(); ++size) {
    ProgressRelabel progress("h1");
    std::string given;
    for (std::size_t at = 0; at < text.size(); at += size)
      given += progress.feed(text.substr(at, size));
    given += progress.finish();
    EXPECT_EQ(given, whole) << size;
  }
}

TEST(ProgressRelabel, gives_a_line_as_soon_as_it_is_complete) {
  ProgressRelabel progress("h1");
  EXPECT_EQ(progress.feed("{\"status\":\"a\"}\r"), "");
  EXPECT_EQ(progress.feed("\n{\"status\""), "{\"status\":\"h1: a\"}\r\n");
  EXPECT_EQ(progress.feed(":\"b\"}\n"), "{\"status\":\"h1: b\"}\r\n");
  EXPECT_EQ(progress.finish(), "");
}

TEST(ProgressRelabel, drops_a_line_that_is_too_long_and_says_so) {
  const std::string told = "{\"status\":\"h1: a line of more than 20 bytes is left out\"}\r\n";
  const std::string expected = std::string(told).append("{\"status\":\"h1: a\"}\r\n").append(told);
  const std::string large(21, 'x');
  const std::string text = std::string(large).append("\n{\"status\":\"a\"}\n").append(large);
  for (const std::size_t size : {1, 5, 1000}) {
    ProgressRelabel progress("h1", 20);
    std::string given;
    for (std::size_t at = 0; at < text.size(); at += size)
      given += progress.feed(text.substr(at, size));
    given += progress.finish();
    EXPECT_EQ(given, expected);
  }
}

TEST(ProgressRelabel, keeps_an_error_for_the_end) {
  ProgressRelabel progress("h1");
  EXPECT_EQ(
      progress.feed("{\"status\":\"a\"}\n{\"errorDetail\":{\"code\":401,\"message\":\"denied\"},"
                    "\"error\":\"denied\"}\n{\"error\":\"another\"}\n{\"status\":\"b\"}\n"),
      "{\"status\":\"h1: a\"}\r\n{\"status\":\"h1: b\"}\r\n");
  ASSERT_TRUE(progress.failure());
  EXPECT_EQ(progress.failure()->message, "denied");
  EXPECT_EQ(
      progress.failure()->line,
      "{\"errorDetail\":{\"code\":401,\"message\":\"h1: denied\"},\"error\":\"h1: denied\"}\r\n");
}

TEST(ProgressRelabel, knows_each_form_of_an_error) {
  const std::string line = "{\"errorDetail\":{\"message\":\"h1: no\"},\"error\":\"h1: no\"}\r\n";
  EXPECT_EQ(progress_failure_line("h1", "no"), line);
  for (const char* text : {R"({"error":"no"})", R"({"errorDetail":{"message":"no"}})",
                           R"({"errorDetail":{"message":"no"},"error":"NO"})"}) {
    ProgressRelabel progress("h1");
    EXPECT_EQ(progress.feed(text), "");
    EXPECT_EQ(progress.finish(), "");
    ASSERT_TRUE(progress.failure()) << text;
    EXPECT_EQ(progress.failure()->message, "no");
    EXPECT_EQ(*parse_json(progress.failure()->line), *parse_json(line));
  }
  ProgressRelabel fine("h1");
  fine.feed("{\"status\":\"error: none\"}\n{\"error\":null}\n{\"errorDetail\":7}\n");
  EXPECT_FALSE(fine.failure());
}

TEST(ProgressRelabel, keeps_results_to_be_told_once_for_all) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  ProgressRelabel progress("h1");
  EXPECT_EQ(progress.feed("{\"stream\":\"Loaded image: busybox:latest\\n\"}\r\n"
                          "{\"stream\":\"Loaded image ID: sha256:1\\n\"}\r\n"
                          "{\"status\":\"" +
                          digest + "\"}\r\n"),
            "");
  EXPECT_THAT(progress.results(),
              ElementsAre("{\"stream\":\"Loaded image: busybox:latest\\n\"}\r\n",
                          "{\"stream\":\"Loaded image ID: sha256:1\\n\"}\r\n",
                          "{\"status\":\"" + digest + "\"}\r\n"));
  ProgressRelabel other("h1");
  other.feed("{\"status\":\"" + digest + "\",\"id\":\"x\"}\n{\"status\":\"sha256:12\"}\n");
  EXPECT_THAT(other.results(), IsEmpty());
}

TEST(ProgressRelabel, keeps_a_bounded_number_of_results) {
  ProgressRelabel progress("h1");
  std::string given;
  for (std::size_t i = 0; i <= ProgressRelabel::most_results; ++i) {
    given += progress.feed("{\"stream\":\"Loaded image: x\\n\"}\n");
  }
  EXPECT_EQ(progress.results().size(), ProgressRelabel::most_results);
  EXPECT_EQ(given, "{\"stream\":\"h1: Loaded image: x\\n\"}\r\n");
}

}  // namespace
}  // namespace dockherd::engine_api
