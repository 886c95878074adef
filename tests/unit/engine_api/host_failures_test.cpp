#include "engine_api/host_failures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"

namespace dockherd::engine_api {
namespace {

std::string message_of(const Merged& merged) {
  return parse_json(merged.body).value()["message"];
}

TEST(HostFailures, say_each_message_once_with_all_of_its_hosts) {
  const std::vector<HostFailure> failures{{"h1", 500, "a"}, {"h2", 404, "b"}, {"h3", 500, "a"}};
  EXPECT_EQ(failures_text(failures), "h1, h3: a; h2: b");
  EXPECT_EQ(failures_text({}), "");
}

TEST(HostFailures, everywhere_alike_are_what_one_daemon_says) {
  const std::vector<HostFailure> failures{{"h1", 404, "no such image"},
                                          {"h2", 404, "no such image"}};
  const Merged merged = failed_everywhere(failures);
  EXPECT_EQ(merged.status, 404);
  EXPECT_EQ(message_of(merged), "no such image");
}

TEST(HostFailures, are_a_404_only_when_all_are) {
  const std::vector<HostFailure> failures{{"h1", 404, "no such image"}, {"h2", 504, "silent"}};
  const Merged merged = failed_everywhere(failures);
  EXPECT_EQ(merged.status, 504);
  EXPECT_EQ(message_of(merged), "h1: no such image; h2: silent");
}

TEST(HostFailures, of_no_host_are_a_503) {
  EXPECT_EQ(failed_everywhere({}).status, 503);
}

TEST(HostFailures, are_told_without_the_name_that_stands_beside_them) {
  EXPECT_EQ(failure_of({"h1", 504, R"({"message":"h1: silent"})"}).message, "silent");
  EXPECT_EQ(failure_of({"h1", 504, R"({"message":"h12: silent"})"}).message, "h12: silent");
  EXPECT_EQ(failure_of({"h1", 500, ""}).message, "the daemon answered 500");
}

TEST(HostFailures, that_are_no_error_status_are_a_502) {
  EXPECT_EQ(failure_of({"h1", 302, "elsewhere"}).status, 502);
}

TEST(HostFailures, as_a_line_are_one_that_clients_take_for_an_error) {
  const std::string line = error_line("h1: \"no\"");
  EXPECT_THAT(line, ::testing::EndsWith("}\r\n"));
  const json object = parse_json(line).value();
  EXPECT_EQ(object["error"], "h1: \"no\"");
  EXPECT_EQ(object["errorDetail"]["message"], "h1: \"no\"");
}

Merged tagged(std::vector<HostAnswer> answers) {
  return merge_image_tags(answers);
}

TEST(MergeImageTags, are_done_when_every_host_has_done_it) {
  const Merged merged = tagged({{"h1", 201, ""}, {"h2", 201, ""}});
  EXPECT_EQ(merged.status, 201);
  EXPECT_EQ(merged.body, "");
}

TEST(MergeImageTags, that_a_host_refused_say_where_it_is_done) {
  const Merged merged = tagged({{"h1", 201, ""}, {"h2", 500, R"({"message":"disk is gone"})"}});
  EXPECT_EQ(merged.status, 500);
  EXPECT_EQ(message_of(merged), "h2: disk is gone; tagged on h1");
}

TEST(MergeImageTags, that_every_host_refused_alike_are_what_one_daemon_says) {
  const std::string refusal = R"({"message":"invalid reference format"})";
  const Merged merged = tagged({{"h1", 400, refusal}, {"h2", 400, refusal}});
  EXPECT_EQ(merged.status, 400);
  EXPECT_EQ(message_of(merged), "invalid reference format");
}

}  // namespace
}  // namespace dockherd::engine_api
