// Well-behaved clients of every age.
#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/http_api/loopback.hpp"

namespace dockherd::http_api {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ServedRequests : public Loopback {};

TEST_F(ServedRequests, a_verb_is_answered_as_json) {
  start();
  const auto response = connect().ask(post("{\"a\":1}"));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nServer: dockherd/test\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nDate: "));
  EXPECT_THAT(response, EndsWith("\r\n\r\n{\"echo\":7}"));
}

TEST_F(ServedRequests, the_status_of_a_reply_is_the_status_of_the_response) {
  cluster.handler = [](std::string) -> asio::awaitable<VerbReply> {
    co_return VerbReply(207, "{}");
  };
  start();
  EXPECT_THAT(connect().ask(post("x")), StartsWith("HTTP/1.1 207 Multi-Status\r\n"));
}

TEST_F(ServedRequests, a_connection_serves_many_requests) {
  start();
  Client client = connect();
  for (std::size_t i = 1; i <= 200; ++i) {
    EXPECT_THAT(client.ask(post(std::string(i, 'x'))), EndsWith(":" + std::to_string(i) + "}"));
  }
  EXPECT_EQ(1u, connections());
}

TEST_F(ServedRequests, pipelined_requests_are_answered_in_order) {
  start();
  Client client = connect();
  std::string all;
  for (std::size_t i = 1; i <= 50; ++i) all += post(std::string(i, 'x'));
  client.send(all + "\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  for (std::size_t i = 1; i <= 50; ++i) {
    EXPECT_THAT(client.response(), EndsWith(":" + std::to_string(i) + "}"));
  }
  EXPECT_THAT(client.rest(), EndsWith("\r\n\r\ndockherd test\n"));
}

TEST_F(ServedRequests, a_request_may_arrive_byte_by_byte) {
  start();
  Client client = connect();
  for (const char byte : post("{\"a\":1}")) client.send(std::string(1, byte));
  EXPECT_THAT(client.response(), EndsWith("{\"echo\":7}"));
}

TEST_F(ServedRequests, a_chunked_body_is_put_together) {
  start();
  EXPECT_THAT(connect().ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"),
              EndsWith("{\"echo\":13}"));
}

TEST_F(ServedRequests, a_head_request_gets_the_length_and_no_body) {
  start();
  Client client = connect();
  client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.response(false), HasSubstr("\r\nContent-Length: 14\r\n"));
  EXPECT_THAT(client.response(false), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServedRequests, http_1_0_closes_unless_told_to_keep) {
  start();
  Client closing = connect();
  closing.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(closing.rest(), HasSubstr("\r\nConnection: close\r\n"));
  Client keeping = connect();
  const char* request = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  EXPECT_THAT(keeping.ask(request), HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(keeping.ask(request), HasSubstr("dockherd test"));
}

TEST_F(ServedRequests, connection_close_is_honoured) {
  start();
  Client client = connect();
  client.send(post("x", "Connection: close\r\n"));
  EXPECT_THAT(client.rest(), HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(ServedRequests, the_go_ahead_comes_before_the_body) {
  start();
  Client client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ("HTTP/1.1 100 Continue\r\n\r\n", client.response());
  EXPECT_EQ(0, cluster.begun);
  EXPECT_THAT(client.ask("{}"), EndsWith("{\"echo\":2}"));
}

TEST_F(ServedRequests, there_is_no_go_ahead_when_the_body_came_along_or_the_client_is_old) {
  start();
  EXPECT_THAT(connect().ask(post("{}", "Expect: 100-continue\r\n")),
              StartsWith("HTTP/1.1 200 OK\r\n"));
  Client old = connect();
  old.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_THAT(old.ask("{}"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServedRequests, a_client_that_ends_its_side_still_gets_the_answer) {
  cluster.handler = [this](std::string) -> asio::awaitable<VerbReply> {
    co_await clock.sleep_until(clock.now() + std::chrono::milliseconds(30));
    co_return VerbReply(200, "{\"late\":true}");
  };
  start();
  Client client = connect();
  client.send(post("{}"));
  client.end_sending();
  EXPECT_THAT(client.rest(), EndsWith("{\"late\":true}"));
}

TEST_F(ServedRequests, a_client_that_goes_away_does_not_undo_its_verb) {
  cluster.handler = [this](std::string) -> asio::awaitable<VerbReply> {
    co_await clock.sleep_until(clock.now() + std::chrono::milliseconds(30));
    co_return VerbReply(200, std::string(100'000, ' ') + "{}");
  };
  start();
  {
    Client client = connect();
    client.send(post("{}"));
    ASSERT_TRUE(eventually([&] { return cluster.begun == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return cluster.ended == 1; }));
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(ServedRequests, a_response_larger_than_the_sockets_buffers_arrives_whole) {
  cluster.handler = [](std::string) -> asio::awaitable<VerbReply> {
    co_return VerbReply(200, std::string(20u << 20, 'x'));
  };
  start();
  Client client = connect();
  client.send(post("{}"));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto response = client.response();
  EXPECT_EQ(20u << 20, response.size() - response.find("\r\n\r\n") - 4);
}

TEST_F(ServedRequests, a_verb_without_a_body_says_what_is_expected) {
  start();
  Client client = connect();
  for (const char* body : {"", " \r\n"}) {
    const auto response = client.ask(post(body));
    EXPECT_THAT(response, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_THAT(response, HasSubstr("{\"code\":\"bad_request\",\"error\":\"the request body must"));
  }
  EXPECT_EQ(0, cluster.begun);
}

TEST_F(ServedRequests, a_verb_that_throws_is_answered_with_500) {
  cluster.handler = [](std::string) -> asio::awaitable<VerbReply> {
    throw std::runtime_error("broken invariant");
    co_return VerbReply(200, "");
  };
  start();
  Client client = connect();
  EXPECT_THAT(client.ask(post("{}")), HasSubstr("broken invariant"));
  EXPECT_THAT(client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServedRequests, a_wrong_path_or_method_is_told_what_exists) {
  start();
  Client client = connect();
  const auto path = client.ask("GET /containers/json HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(path, StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(path, HasSubstr("{\"message\":\"page not found\"}"));
  const auto method = client.ask("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(method, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(method, HasSubstr("\r\nAllow: GET, HEAD, POST\r\n"));
  EXPECT_THAT(method, HasSubstr("{\"error\":\"DELETE is not served at /"));
}

TEST_F(ServedRequests, a_web_page_of_another_origin_is_turned_away) {
  start();
  EXPECT_THAT(connect().ask(post("{}", "Origin: https://evil.example\r\n")),
              StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_EQ(0, cluster.begun);
}

}  // namespace dockherd::http_api
