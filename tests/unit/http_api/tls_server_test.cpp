// The server on a port that speaks TLS: what clients see, and those who do not speak it.
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "tests/fakes/certificates.hpp"
#include "tests/unit/http_api/tls_end.hpp"

namespace dockherd::http_api {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class TlsServer : public Loopback {
 protected:
  TlsServer() {
    holder =
        trust::TlsHolder::create([this] { return trust::listener_context(files, notes); }).value();
    settings.tls = holder;
    trust::CertificateFiles believed;
    believed.authority = authority.file();
    believing = trust::daemon_context(believed).value();
  }

  /// A stream of unknown length that ends with the connection or the last chunk.
  static asio::awaitable<void> stream(Exchange& exchange) {
    const std::string piece(1u << 20, 'x');
    HeaderList headers;
    bool there = co_await exchange.begin(200, std::move(headers));
    for (std::size_t sent = 0; there && sent < more_than_sockets_hold; sent += piece.size()) {
      there = co_await exchange.write(piece);
    }
    if (there) co_await exchange.end();
  }

  fakes::TestAuthority authority;
  trust::CertificateFiles files = authority.issue("first");
  std::vector<std::string> notes;
  std::shared_ptr<trust::TlsHolder> holder;
  trust::SslContext believing;
  std::atomic<bool> begun = false;
  std::atomic<bool> may_answer = false;
};

TEST_F(TlsServer, answers_one_request_after_another) {
  start();
  Client client = connect();
  TlsEnd tls(client, believing);
  ASSERT_TRUE(tls.shake_hands());
  for (int i = 0; i < 3; ++i) {
    tls.send(post("{\"action\":\"x\"}"));
    EXPECT_THAT(tls.response(), AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("{\"echo\":14}")));
    tls.send(get);
    EXPECT_THAT(tls.response(), StartsWith("HTTP/1.1 404 "));
  }
}

