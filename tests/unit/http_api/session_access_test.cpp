#include "http_api/message_head.hpp"
#include "tests/unit/http_api/loopback.hpp"

namespace dockherd::http_api {
namespace {

/// Lets in whoever says "Bearer good", as ann.
class OneToken final : public Authenticator {
 public:
  Result<Caller> authenticate(const Credentials& credentials) override {
    if (credentials.authorization != "Bearer good") return Error(errc::bad_request, "nobody");
    return Caller({"ann", trust::Role::operator_}, std::string(credentials.address), false);
  }
};

class SessionAccess : public Loopback {
 protected:
  SessionAccess() { authenticator = &one_token_; }

  OneToken one_token_;
};

TEST_F(SessionAccess, a_call_without_a_token_is_refused_in_the_form_of_its_kind) {
  start();
  Client client = connect();
  const std::string engine = client.ask("GET /info HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(engine.find("HTTP/1.1 401"), std::string::npos) << engine;
  EXPECT_NE(engine.find("WWW-Authenticate: Bearer"), std::string::npos) << engine;
  EXPECT_NE(engine.find("{\"message\":"), std::string::npos) << engine;
  Client other = connect();
  const std::string verb = other.ask(post("{}", "Authorization: Bearer bad\r\n"));
  EXPECT_NE(verb.find("HTTP/1.1 401"), std::string::npos) << verb;
  EXPECT_NE(verb.find("{\"error\":"), std::string::npos) << verb;
  EXPECT_EQ(cluster.begun, 0);
}

TEST_F(SessionAccess, a_known_caller_is_told_to_who_answers) {
  start();
  Client client = connect();
  const std::string answer = client.ask(post("{}", "Authorization: Bearer good\r\n"));
  EXPECT_NE(answer.find("HTTP/1.1 200"), std::string::npos) << answer;
  EXPECT_EQ(cluster.caller.principal.name, "ann");
  EXPECT_EQ(cluster.caller.address, "127.0.0.1");
}

TEST_F(SessionAccess, of_two_tokens_neither_counts) {
  start();
  Client client = connect();
  const std::string answer =
      client.ask(post("{}", "Authorization: Bearer good\r\nAuthorization: Bearer good\r\n"));
  EXPECT_NE(answer.find("HTTP/1.1 401"), std::string::npos) << answer;
}

TEST_F(SessionAccess, the_greeting_and_a_ping_are_for_everybody) {
  docker.handler = [](Exchange& exchange) -> asio::awaitable<void> {
    EXPECT_EQ(exchange.caller().principal.role, trust::Role::viewer);
    co_await exchange.respond(200, {}, "OK");
  };
  start();
  for (const char* path : {"/", "/_ping", "/v1.41/_ping"}) {
    Client client = connect();
    const std::string answer =
        client.ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(answer.find("HTTP/1.1 200"), std::string::npos) << path << answer;
  }
  Client client = connect();
  const std::string answer = client.ask("GET /v1.41/x/_ping HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(answer.find("HTTP/1.1 401"), std::string::npos) << answer;
}

TEST_F(SessionAccess, guesses_are_slowed_down_apart_from_others) {
  settings.limits.requests_per_second = 0.001;
  settings.limits.burst = 2;
  start();
  std::string last;
  for (int i = 0; i < 3; ++i) {
    Client client = connect();
    last = client.ask(post("{}"));
  }
  EXPECT_NE(last.find("HTTP/1.1 429"), std::string::npos) << last;
  EXPECT_NE(last.find("Retry-After: 1"), std::string::npos) << last;
  Client client = connect();
  const std::string answer = client.ask(post("{}", "Authorization: Bearer good\r\n"));
  EXPECT_NE(answer.find("HTTP/1.1 200"), std::string::npos) << answer;
}

TEST_F(SessionAccess, an_idle_connection_makes_room_for_a_new_one) {
  settings.max_connections = 2;
  start();
  Client first = connect();
  EXPECT_NE(first.ask(post("{}", "Authorization: Bearer good\r\n")).find("200"), std::string::npos);
  Client second = connect();
  EXPECT_NE(second.ask(post("{}", "Authorization: Bearer good\r\n")).find("200"),
            std::string::npos);
  Client third = connect();
  const std::string answer = third.ask(post("{}", "Authorization: Bearer good\r\n"));
  EXPECT_NE(answer.find("HTTP/1.1 200"), std::string::npos) << answer;
}

TEST(PassedOn, what_says_who_calls_goes_no_further) {
  boost::beast::http::fields headers;
  headers.set("Authorization", "Bearer secret");
  headers.set("x-dockherd-user", "root");
  headers.set("X-Dockherd-Role", "admin");
  headers.set("X-Dockherd-Node", "n");
  headers.set("X-Registry-Auth", "for the daemon");
  const HeaderList passed = passed_on(headers, false);
  ASSERT_EQ(passed.size(), 1u);
  EXPECT_EQ(passed[0].first, "X-Registry-Auth");
}

}  // namespace
}  // namespace dockherd::http_api
