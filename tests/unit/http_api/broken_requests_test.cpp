// Clients that break HTTP or a limit: each is told so, and the next one is served as before.
#include <gmock/gmock.h>

#include <thread>

#include "base/json_reader.hpp"
#include "tests/unit/http_api/loopback.hpp"

namespace dockherd::http_api {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class BrokenRequests : public Loopback {
 protected:
  /// The status of the last answer to `bytes`, after which the connection must be closed and the
  /// body be JSON with an error.
  int answer_to(std::string_view bytes, bool end_sending = false) {
    Client client = connect();
    client.send(bytes);
    if (end_sending) client.end_sending();
    const std::string all = client.rest();
    const auto begin = all.find("HTTP/1.1 ");
    const auto body = all.find("\r\n\r\n");
    if (begin == std::string::npos || body == std::string::npos) return 0;
    EXPECT_THAT(all, HasSubstr("\r\nConnection: close\r\n"));
    const auto document = parse_json(all.substr(body + 4));
    EXPECT_TRUE(document && document->contains("error")) << all;
    return std::stoi(all.substr(begin + 9, 3));
  }
};

TEST_F(BrokenRequests, what_is_not_http_gets_400) {
  start();
  const std::string host = "Host: a\r\n";
  const std::string broken[] = {
      std::string("hello\r\n\r\n"), "GE\x01T / HTTP/1.1\r\n" + host + "\r\n",
      "GET / HTTP/9.9\r\n" + host + "\r\n", "GET / HTTP/2.0\r\n\r\n", "GET /\r\n\r\n",
      "GET  / HTTP/1.1\r\n" + host + "\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHo st: a\r\n\r\n", "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
      std::string("\0\0\0\0\r\n\r\n", 8),
      // A length that is no number, or two, or both kinds of framing (request smuggling).
      "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 0x10\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "POST / HTTP/1.1\r\n" + host +
          "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      // A body whose end nobody can know.
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: identity\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\r\n\r\n",
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      // Chunks.
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n",
      "POST / HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n",
      // Valid, and read otherwise by some.
      "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\n" + host +
          "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n"};
  for (const std::string& bytes : broken) {
    EXPECT_EQ(400, answer_to(bytes)) << bytes;
  }
  EXPECT_THAT(connect().ask(post("{}")), EndsWith("{\"echo\":2}"));
  EXPECT_EQ(1, cluster.begun);
}

TEST_F(BrokenRequests, one_host_is_needed) {
  start();
  EXPECT_THAT(connect().ask("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(connect().ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(BrokenRequests, a_header_over_the_limit_gets_431) {
  start();
  const std::string large = "X: " + std::string(17u << 10, 'x') + "\r\n";
  EXPECT_EQ(431, answer_to("GET / HTTP/1.1\r\nHost: a\r\n" + large + "\r\n"));
  EXPECT_EQ(431, answer_to("GET /" + std::string(17u << 10, 'x') + " HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(431, answer_to("GET / HTTP/1.1\r\nX: " + std::string(17u << 10, 'x')));
  EXPECT_EQ(431, answer_to(std::string(100u << 10, 'x')));
}

TEST_F(BrokenRequests, a_header_of_many_small_fields_is_over_the_limit_too) {
  start();
  // The parser forgets each field that it has taken, and a read of 4 KiB ends between two of these.
  const std::string line = "GET /abcd HTTP/1.1\r\n";
  std::string fields;
  for (int i = 0; i < 10 * 1024; ++i) fields += "A:\r\n";
  EXPECT_EQ(0u, (4096 - line.size()) % 4);
  EXPECT_EQ(431, answer_to(line + fields));
  EXPECT_EQ(431, answer_to(line + fields + "\r\n"));
}

TEST_F(BrokenRequests, a_header_may_be_as_long_as_the_limit_and_not_a_byte_longer) {
  start();
  const auto request = [&](std::size_t bytes) {
    std::string text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
    while (text.size() + 100 < bytes) text += "A: b\r\n";
    text += "P: " + std::string(bytes - text.size() - 7, 'x') + "\r\n\r\n";
    EXPECT_EQ(bytes, text.size());
    return text + "2\r\n{}\r\n0\r\n\r\n";
  };
  const std::size_t limit = settings.max_header_bytes;
  EXPECT_THAT(connect().ask(request(limit)), EndsWith("{\"echo\":2}"));
  EXPECT_EQ(431, answer_to(request(limit + 1)));
  // Behind another request, so that it has been read as a whole when its turn comes.
  Client pipelining = connect();
  pipelining.send(post(std::string(60'000, 'x')) + request(limit) + request(limit + 1));
  EXPECT_THAT(pipelining.response(), EndsWith("{\"echo\":60000}"));
  EXPECT_THAT(pipelining.response(), EndsWith("{\"echo\":2}"));
  EXPECT_THAT(pipelining.rest(), StartsWith("HTTP/1.1 431 "));
}

TEST_F(BrokenRequests, an_endless_chunk_line_or_trailer_gets_431_or_400) {
  start();
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(answer_to(head + "3;" + std::string(200u << 10, 'x')), ::testing::AnyOf(400, 431));
  std::string trailers;
  for (int i = 0; i < 20'000; ++i) trailers += "T" + std::to_string(i) + ": x\r\n";
  EXPECT_THAT(answer_to(head + "0\r\n" + trailers + "\r\n"), ::testing::AnyOf(400, 431));
}

TEST_F(BrokenRequests, a_body_over_the_limit_gets_413) {
  settings.max_body_bytes = 100'000;
  start();
  EXPECT_THAT(connect().ask(post(std::string(100'000, 'x'))), EndsWith("{\"echo\":100000}"));
  EXPECT_EQ(413, answer_to(post(std::string(100'001, 'x'))));
  EXPECT_EQ(413, answer_to(post(std::string(3u << 20, 'x'))));
  // Said before a byte of the body was sent, so that it never is.
  EXPECT_EQ(413, answer_to("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                           "Content-Length: 100001\r\n\r\n"));
  EXPECT_EQ(413, answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999\r\n\r\n"));
  std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 101; ++i) chunked += "3E8\r\n" + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(413, answer_to(chunked + "0\r\n\r\n"));
  EXPECT_EQ(1, cluster.begun);
}

TEST_F(BrokenRequests, a_slow_header_gets_408) {
  settings.header_timeout = std::chrono::milliseconds(40);
  start();
  EXPECT_EQ(408, answer_to("GET / HTTP/1.1\r\nHost:"));
  EXPECT_EQ(408, answer_to("GET / HTTP/1.1\r\n"));
  EXPECT_EQ(408, answer_to("G"));
}

TEST_F(BrokenRequests, a_header_that_trickles_gets_408_all_the_same) {
  settings.header_timeout = std::chrono::milliseconds(60);
  settings.linger_timeout = std::chrono::milliseconds(200);
  start();
  Client client = connect();
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_TRUE(eventually([&] {
    client.send("A: b\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return client.has_answer();
  }));
  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(BrokenRequests, a_slow_body_gets_408) {
  settings.body_timeout = std::chrono::milliseconds(40);
  start();
  EXPECT_EQ(408, answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{"));
  EXPECT_EQ(408, answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"));
  EXPECT_EQ(0, cluster.begun);
}

TEST_F(BrokenRequests, an_idle_connection_is_closed_without_a_word) {
  settings.idle_timeout = std::chrono::milliseconds(200);
  start();
  EXPECT_EQ("", connect().rest());
  // On a busy machine a client may itself be idle for that long before it has asked.
  std::string answer;
  for (int attempt = 0; attempt < 50 && answer.empty(); ++attempt) {
    Client used = connect();
    answer = used.ask(post("{}"));
    EXPECT_EQ("", used.rest());
  }
  EXPECT_THAT(answer, EndsWith("{\"echo\":2}"));
}

TEST_F(BrokenRequests, a_request_that_ends_early_gets_400) {
  start();
  EXPECT_EQ(400, answer_to("GET / HT", true));
  EXPECT_EQ(400, answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{}", true));
  EXPECT_EQ(0, answer_to("", true));
  EXPECT_EQ(0, cluster.begun);
}

TEST_F(BrokenRequests, a_client_that_never_reads_is_dropped) {
  settings.write_timeout = std::chrono::milliseconds(50);
  cluster.handler = [](std::string) -> asio::awaitable<VerbReply> {
    co_return VerbReply(200, std::string(30u << 20, 'x'));
  };
  start();
  Client client = connect();
  client.send(post("{}"));
  EXPECT_TRUE(eventually([&] { return cluster.ended == 1 && connections() == 0; }));
}

TEST_F(BrokenRequests, clients_that_leave_at_any_byte_leave_nothing_behind) {
  start();
  const std::string request = post("{\"a\":1}");
  for (std::size_t length = 0; length <= request.size(); ++length) {
    Client client = connect();
    client.send(request.substr(0, length));
  }
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
  EXPECT_THAT(connect().ask(post("{}")), EndsWith("{\"echo\":2}"));
}

}  // namespace dockherd::http_api
