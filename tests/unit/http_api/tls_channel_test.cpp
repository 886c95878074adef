// Two ends of TLS with nothing between them but what a test lets pass.
#include "http_api/tls_channel.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <optional>

#include "tests/fakes/certificates.hpp"
#include "trust/herd_tls.hpp"

namespace dockherd::http_api {
namespace {

using ::testing::HasSubstr;
using Progress = TlsChannel::Progress;
using Side = TlsChannel::Side;

/// All that a channel has to say, taken from it.
std::string taken(TlsChannel& from) {
  std::string bytes(from.output());
  from.sent(bytes.size());
  return bytes;
}

/// In pieces of at most so many bytes.
void pass(TlsChannel& from, TlsChannel& to, std::size_t piece = 1u << 20) {
  const std::string bytes = taken(from);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    to.feed(std::string_view(bytes).substr(at, piece));
    if (piece == 1) to.handshake();  // Whatever is there is looked at.
  }
}

std::string read_all(TlsChannel& channel) {
  std::string all;
  char bytes[1000];
  while (const std::size_t count = channel.read(bytes, sizeof bytes)) all.append(bytes, count);
  return all;
}

class TlsPair : public testing::Test {
 protected:
  void connect(trust::SslContext client_context, trust::SslContext server_context,
               const std::string& host = "") {
    client = std::make_unique<TlsChannel>(std::move(client_context), Side::client, host);
    server = std::make_unique<TlsChannel>(std::move(server_context), Side::server);
  }

  /// True when both are done.
  bool shake_hands(std::size_t piece = 1u << 20) {
    for (int turn = 0; turn < 5; ++turn) {
      const auto of_client = client->handshake();
      pass(*client, *server, piece);
      const auto of_server = server->handshake();
      pass(*server, *client, piece);
      if (of_client == Progress::done && of_server == Progress::done) return true;
    }
    return false;
  }

  bool said(TlsChannel& from, TlsChannel& to, std::string_view text) {
    if (!from.write(text)) return false;
    pass(from, to);
    return read_all(to) == text;
  }

  std::unique_ptr<TlsChannel> client;
  std::unique_ptr<TlsChannel> server;
};

// --- by a herd's key -----------------------------------------------------------------------------

class HerdTls : public TlsPair {
 protected:
  void connect_herd() {
    connect(trust::agent_client_context(key), trust::agents_listener_context({key}));
  }
  void connected_herd() {
    connect_herd();
    ASSERT_TRUE(shake_hands()) << client->failure() << server->failure();
  }

