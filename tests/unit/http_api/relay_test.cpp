// Requests that are passed on: what the upstream sees, what the client sees, and what each sees
// when the other goes.
#include <gmock/gmock.h>

#include "tests/unit/http_api/relaying.hpp"

namespace dockherd::http_api {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Relay : public Relaying {
 protected:
  void SetUp() override { start(); }
};

TEST_F(Relay, an_answer_passes_as_it_is_and_the_connection_stays) {
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  EXPECT_THAT(peer->receive_until("\r\n\r\n"), StartsWith("GET /x HTTP/1.1\r\nHost: docker\r\n"));
  peer->send("HTTP/1.1 203 Hm\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(client.response(), "HTTP/1.1 203 Hm\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok");
  client.send(get);
  peer->receive_until("\r\n\r\n");  // On the same connection: it has been kept, too.
  peer->send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(client.response(), "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_F(Relay, what_is_said_to_be_for_one_connection_stays_there) {
  Client client = connect();
  client.send(
      "PUT /x HTTP/1.1\r\nHost: a\r\nConnection: x-hop, Content-Length\r\nX-Hop: 1\r\nX-Stay: 2\r\n"
      "X-Other: 3\r\nConnection: X-Other\r\nContent-Length: 2\r\n\r\nab");
  const auto peer = upstream.accept();
  EXPECT_EQ(peer->receive_until("ab"),
            "PUT /x HTTP/1.1\r\nHost: docker\r\nX-Stay: 2\r\nContent-Length: 2\r\n\r\nab");
  peer->send("HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(client.response(), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
}

TEST_F(Relay, the_answer_to_head_has_no_body_whatever_its_length_says) {
  Client client = connect();
  client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n");
  EXPECT_THAT(client.response(false), EndsWith("Content-Length: 70\r\n\r\n"));
  client.send(get);
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_THAT(client.response(), EndsWith("\r\n\r\nx"));
}

/// Fields of 10 bytes.
std::string fields(std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += "X-A: 123\r\n";
  return all;
}

TEST_F(Relay, a_head_without_an_end_is_no_answer) {
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  // Each piece ends with the first byte of a field, so that the parser takes all but that byte.
  peer->send("HTTP/1.1 200 OK\r\nX");
  const std::string piece = fields(1'000).substr(1) + "X";
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    peer->send(piece);
  }
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 502 "));
}

TEST_F(Relay, each_of_several_heads_may_be_long) {
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  const std::string hints = "HTTP/1.1 103 Early Hints\r\n" + fields(4'000) + "\r\n";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields(4'000) + "\r\n";
  peer->send(hints + hints + answer);
  EXPECT_EQ(client.response(), hints);
  EXPECT_EQ(client.response(), hints);
  EXPECT_EQ(client.response(), answer);
}

TEST_F(Relay, chunks_pass_when_they_come) {
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_THAT(client.response(), EndsWith("\r\n\r\n"));  // Nothing of the body is there yet.
  peer->send("3\r\nabc\r\n");
  ASSERT_TRUE(eventually([&] { return client.has_answer(); }));
  peer->send("0\r\n\r\n");
  peer->close();
  EXPECT_TRUE(client.send(get));
  const auto next = upstream.accept();  // That one is closed: a new connection.
  next->receive_until("\r\n\r\n");
  next->send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nend");
  std::string all;
  while (all.find("end") == std::string::npos) all += client.response();
  EXPECT_THAT(all, StartsWith("3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK"));
}

TEST_F(Relay, a_body_without_an_end_ends_with_the_connection) {
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nsome");
  peer->close();
  EXPECT_THAT(client.rest(), EndsWith("\r\n\r\nsome"));
}

TEST_F(Relay, an_upload_passes_and_its_framing_stays) {
  Client client = connect();
  client.send("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n");
  const auto peer = upstream.accept();
  EXPECT_THAT(peer->receive_until("abcd"), HasSubstr("Transfer-Encoding: chunked\r\n"));
  client.send("02\r\nef\r\n0\r\n\r\n");
  EXPECT_EQ(peer->receive_until("0\r\n\r\n"), "\r\n02\r\nef\r\n0\r\n\r\n");
  peer->send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 201 Created\r\n"));
}

TEST_F(Relay, what_the_parser_has_not_taken_is_not_passed_up) {
  Client client = connect();
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}");
  const auto peer = upstream.accept();
  peer->receive_until("{}");
  // A line that ends in LF alone ends the body for some, and begins another request.
  client.send("\r\n0\n\nPOST /smuggled HTTP/1.1\nHost: x\nContent-Length: 0\n\n");
  client.close();
  EXPECT_THAT(peer->receive_rest(), Not(HasSubstr("smuggled")));
}

/// For who ends a line at LF, a chunk line, 16 bytes, the body's end and another request.
constexpr std::string_view smuggling_chunk =
    "10;x=\"\nAAAAAAAAAAAAA\"\r\n\r\n0\r\n\r\nPOST /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(Relay, an_upload_with_an_extension_is_refused_before_the_upstream_is_called) {
  const std::string head = "PUT /bad HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view body :
       {smuggling_chunk, std::string_view("0;x=y\r\n\r\n"), std::string_view("5 \r\nhello\r\n"),
        std::string_view("0\r\nTrailer: x\r\n\r\n"), std::string_view("5\nhello\n0\n\n")}) {
    Client client = connect();
    client.send(head + std::string(body));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 400 ")) << body;
  }
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();  // The first that has been called.
  EXPECT_THAT(peer->receive_until("\r\n\r\n"), StartsWith("GET /x "));
  peer->send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 204 "));
}

TEST_F(Relay, an_extension_in_the_middle_of_an_upload_ends_it_and_gets_400) {
  Client client = connect();
  client.send("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n");
  const auto peer = upstream.accept();
  peer->receive_until("abcd");
  client.send(smuggling_chunk);
  EXPECT_EQ(peer->receive_rest(), "");
  const std::string answer = client.rest();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("{\"message\":"));
}