TEST_F(TlsServer, hears_a_request_that_comes_byte_by_byte_or_with_the_next) {
  start();
  Client client = connect();
  TlsEnd tls(client, believing);
  ASSERT_TRUE(tls.shake_hands());
  for (const char byte : get) ASSERT_TRUE(tls.send({&byte, 1}));
  EXPECT_THAT(tls.response(), StartsWith("HTTP/1.1 404 "));
  tls.send(std::string(get) + std::string(get));
  EXPECT_THAT(tls.response(), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(tls.response(), StartsWith("HTTP/1.1 404 "));
}

TEST_F(TlsServer, sends_more_than_sockets_hold_to_one_who_reads_late) {
  docker.handler = [](Exchange& exchange) { return stream(exchange); };
  start();
  Client client = connect();
  TlsEnd tls(client, believing);
  ASSERT_TRUE(tls.shake_hands());
  tls.send(get);
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_THAT(tls.receive_until("\r\n\r\n"), HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_GT(tls.receive_until("\r\n0\r\n\r\n").size(), more_than_sockets_hold);
}

TEST_F(TlsServer, says_by_tls_that_an_answer_without_a_length_is_whole) {
  docker.handler = [](Exchange& exchange) { return stream(exchange); };
  start();
  Client client = connect();
  TlsEnd tls(client, believing);
  ASSERT_TRUE(tls.shake_hands());
  tls.send("GET /x HTTP/1.0\r\n\r\n");
  EXPECT_GT(tls.rest().size(), more_than_sockets_hold);
  EXPECT_TRUE(tls.heard_end());
}

TEST_F(TlsServer, does_not_say_so_of_an_answer_that_broke_off) {
  docker.handler = [](Exchange& exchange) -> asio::awaitable<void> {
    HeaderList headers;
    co_await exchange.begin(200, std::move(headers));
    co_await exchange.write("half of");
    exchange.break_off();
  };
  start();
  Client client = connect();
  TlsEnd tls(client, believing);
  ASSERT_TRUE(tls.shake_hands());
  tls.send("GET /x HTTP/1.0\r\n\r\n");
  EXPECT_THAT(tls.rest(), EndsWith("half of"));
  EXPECT_FALSE(tls.heard_end());
}

TEST_F(TlsServer, answers_one_that_sends_no_more) {
  start();
  Client client = connect();
  TlsEnd tls(client, believing);
  ASSERT_TRUE(tls.shake_hands());
  tls.send(post("{}"));
  tls.end_sending();
  EXPECT_THAT(tls.rest(), EndsWith("{\"echo\":2}"));
  EXPECT_TRUE(tls.heard_end());
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(TlsServer, tells_one_that_speaks_plainly_so_in_plain_words) {
  start();
  Client client = connect();
  const std::string answer = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer, HasSubstr("this port speaks TLS: use https://"));
  EXPECT_EQ(client.rest(), "");
}

TEST_F(TlsServer, refuses_garbage_and_serves_on) {
  start();
  for (const std::string& garbage :
       {std::string("\x16\x03\x01\x00\x05hello", 10), std::string(1000, '\0'),
        std::string("\x16\x03\x03\xff\xff", 5) + std::string(70'000, 'x'),
        std::string("\r\n\r\n\r\n")}) {
    Client client = connect();
    client.send(garbage);
    client.end_sending();
    EXPECT_THAT(client.rest(), Not(HasSubstr("HTTP")));
  }
  Client client = connect();
  TlsEnd tls(client, believing);
  ASSERT_TRUE(tls.shake_hands());
  tls.send(get);
  EXPECT_THAT(tls.response(), StartsWith("HTTP/1.1 404 "));
}

TEST_F(TlsServer, ends_a_handshake_that_takes_too_long) {
  settings.header_timeout = milliseconds(100);
  start();
  Client silent = connect();
  Client slow = connect();
  slow.send("\x16\x03\x01");
  Client third = connect();
  TlsEnd after(third, believing);
  ASSERT_TRUE(after.shake_hands());
  EXPECT_EQ(silent.rest(), "");
  EXPECT_EQ(slow.rest(), "");
  after.send(get);  // Whose handshake is over has the time between requests.
  EXPECT_THAT(after.response(), StartsWith("HTTP/1.1 404 "));
}

TEST_F(TlsServer, counts_those_whose_handshake_is_not_over_and_has_them_give_way) {
  settings.max_connections = 1;
  start();
  Client silent = connect();
  ASSERT_TRUE(eventually([&] { return connections() == 1; }));
  Client client = connect();
  TlsEnd tls(client, believing);
  ASSERT_TRUE(tls.shake_hands());
  EXPECT_EQ(silent.rest(), "");
  tls.send(get);
  EXPECT_THAT(tls.response(), StartsWith("HTTP/1.1 404 "));
}

TEST_F(TlsServer, stops_with_a_handshake_under_way) {
  start();
  Client silent = connect();
  ASSERT_TRUE(eventually([&] { return connections() == 1; }));
  const auto before = clock.now();
  stop();
  EXPECT_LT(clock.now() - before, std::chrono::seconds(3));
}

TEST_F(TlsServer, shows_a_new_certificate_to_new_connections_and_keeps_the_others) {
  docker.handler = [](Exchange& exchange) { return stream(exchange); };
  start();
  Client client = connect();
  TlsEnd before(client, believing);
  ASSERT_TRUE(before.shake_hands());
  EXPECT_EQ(before.peer_name(), "first");
  before.send(get);
  before.receive_until("\r\n\r\n");
  files = authority.issue("second");
  run([this] { EXPECT_TRUE(holder->reload()); });
  Client other = connect();
  TlsEnd after(other, believing);
  ASSERT_TRUE(after.shake_hands());
  EXPECT_EQ(after.peer_name(), "second");
  EXPECT_GT(before.receive_until("\r\n0\r\n\r\n").size(), more_than_sockets_hold);
}

TEST_F(TlsServer, refuses_a_client_without_a_certificate_where_one_is_asked_for) {
  files.authority = authority.file();
  ASSERT_TRUE(holder->reload());
  start();
  Client client = connect();
  TlsEnd tls(client, believing);
  tls.shake_hands();
  tls.send(get);
  EXPECT_EQ(tls.rest(), "");
  EXPECT_FALSE(tls.heard_end());
}

TEST_F(TlsServer, holds_back_one_that_sends_faster_than_it_is_read) {
  docker.handler = [this](Exchange& exchange) -> asio::awaitable<void> {
    begun = true;
    while (!may_answer) co_await clock.sleep_until(clock.now() + milliseconds(5));
    HeaderList headers;
    co_await exchange.respond(200, std::move(headers), "done");
  };
  start();
  Client client = connect();
  TlsEnd tls(client, believing);
  ASSERT_TRUE(tls.shake_hands());
  tls.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return begun.load(); }));
  const std::string bytes(1u << 20, 'x');  // Never opened, so that it need not be sealed.
  std::size_t sent = 0;
  for (auto last = clock.now(); clock.now() - last < milliseconds(300);) {
    const std::size_t count = client.send_now(bytes);
    sent += count;
    if (count > 0) last = clock.now();
    ASSERT_LT(sent, more_than_sockets_hold);
  }
  may_answer = true;
  EXPECT_THAT(tls.response(), EndsWith("done"));
}

