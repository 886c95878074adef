#include "docker_client/docker_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockherd::docker_client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// As dockerd 20.10 answered, with some fields left out.
constexpr const char* entry =
    R"({"Id":"9880d4dab4313142","Names":["/web","/proxy/alias"],"Image":"busybox",)"
    R"("ImageID":"sha256:2812","Command":"sleep \"]}\"","Created":1700000000,"Ports":[],)"
    R"("Labels":{"a":"b","dockherd.template":"web"},"State":"running","Status":"Up 5 minutes",)"
    R"("HostConfig":{"NetworkMode":"none"},"Mounts":[]})";

TEST(ContainerList, an_entry_is_read_and_its_text_kept) {
  const auto list = decode_container_list(std::string("[") + entry + "]\n");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 1u);
  const ContainerSummary& summary = list->front();
  EXPECT_EQ(summary.id, "9880d4dab4313142");
  EXPECT_THAT(summary.names, ElementsAre("web"));
  EXPECT_EQ(summary.image, "busybox");
  EXPECT_EQ(summary.state, "running");
  EXPECT_EQ(summary.created, 1'700'000'000);
  EXPECT_THAT(summary.labels, ElementsAre(Pair("a", "b"), Pair("dockherd.template", "web")));
  EXPECT_EQ(summary.raw, entry);
}

TEST(ContainerList, several_entries_keep_their_order) {
  const auto list = decode_container_list(R"( [ {"Id":"b"} , {"Id":"a","Labels":null} ] )");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].id, "b");
  EXPECT_EQ((*list)[1].raw, R"({"Id":"a","Labels":null})");
}

TEST(ContainerList, an_empty_list_has_no_entries) {
  const auto list = decode_container_list("[]\n");
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->empty());
}

TEST(ContainerList, anything_else_is_an_error) {
  for (const char* text : {"", "null", "{}", "[", "[{\"Id\":\"a\"}", "{\"message\":\"no\"}",
                           "[{\"Names\":[]}]", "[{\"Id\":7}]", "[\"", "]",
                           // Taken for an empty list, these would say that all containers are gone.
                           "[null]", "[1,2]", "[\"a\"]", "[[]]", "[] []", "[]x", "[,]"}) {
    const auto list = decode_container_list(text);
    ASSERT_FALSE(list) << text;
    EXPECT_EQ(list.error().code, errc::daemon_lost) << text;  // The caller is not to blame.
  }
  EXPECT_FALSE(decode_container_list(std::string(100'000, '[')));
}

TEST(Event, a_container_event_is_read) {
  const auto event = decode_event(
      R"({"status":"start","id":"9880","from":"busybox","Type":"container","Action":"start",)"
      R"("Actor":{"ID":"9880","Attributes":{"image":"busybox","name":"web"}},"scope":"local",)"
      R"("time":1700000000,"timeNano":1700000000123456789})");
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(event->type, "container");
  EXPECT_EQ(event->action, "start");
  EXPECT_EQ(event->id, "9880");
  EXPECT_EQ(event->name, "web");
  EXPECT_THAT(event->attributes, ElementsAre(Pair("image", "busybox"), Pair("name", "web")));
  EXPECT_EQ(event->time_nano, 1'700'000'000'123'456'789);
}

TEST(Event, broken_lines_are_errors) {
  for (const char* text : {"", "{", "[]", "{}", R"({"Type":"container"})", R"({"Type":1})"}) {
    const auto event = decode_event(text);
    ASSERT_FALSE(event) << text;
    EXPECT_EQ(event.error().code, errc::daemon_lost) << text;
  }
}

TEST(Event, an_odd_actor_does_no_harm) {
  const auto event = decode_event(R"({"Type":"a","Action":"b","Actor":7,"timeNano":"x"})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->id, "");
  EXPECT_EQ(event->time_nano, 0);
}

TEST(ErrorMessage, is_taken_out_of_dockers_json) {
  EXPECT_EQ(error_message("{\"message\":\"No such container: x\"}\n"), "No such container: x");
  EXPECT_EQ(error_message("page not found\n"), "page not found");
  EXPECT_EQ(error_message("{}"), "{}");
  EXPECT_EQ(error_message(""), "");
  EXPECT_EQ(error_message(std::string(5000, 'x')).size(), 1000u);
}

TEST(ErrorMessage, a_refusal_carries_status_and_message) {
  const Error refused = refusal_of(DockerResponse(409, "{\"message\":\"Conflict.\"}"));
  EXPECT_EQ(refused.code, errc::docker_refused);
  EXPECT_EQ(refused.docker_status, 409);
  EXPECT_EQ(refused.message, "Conflict.");
  EXPECT_THAT(refusal_of(DockerResponse(500, "")).message, HasSubstr("500"));
}

TEST(PullFailure, hides_in_a_successful_answer) {
  EXPECT_EQ(pull_failure("{\"status\":\"Pulling\"}\r\n{\"status\":\"done\"}\r\n"), std::nullopt);
  EXPECT_EQ(pull_failure("{\"status\":\"Pulling\"}\r\n"
                         "{\"errorDetail\":{\"message\":\"no space\"},\"error\":\"no space\"}\r\n"),
            "no space");
  // A status that only speaks of errors is none.
  EXPECT_EQ(pull_failure("{\"status\":\"no \\\"error\\\" here\"}"), std::nullopt);
}

TEST(Lines, are_taken_when_they_are_whole) {
  std::string received = "one\ntw";
  EXPECT_EQ(take_lines(received, false), "one\n");
  EXPECT_EQ(take_lines(received, false), "");
  received += "o\n\nthree";
  EXPECT_EQ(take_lines(received, false), "two\n\n");
  EXPECT_EQ(take_lines(received, true), "three");
  EXPECT_EQ(received, "");
}

TEST(Version, is_read) {
  const auto version =
      decode_version(R"({"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"})");
  ASSERT_TRUE(version);
  EXPECT_EQ(version->version, "20.10.24");
  EXPECT_EQ(version->api_version, "1.41");
  EXPECT_EQ(version->min_api_version, "1.12");
  for (const char* text : {"{}", "[]", "x"}) {
    EXPECT_EQ(decode_version(text).error().code, errc::daemon_lost) << text;
  }
}

TEST(Inspection, gives_what_the_status_text_needs) {
  const auto status = decode_container_status(
      R"({"Id":"a","State":{"Status":"exited","ExitCode":3,"StartedAt":"2023-11-14T22:13:20Z",)"
      R"("FinishedAt":"2023-11-14T22:13:25.5Z","Health":{"Status":"unhealthy"}}})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->state, "exited");
  EXPECT_EQ(status->exit_code, 3);
  EXPECT_EQ(status->health, "unhealthy");
  EXPECT_EQ(status->finished - status->started, std::chrono::milliseconds(5500));
  for (const char* text : {"{}", "[]", "x"}) {
    EXPECT_EQ(decode_container_status(text).error().code, errc::daemon_lost) << text;
  }
}

TEST(CreatedId, is_that_of_the_answer) {
  EXPECT_EQ(created_id("{\"Id\":\"abc\",\"Warnings\":[]}"), "abc");
  EXPECT_EQ(created_id("{\"Warnings\":[]}"), std::nullopt);
  EXPECT_EQ(created_id("nonsense"), std::nullopt);
}

}  // namespace
}  // namespace dockherd::docker_client
