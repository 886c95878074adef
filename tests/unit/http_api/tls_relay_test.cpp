// Requests that are passed on by TLS: to other agents by the herd's key, to a daemon by
// certificates.
#include <gmock/gmock.h>

#include "tests/fakes/certificates.hpp"
#include "tests/unit/http_api/relaying.hpp"
#include "tests/unit/http_api/tls_end.hpp"
#include "trust/herd_tls.hpp"

namespace dockherd::http_api {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view attach =
    "POST /attach HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

class TlsRelay : public Relaying {
 protected:
  TlsRelay() {
    upstream_tls.agents = {trust::agent_client_context(key), trust::agent_client_context(other)};
  }

  /// A client by TLS, too, with the herd's key: for the server that makes no difference.
  void serve_by_tls() {
    settings.tls = trust::TlsHolder::create([this]() -> Result<trust::SslContext> {
                     return trust::agents_listener_context({key});
                   }).value();
  }

  const trust::HerdKey key = trust::HerdKey::generate();
  const trust::HerdKey other = trust::HerdKey::generate();
  const trust::SslContext with_key = trust::agents_listener_context({key});
  const trust::SslContext with_other = trust::agents_listener_context({other});
};

TEST_F(TlsRelay, an_agent_is_called_by_the_herds_key_and_its_connection_kept) {
  start();
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  TlsEnd tls(*peer, with_key);
  ASSERT_TRUE(tls.shake_hands());
  for (int i = 0; i < 3; ++i) {
    if (i > 0) client.send(get);
    EXPECT_THAT(tls.receive_until("\r\n\r\n"), StartsWith("GET /x HTTP/1.1\r\n"));
    tls.send(ok);
    EXPECT_THAT(client.response(), EndsWith("ok"));
  }
}

TEST_F(TlsRelay, an_agent_that_has_another_key_of_ours_is_called_with_that_and_then_at_once) {
  start();
  for (int call = 0; call < 2; ++call) {
    Client client = connect();
    client.send(get);
    if (call == 0) {
      const auto refusing = upstream.accept();
      TlsEnd tls(*refusing, with_other);
      EXPECT_FALSE(tls.shake_hands());
    }
    const auto peer = upstream.accept();
    TlsEnd tls(*peer, with_other);
    ASSERT_TRUE(tls.shake_hands());
    tls.receive_until("\r\n\r\n");
    tls.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_THAT(client.response(), EndsWith("ok"));
  }
}

TEST_F(TlsRelay, an_agent_without_our_keys_is_told_nothing) {
  start();
  Client client = connect();
  client.send(get);
  for (int i = 0; i < 2; ++i) {
    const auto peer = upstream.accept();
    TlsEnd tls(*peer, trust::agents_listener_context({trust::HerdKey::generate()}));
    EXPECT_FALSE(tls.shake_hands());
  }
  EXPECT_THAT(client.response(),
              AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr("does not take this herd's key")));
}

TEST_F(TlsRelay, an_agent_that_speaks_plainly_is_told_nothing) {
  start();
  Client client = connect();
  client.send(get);
  for (int i = 0; i < 2; ++i) {
    const auto peer = upstream.accept();
    EXPECT_EQ(peer->receive(1), "\x16");
    peer->send("HTTP/1.1 400 Bad Request\r\n\r\n");
  }
  EXPECT_THAT(client.response(), AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr("plain HTTP")));
}

TEST_F(TlsRelay, a_kept_connection_whose_end_was_said_meanwhile_is_not_used) {
  start();
  Client client = connect();
  client.send(get);
  const auto first = upstream.accept();
  TlsEnd before(*first, with_key);
  ASSERT_TRUE(before.shake_hands());
  before.receive_until("\r\n\r\n");
  before.send(ok);
  EXPECT_THAT(client.response(), EndsWith("ok"));
  before.end_sending();
  ASSERT_TRUE(eventually([&] { return first->all_arrived(); }));
  client.send(post("{}").replace(5, 1, "/x"));
  const auto second = upstream.accept();
  TlsEnd after(*second, with_key);
  ASSERT_TRUE(after.shake_hands());
  EXPECT_THAT(after.receive_until("{}"), StartsWith("POST /x "));
  after.send(ok);
  EXPECT_THAT(client.response(), EndsWith("ok"));
}

TEST_F(TlsRelay, large_bodies_pass_in_both_directions) {
  serve_by_tls();
  start();
  Client client = connect();
  TlsEnd tls(client, trust::agent_client_context(key));
  ASSERT_TRUE(tls.shake_hands());
  const std::string body(3u << 20, 'b');
  std::thread sender([&] {
    tls.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body);
  });
  const auto peer = upstream.accept();
  TlsEnd far(*peer, with_key);
  ASSERT_TRUE(far.shake_hands());
  far.receive_until("\r\n\r\n");
  EXPECT_EQ(far.receive(body.size()), body);
  sender.join();
  std::thread answerer([&] {
    far.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
             body);
  });
  tls.receive_until("\r\n\r\n");
  EXPECT_EQ(tls.receive(body.size()), body);
  answerer.join();
}