  const trust::HerdKey key = trust::HerdKey::generate();
  const trust::HerdKey other = trust::HerdKey::generate();
};

TEST_F(HerdTls, who_has_the_key_is_heard_in_both_directions) {
  connected_herd();
  EXPECT_TRUE(said(*client, *server, "hello"));
  EXPECT_TRUE(said(*server, *client, std::string(100'000, 'x')));
  EXPECT_EQ(server->peer_name(), "");
}

TEST_F(HerdTls, nothing_is_readable_on_the_way) {
  connected_herd();
  client->write("a secret that must not be seen");
  EXPECT_EQ(client->output().find("secret"), std::string_view::npos);
}

TEST_F(HerdTls, bytes_may_come_one_by_one) {
  connect_herd();
  ASSERT_TRUE(shake_hands(1));
  client->write("hello ", "world");
  std::string heard;
  for (const char byte : taken(*client)) {
    server->feed({&byte, 1});
    EXPECT_TRUE(server->holds_input());
    heard += read_all(*server);
  }
  EXPECT_EQ(heard, "hello world");
  EXPECT_FALSE(server->holds_input());
}

TEST_F(HerdTls, who_has_another_key_is_not_in) {
  connect(trust::agent_client_context(other), trust::agents_listener_context({key}));
  EXPECT_FALSE(shake_hands());
  EXPECT_TRUE(server->failed());
  EXPECT_TRUE(client->failed()) << "it was not told";
  EXPECT_FALSE(client->write("x"));
}

TEST_F(HerdTls, a_listener_takes_each_of_its_keys) {
  for (const trust::HerdKey& each : {key, other}) {
    connect(trust::agent_client_context(each), trust::agents_listener_context({other, key}));
    EXPECT_TRUE(shake_hands()) << client->failure() << server->failure();
  }
}

TEST_F(HerdTls, who_has_no_key_and_shows_a_certificate_is_not_in) {
  const fakes::TestAuthority authority;
  auto files = authority.issue("stranger");
  files.authority = authority.file();
  connect(trust::daemon_context(files).value(), trust::agents_listener_context({key}));
  EXPECT_FALSE(shake_hands());
  EXPECT_TRUE(server->failed());
}

TEST_F(HerdTls, a_listener_without_the_key_that_shows_a_certificate_is_not_believed) {
  const fakes::TestAuthority authority;
  std::vector<std::string> notes;
  connect(trust::agent_client_context(key),
          trust::listener_context(authority.issue("stranger"), notes).value());
  EXPECT_FALSE(shake_hands());
  EXPECT_TRUE(client->failed());
}

// --- ends and faults -----------------------------------------------------------------------------

TEST_F(HerdTls, each_side_may_go_on_after_the_other_has_ended) {
  connected_herd();
  client->write("last words");
  client->end();
  EXPECT_FALSE(client->write("more"));
  pass(*client, *server);
  EXPECT_EQ(read_all(*server), "last words");
  EXPECT_TRUE(server->heard_end());
  EXPECT_FALSE(server->failed());
  EXPECT_TRUE(said(*server, *client, "the answer"));
  EXPECT_FALSE(client->heard_end());
  server->end();
  pass(*server, *client);
  EXPECT_EQ(read_all(*client), "");
  EXPECT_TRUE(client->heard_end());
}

TEST_F(HerdTls, an_end_before_the_handshake_says_nothing) {
  connect_herd();
  server->end();
  EXPECT_EQ(server->output(), "");
  EXPECT_TRUE(shake_hands());
}

TEST_F(HerdTls, bytes_that_were_changed_on_the_way_are_not_believed) {
  connected_herd();
  client->write("pay 10 to A");
  std::string bytes = taken(*client);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  server->feed(bytes);
  EXPECT_EQ(read_all(*server), "");
  EXPECT_TRUE(server->failed());
  EXPECT_FALSE(server->heard_end());
}

TEST_F(HerdTls, a_message_that_comes_twice_is_not_believed) {
  connected_herd();
  client->write("create");
  const std::string bytes = taken(*client);
  server->feed(bytes);
  server->feed(bytes);
  EXPECT_EQ(read_all(*server), "create");
  EXPECT_TRUE(server->failed());
}

TEST_F(HerdTls, garbage_is_refused_at_any_point) {
  std::string garbage;
  for (unsigned i = 0; i < 2000; ++i) garbage += static_cast<char>(i * 2654435761u >> 24);
  for (const std::size_t after : {0u, 1u, 5u, 100u}) {
    connect_herd();
    client->handshake();
    const std::string hello = taken(*client);
    server->feed(hello.substr(0, after));
    server->feed(garbage);
    EXPECT_EQ(server->handshake(), Progress::failed) << after;
    EXPECT_NE(server->failure(), "");
    EXPECT_FALSE(server->heard_plain_http());
  }
}

TEST_F(HerdTls, half_a_handshake_waits_for_the_rest) {
  connect_herd();
  client->handshake();
  const std::string hello = taken(*client);
  server->feed(hello.substr(0, hello.size() / 2));
  EXPECT_EQ(server->handshake(), Progress::needs_input);
  EXPECT_EQ(server->output(), "");
}

TEST_F(HerdTls, plain_http_is_recognized) {
  connect_herd();
  server->feed("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(server->handshake(), Progress::failed);
  EXPECT_TRUE(server->heard_plain_http());
}

// --- by certificates -----------------------------------------------------------------------------

class CertificateTls : public TlsPair {
 protected:
  /// A server of `authority`; clients must be of it, too, when `asks`.
  trust::SslContext listener(bool asks = false) {
    auto files = authority.issue("server");
    if (asks) files.authority = authority.file();
    return trust::listener_context(files, notes).value();
  }
  /// A client that believes `authority`, with a certificate of `by`, if there is one.
  trust::SslContext caller(const fakes::TestAuthority* by = nullptr,
                           const std::string& name = "ann") {
    trust::CertificateFiles files;
    if (by != nullptr) files = by->issue(name);
    files.authority = authority.file();
    return trust::daemon_context(files).value();
  }

  fakes::TestAuthority authority;
  fakes::TestAuthority stranger;
  std::vector<std::string> notes;
};

TEST_F(CertificateTls, a_client_believes_its_authority) {
  for (const char* host : {"127.0.0.1", "localhost"}) {
    connect(caller(), listener(), host);
    ASSERT_TRUE(shake_hands()) << client->failure();
    EXPECT_TRUE(said(*client, *server, "hello"));
    EXPECT_EQ(server->peer_name(), "");
    EXPECT_EQ(client->peer_name(), "server");
  }
}

TEST_F(CertificateTls, a_server_of_another_authority_or_host_is_not_believed) {
  connect(caller(), listener(), "127.0.0.2");
  EXPECT_FALSE(shake_hands());
  EXPECT_THAT(client->failure(), HasSubstr("IP address mismatch"));
  connect(caller(), listener(), "example.org");
  EXPECT_FALSE(shake_hands());
  EXPECT_THAT(client->failure(), HasSubstr("hostname mismatch"));
  connect(caller(), trust::listener_context(stranger.issue("server"), notes).value(), "localhost");
  EXPECT_FALSE(shake_hands());
  EXPECT_THAT(client->failure(), HasSubstr("certificate verify failed"));
}

TEST_F(CertificateTls, a_client_with_a_certificate_is_known_by_its_name) {
  connect(caller(&authority, "ann"), listener(true));
  ASSERT_TRUE(shake_hands()) << client->failure() << server->failure();
  EXPECT_EQ(server->peer_name(), "ann");
  EXPECT_TRUE(said(*server, *client, "hello ann"));
}

TEST_F(CertificateTls, a_client_without_one_or_of_another_authority_is_refused_and_told) {
  for (const auto* by : {static_cast<const fakes::TestAuthority*>(nullptr),
                         static_cast<const fakes::TestAuthority*>(&stranger)}) {
    connect(caller(by), listener(true));
    shake_hands();  // The client of TLS 1.3 is done before the server has judged.
    EXPECT_TRUE(server->failed());
    EXPECT_EQ(server->peer_name(), "");
    read_all(*client);
    EXPECT_TRUE(client->failed());
  }
}

TEST_F(CertificateTls, a_certificate_that_nobody_asked_for_gives_no_name) {
  connect(caller(&authority, "ann"), listener(false));
  ASSERT_TRUE(shake_hands());
  EXPECT_EQ(server->peer_name(), "");
}

TEST_F(CertificateTls, a_name_with_control_characters_is_none) {
  connect(caller(&authority, "ann\nroot"), listener(true));
  ASSERT_TRUE(shake_hands());
  EXPECT_EQ(server->peer_name(), "");
}

}  // namespace
}  // namespace dockherd::http_api
