#include "http_api/responses.hpp"

#include <gtest/gtest.h>

#include "base/json_reader.hpp"
#include "http_api/http_date.hpp"

namespace dockherd::http_api {

TEST(Responses, every_error_has_its_status) {
  const std::pair<errc, int> expected[] = {
      {errc::bad_request, 400}, {errc::not_found, 404},     {errc::ambiguous, 409},
      {errc::too_large, 413},   {errc::daemon_down, 502},   {errc::daemon_lost, 502},
      {errc::declined, 503},    {errc::not_sent, 502},      {errc::peer_lost, 502},
      {errc::timeout, 504},     {errc::busy, 503},          {errc::canceled, 503},
      {errc::not_begun, 504},   {errc::image_pulling, 504}, {errc::bad_config, 500},
      {errc::internal, 500}};
  for (const auto& [code, status] : expected) {
    EXPECT_EQ(status, error_reply(Error(code, "x")).status) << to_string(code);
  }
}

TEST(Responses, what_a_daemon_refused_keeps_its_status) {
  Error error(errc::docker_refused, "conflict");
  EXPECT_EQ(502, error_reply(error).status);
  error.docker_status = 409;
  EXPECT_EQ(409, error_reply(error).status);
  error.docker_status = 304;
  EXPECT_EQ(502, error_reply(error).status);
}

TEST(Responses, an_error_names_code_field_and_node) {
  const auto reply =
      error_reply(Error(errc::bad_request, "instances must be \"1\"").at_field("instances"));
  EXPECT_EQ(
      json({{"error", "instances must be \"1\""}, {"code", "bad_request"}, {"field", "instances"}}),
      parse_json(reply.body).value());
  const auto down = error_reply(Error(errc::daemon_down, "down").at_node("host2"));
  EXPECT_EQ(json({{"error", "down"}, {"code", "daemon_down"}, {"dockerInstance", "host2"}}),
            parse_json(down.body).value());
}

TEST(Responses, an_unknown_id_has_the_status_that_clients_look_for) {
  const auto body = parse_json(error_reply(Error(errc::not_found, "no abc")).body).value();
  EXPECT_EQ("timeout or no such id", body["status"]);
  EXPECT_EQ("no abc", body["error"]);
}

TEST(Responses, text_that_is_not_utf8_is_replaced) {
  EXPECT_TRUE(parse_json(error_reply(Error(errc::internal, "\xff\xfe")).body).has_value());
}

TEST(Responses, a_head_is_complete) {
  std::string head = "old";
  render_head(head, Response(200, text_type, "hello").with_header("X-A", "b"), "dockherd/1",
              "Sun, 06 Nov 1994 08:49:37 GMT", Persistence::close);
  EXPECT_EQ(
      "HTTP/1.1 200 OK\r\nServer: dockherd/1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\nX-A: b\r\n"
      "Connection: close\r\n\r\n",
      head);
}

TEST(HttpDate, is_as_the_rfc_writes_it) {
  const WallTime time = std::chrono::system_clock::from_time_t(784111777);
  EXPECT_EQ("Sun, 06 Nov 1994 08:49:37 GMT", format_http_date(time));
}

TEST(Responses, what_is_busy_says_when_to_ask_again) {
  const auto head_of = [](const Response& response) {
    std::string head;
    render_head(head, response, "dockherd/1", "now", Persistence::close);
    return head;
  };
  const std::string busy = head_of(Response(error_reply(Error(errc::busy, "x"))));
  EXPECT_NE(busy.find("\r\nRetry-After: 1\r\n"), std::string::npos) << busy;
  OverLimit over;
  over.retry_after_seconds = 9;
  const std::string later = head_of(over_limit_response(over, true));
  EXPECT_NE(later.find("\r\nRetry-After: 9\r\n"), std::string::npos) << later;
  EXPECT_EQ(later.find("Retry-After"), later.rfind("Retry-After")) << later;
  const std::string refused = head_of(Response(error_reply(Error(errc::bad_request, "x"))));
  EXPECT_EQ(refused.find("Retry-After"), std::string::npos) << refused;
}

}  // namespace dockherd::http_api
