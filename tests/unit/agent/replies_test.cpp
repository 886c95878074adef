#include "agent/replies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"

namespace dockherd::agent {
namespace {

using docker_client::DockerResponse;

DockerResponse response_of(int status, std::string body, std::string type = "application/json") {
  DockerResponse response(status, std::move(body));
  response.headers.emplace_back("Content-Type", std::move(type));
  response.headers.emplace_back("Date", "Sat, 21 Nov 2026 00:00:00 GMT");
  response.headers.emplace_back("Content-Length", "12");
  response.headers.emplace_back("Transfer-Encoding", "chunked");
  return response;
}

json parsed(const std::string& text) {
  auto document = parse_json(text);
  EXPECT_TRUE(document) << text;
  return document ? *document : json();
}

TEST(Replies, success_is_200_and_keeps_dockers_own_status_inside) {
  for (const int status : {200, 201, 204, 304}) {
    const VerbReply reply = docker_reply("h1", DockerResponse(status, ""));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(parsed(reply.body)["statusCode"], status);
  }
  EXPECT_EQ(docker_reply("h1", DockerResponse(409, "")).status, 409);
  EXPECT_EQ(docker_reply("h1", DockerResponse(101, "")).status, 502);
}

TEST(Replies, a_json_body_is_put_in_as_json_with_dockers_headers_but_not_those_of_the_connection) {
  const json envelope = parsed(docker_envelope("h1", response_of(201, "{\"Id\":\"x\"}\n")));
  EXPECT_EQ(envelope["dockerInstance"], "h1");
  EXPECT_EQ(envelope["Response"]["Body"]["Id"], "x");
  EXPECT_EQ(envelope["Response"]["Date"], "Sat, 21 Nov 2026 00:00:00 GMT");
  EXPECT_FALSE(envelope["Response"].contains("Content-Length"));
  EXPECT_FALSE(envelope["Response"].contains("Transfer-Encoding"));
  EXPECT_FALSE(envelope.contains("error"));
}

TEST(Replies, a_text_body_is_quoted) {
  const json envelope = parsed(docker_envelope("h1", response_of(200, "OK \"x\"\n", "text/plain")));
  EXPECT_EQ(envelope["Response"]["Body"], "OK \"x\"");
}

TEST(Replies, what_is_announced_as_json_and_is_none_is_quoted) {
  for (const char* body : {R"([{"Id": tru)", "{", R"({"a":1}})", "nonsense"}) {
    const json envelope = parsed(docker_envelope("h1", response_of(200, body)));
    EXPECT_EQ(envelope["Response"]["Body"], body);
  }
}

TEST(Replies, a_refusal_says_dockers_message) {
  const json envelope = parsed(docker_envelope("h1", response_of(404, R"({"message":"gone"})")));
  EXPECT_EQ(envelope["error"], "gone");
  EXPECT_EQ(envelope["code"], "docker_refused");
  EXPECT_EQ(parsed(docker_envelope("h1", DockerResponse(500, "")))["error"],
            "Docker answered with status 500");
}

TEST(Replies, members_are_put_before_an_objects_own) {
  EXPECT_EQ(with_members(R"({"b":2})", R"("a":1)"), R"({"a":1,"b":2})");
  EXPECT_EQ(with_members("{}", R"("a":1)"), R"({"a":1})");
}

TEST(Replies, a_failure_is_given_what_an_envelope_has) {
  const VerbReply bare(504, R"({"error":"late"})");
  EXPECT_EQ(parsed(with_envelope(bare, "h1")),
            (json{{"statusCode", 504}, {"dockerInstance", "h1"}, {"error", "late"}}));
  EXPECT_EQ(with_envelope(bare, ""), R"({"statusCode":504,"error":"late"})");
  const VerbReply whole(404, R"({"statusCode":404,"dockerInstance":"h2","error":"gone"})");
  EXPECT_EQ(with_envelope(whole, "h1"), whole.body);
}

TEST(Replies, an_error_is_replaced_and_nothing_else) {
  EXPECT_EQ(with_error(R"({"a":"error","error":"x","b":{"error":"y"}})", "new \"one\""),
            R"({"a":"error","error":"new \"one\"","b":{"error":"y"}})");
  EXPECT_EQ(with_error(R"({"a":1})", "new"), R"({"error":"new","a":1})");
}

TEST(Replies, every_entry_of_a_list_names_its_host) {
  EXPECT_EQ(with_instance(R"([{"Id":"a"}, {}])", "h1"),
            R"([{"dockerInstance":"h1","Id":"a"},{"dockerInstance":"h1"}])");
  EXPECT_EQ(with_instance("null", "h1"), "null");
}

TEST(Replies, what_may_have_happened_is_counted_as_unknown) {
  Summary summary;
  count(VerbReply(200, "{}"), summary);
  count(VerbReply(502, R"({"error":"x","code":"peer_lost"})"), summary);
  count(VerbReply(504, R"({"code":"timeout"})"), summary);
  count(VerbReply(502, R"({"code":"daemon_down"})"), summary);
  count(VerbReply(409, R"({"error":"no code"})"), summary);
  EXPECT_EQ(summary.created, 1u);
  EXPECT_EQ(summary.unknown, 2u);
  EXPECT_EQ(summary.failed, 2u);
}

TEST(Replies, a_bulk_is_200_when_all_207_in_part_and_its_first_failure_when_none_was_made) {
  Summary summary;
  summary.asked = 3;
  summary.created = 3;
  EXPECT_EQ(summary_status(summary, 500), 200);
  summary.created = 2;
  summary.failed = 1;
  EXPECT_EQ(summary_status(summary, 500), 207);
  summary.created = 0;
  summary.failed = 3;
  EXPECT_EQ(summary_status(summary, 503), 503);
}

TEST(Replies, an_answer_without_host_and_status_becomes_an_envelope_and_an_envelope_stays_one) {
  const std::string busy = R"({"error":"too busy","code":"busy"})";
  EXPECT_EQ(
      parsed(with_envelope(VerbReply(503, busy), "h1")),
      (json{
          {"statusCode", 503}, {"dockerInstance", "h1"}, {"error", "too busy"}, {"code", "busy"}}));
  const std::string envelope = R"({"statusCode":409,"dockerInstance":"h2"})";
  EXPECT_EQ(with_envelope(VerbReply(503, envelope), "h1"), envelope);
}

}  // namespace
}  // namespace dockherd::agent