TEST_F(TlsRelay, input_ends_and_output_goes_on) {
  serve_by_tls();
  start();
  Client client = connect();
  TlsEnd tls(client, trust::agent_client_context(key));
  ASSERT_TRUE(tls.shake_hands());
  tls.send(attach);
  const auto peer = upstream.accept();
  TlsEnd far(*peer, with_key);
  ASSERT_TRUE(far.shake_hands());
  far.receive_until("\r\n\r\n");
  far.send(taken_over);
  EXPECT_THAT(tls.receive_until("\r\n\r\n"), StartsWith("HTTP/1.1 101 "));
  tls.send("input");
  tls.end_sending();
  EXPECT_EQ(far.rest(), "input");
  EXPECT_TRUE(far.heard_end());
  far.send("output");
  EXPECT_EQ(tls.receive(6), "output");
  far.send(" to the end");
  far.end_sending();
  EXPECT_EQ(tls.rest(), " to the end");
  EXPECT_TRUE(tls.heard_end());
}

TEST_F(TlsRelay, output_ends_and_input_goes_on) {
  serve_by_tls();
  start();
  Client client = connect();
  TlsEnd tls(client, trust::agent_client_context(key));
  ASSERT_TRUE(tls.shake_hands());
  tls.send(attach);
  const auto peer = upstream.accept();
  TlsEnd far(*peer, with_key);
  ASSERT_TRUE(far.shake_hands());
  far.receive_until("\r\n\r\n");
  far.send(taken_over);
  tls.receive_until("\r\n\r\n");
  tls.send("in");
  EXPECT_EQ(far.receive(2), "in");
  far.send("out");
  far.end_sending();
  EXPECT_EQ(tls.rest(), "out");
  EXPECT_TRUE(tls.heard_end());
}

TEST_F(TlsRelay, an_answer_that_was_cut_off_is_not_taken_for_whole) {
  serve_by_tls();
  start();
  for (const bool whole : {true, false}) {
    Client client = connect();
    TlsEnd tls(client, trust::agent_client_context(key));
    ASSERT_TRUE(tls.shake_hands());
    tls.send(get);
    const auto peer = upstream.accept();
    TlsEnd far(*peer, with_key);
    ASSERT_TRUE(far.shake_hands());
    far.receive_until("\r\n\r\n");
    far.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    if (whole) far.end_sending();
    peer->close();
    EXPECT_THAT(tls.rest(), EndsWith("until the end"));
    EXPECT_EQ(tls.heard_end(), whole);
  }
}

TEST_F(TlsRelay, the_end_of_a_client_in_the_middle_is_passed_on) {
  serve_by_tls();
  start();
  Client client = connect();
  TlsEnd tls(client, trust::agent_client_context(key));
  ASSERT_TRUE(tls.shake_hands());
  tls.send(get);
  const auto peer = upstream.accept();
  TlsEnd far(*peer, with_key);
  ASSERT_TRUE(far.shake_hands());
  far.receive_until("\r\n\r\n");
  client.close();
  EXPECT_EQ(far.rest(), "");
}

// --- a daemon on TCP -----------------------------------------------------------------------------

class DaemonByTls : public Relaying {
 protected:
  DaemonByTls() {
    address = "tcp://" + upstream.address();
    trust::CertificateFiles files = authority.issue("agent");
    files.authority = authority.file();
    upstream_tls.daemon = trust::daemon_context(files).value();
  }
  trust::SslContext daemon(const fakes::TestAuthority& by) {
    auto files = by.issue("daemon");
    files.authority = authority.file();
    return trust::listener_context(files, notes).value();
  }

  fakes::TestAuthority authority;
  fakes::TestAuthority stranger;
  std::vector<std::string> notes;
};

TEST_F(DaemonByTls, sees_our_certificate_and_answers) {
  start();
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  TlsEnd tls(*peer, daemon(authority));
  ASSERT_TRUE(tls.shake_hands());
  EXPECT_EQ(tls.peer_name(), "agent");
  tls.receive_until("\r\n\r\n");
  tls.send(ok);
  EXPECT_THAT(client.response(), EndsWith("ok"));
}

TEST_F(DaemonByTls, of_another_authority_is_told_nothing) {
  start();
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  TlsEnd tls(*peer, daemon(stranger));
  EXPECT_FALSE(tls.shake_hands());
  EXPECT_THAT(client.response(),
              AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr("certificate verify failed")));
}

TEST_F(DaemonByTls, that_does_not_believe_us_is_said_to_have_refused) {
  upstream_tls.daemon = trust::daemon_context({"", "", authority.file()}).value();
  start();
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  TlsEnd tls(*peer, daemon(authority));
  EXPECT_FALSE(tls.shake_hands());
  EXPECT_THAT(client.response(),
              AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr("certificate required")));
}

}  // namespace
}  // namespace dockherd::http_api