// --- what is said of those who do not speak as the port does
// --------------------------------------

class SaidOfClients : public TlsServer {
 protected:
  SaidOfClients() {
    log = std::make_shared<spdlog::logger>(
        "said", std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_));
  }
  /// After the server has stopped.
  std::string said() {
    stop();
    return lines_.str();
  }

 private:
  std::ostringstream lines_;
};

TEST_F(SaidOfClients, plain_words_are_said_once) {
  start();
  for (int i = 0; i < 3; ++i) connect().ask(get);
  const std::string lines = said();
  EXPECT_THAT(lines, HasSubstr("speaks plain HTTP to the port for TLS client=127.0.0.1:"));
  EXPECT_EQ(lines.find("client="), lines.rfind("client=")) << lines;
}

TEST_F(SaidOfClients, tls_to_a_plain_port_is_said_once_and_answered_plainly) {
  settings.tls = nullptr;
  start();
  for (int i = 0; i < 3; ++i) {
    TlsChannel tls(believing, TlsChannel::Side::client);
    tls.handshake();
    EXPECT_THAT(connect().ask(tls.output()), StartsWith("HTTP/1.1 400 "));
  }
  const std::string lines = said();
  EXPECT_THAT(lines, HasSubstr("a client speaks TLS to a port without client=127.0.0.1:"));
  EXPECT_EQ(lines.find("client="), lines.rfind("client=")) << lines;
}

TEST_F(SaidOfClients, one_that_connects_and_goes_is_no_news) {
  start();
  for (int i = 0; i < 3; ++i) connect().close();
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
  EXPECT_THAT(said(), IsEmpty());
}

TEST(RarelySaidTest, each_address_is_said_once_a_minute_and_of_a_crowd_one_a_second) {
  using std::chrono::seconds;
  RarelySaid said;
  const TimePoint start = TimePoint() + seconds(1000);
  EXPECT_TRUE(said.may_say("a", start));
  EXPECT_FALSE(said.may_say("a", start + seconds(59)));
  EXPECT_TRUE(said.may_say("b", start + seconds(59)));
  EXPECT_TRUE(said.may_say("a", start + seconds(60)));
  int count = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (said.may_say(std::to_string(i), start + seconds(61))) ++count;
  }
  EXPECT_LE(count, 256);
  EXPECT_TRUE(said.may_say("c", start + seconds(62)));
}

}  // namespace
}  // namespace dockherd::http_api