TEST_F(Relay, a_last_chunk_may_come_byte_by_byte) {
  Client client = connect();
  client.send("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  for (const char* end : {"\r", "\n"}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    client.send(end);
  }
  EXPECT_EQ(peer->receive(5), "0\r\n\r\n");
  peer->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char byte : {'0', '\r', '\n', '\r', '\n'}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    peer->send(std::string(1, byte));
  }
  std::string all = client.response();
  while (!all.ends_with("\r\n\r\n0\r\n\r\n")) all += client.some();
  client.send(get);  // Both connections are at the end of a message.
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(client.response(), "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_F(Relay, a_last_chunk_may_lack_its_end_for_ever) {
  Client client = connect();
  client.send("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
  client.end_sending();
  EXPECT_EQ(client.rest(), "");
}

TEST_F(Relay, a_large_upload_is_not_gathered) {
  const std::string megabyte(1u << 20, 'x');
  Client client = connect();
  client.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 67108864\r\n\r\n");
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  for (int i = 0; i < 64; ++i) {
    client.send(megabyte);
    ASSERT_EQ(peer->receive(megabyte.size()).size(), megabyte.size());
  }
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Relay, the_upstream_itself_says_that_the_body_may_come) {
  Client client = connect();
  client.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  const auto peer = upstream.accept();
  EXPECT_THAT(peer->receive_until("\r\n\r\n"), HasSubstr("Expect: 100-continue\r\n"));
  EXPECT_FALSE(client.has_answer());
  peer->send("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.response(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_EQ(peer->receive(2), "ab");
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Relay, a_refusal_in_the_middle_of_an_upload_reaches_the_client) {
  Client client = connect();
  client.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome");
  const auto peer = upstream.accept();
  peer->receive_until("some");
  peer->send("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 4\r\n\r\ngone");
  peer->close();
  client.send(std::string(1000, 'x'));
  EXPECT_THAT(client.response(), EndsWith("gone"));
  EXPECT_EQ(client.rest(), "");
}

TEST_F(Relay, a_client_that_breaks_off_its_upload_breaks_the_upstreams) {
  Client client = connect();
  client.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
  const auto peer = upstream.accept();
  peer->receive_until("some");
  client.close();
  EXPECT_EQ(peer->receive_rest(), "");
}

TEST_F(Relay, a_connection_that_is_taken_over_carries_anything_both_ways) {
  Client client = connect();
  client.send(
      "POST /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
      "Content-Length: 2\r\n\r\n{}early");
  const auto peer = upstream.accept();
  const auto head = peer->receive_until("\r\n\r\n{}");
  EXPECT_THAT(head, HasSubstr("Upgrade: tcp\r\n"));
  EXPECT_THAT(head, HasSubstr("Connection: Upgrade\r\n"));
  peer->send("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello");
  EXPECT_THAT(client.response(), HasSubstr("Upgrade: tcp\r\n"));
  EXPECT_EQ(peer->receive(5), "early");
  client.send(std::string("\0\x01", 2));
  EXPECT_EQ(peer->receive(2), std::string("\0\x01", 2));
  client.end_sending();
  EXPECT_EQ(peer->receive_rest(), "");  // A half-close passes, and the other half goes on.
  peer->send(" and more");
  peer->close();
  EXPECT_EQ(client.rest(), "hello and more");
}

TEST_F(Relay, an_upstream_that_dies_in_the_middle_breaks_the_answer) {
  Client client = connect();
  client.send(get);
  auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  peer->close();
  const std::string answer = client.rest();
  EXPECT_THAT(answer, EndsWith("3\r\nabc\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("\r\n0\r\n")));
}

TEST_F(Relay, a_client_that_goes_away_while_it_waits_is_noticed) {
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  client.close();
  EXPECT_EQ(peer->receive_rest(), "");
}

TEST_F(Relay, a_client_that_ends_its_side_while_it_waits_is_answered_and_closed) {
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  client.end_sending();
  EXPECT_EQ(peer->receive_rest(), "");
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast");
  EXPECT_THAT(client.rest(), EndsWith("last"));  // To the end of the connection.
}

TEST_F(Relay, what_is_reworded_has_its_own_length) {
  reword = [](unsigned status, const std::string& body) {
    return std::to_string(status) + ":" + body + "!";
  };
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
  EXPECT_EQ(client.response(), "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 7\r\n\r\n200:ab!");
}

TEST_F(Relay, a_used_connection_that_proves_closed_is_made_anew_for_what_changes_nothing) {
  Client client = connect();
  client.send(get);
  auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 204 No Content\r\n\r\n");
  client.response();
  client.send(get);
  peer->receive_until("\r\n\r\n");
  peer->close();  // Without a word, as a server that has just tired of an idle connection.
  peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
  EXPECT_THAT(client.response(), EndsWith("again"));
}

TEST_F(Relay, what_changes_something_takes_a_used_connection_and_is_sent_once) {
  Client client = connect();
  client.send(get);
  const auto first = upstream.accept();
  first->receive_until("\r\n\r\n");
  first->send("HTTP/1.1 204 No Content\r\n\r\n");
  client.response();
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  first->receive_until("\r\n\r\n");
  first->close();
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 502 "));
}

TEST_F(Relay, what_changes_something_at_a_daemon_takes_a_connection_of_its_own) {
  address = "tcp://" + upstream.address();
  Client client = connect();
  client.send(get);
  const auto first = upstream.accept();
  first->receive_until("\r\n\r\n");
  first->send("HTTP/1.1 204 No Content\r\n\r\n");
  client.response();
  client.send("DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto second = upstream.accept();
  EXPECT_THAT(second->receive_until("\r\n\r\n"), StartsWith("DELETE /x "));
  second->send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 204 "));
}

TEST_F(Relay, a_used_connection_that_the_other_side_has_closed_is_not_taken) {
  Client client = connect();
  client.send(get);
  auto first = upstream.accept();
  first->receive_until("\r\n\r\n");
  first->send("HTTP/1.1 204 No Content\r\n\r\n");
  client.response();
  first->close();
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  const auto second = upstream.accept();
  second->receive_until("\r\n\r\n");
  second->send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 204 "));
}

TEST_F(Relay, a_client_of_version_1_0_gets_no_chunks) {
  Client client = connect();
  client.send("GET /x HTTP/1.0\r\n\r\n");
  const auto peer = upstream.accept();
  EXPECT_THAT(peer->receive_until("\r\n\r\n"), StartsWith("GET /x HTTP/1.0\r\n"));
  peer->send("HTTP/1.0 200 OK\r\n\r\nold");
  peer->close();
  EXPECT_THAT(client.rest(), EndsWith("\r\n\r\nold"));
}

}  // namespace
}  // namespace dockherd::http_api
