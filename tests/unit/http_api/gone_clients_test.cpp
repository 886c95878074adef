// Calls that are passed on and whose client goes, while the upstream does not answer or take more.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/http_api/relaying.hpp"

namespace dockherd::http_api {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view take_over =
    "POST /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
    "Content-Length: 0\r\n\r\n";
constexpr std::chrono::hours never{1};

class GoneClient : public Relaying {
 protected:
  GoneClient() { settings.gone_grace = milliseconds(300); }

  void wait_longer_than_the_grace() const { std::this_thread::sleep_for(settings.gone_grace * 3); }
  bool all_ended() {
    return eventually([this] { return connections() == 0; });
  }
};

TEST_F(GoneClient, is_not_waited_for_by_an_upstream_that_hangs) {
  start();
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  client.close();
  EXPECT_EQ(peer->receive_rest(), "");  // Only our side of it has ended: it might yet answer.
  EXPECT_TRUE(all_ended());
}

TEST_F(GoneClient, that_ended_its_side_gets_what_comes_for_as_long_as_something_comes) {
  start();
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  client.end_sending();
  EXPECT_EQ(peer->receive_rest(), "");
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(settings.gone_grace / 3);
    peer->send(std::to_string(i));
  }
  EXPECT_THAT(client.rest(), EndsWith("0123456789"));
}

TEST_F(GoneClient, that_ended_its_side_may_read_as_slowly_as_it_likes) {
  start();
  Client client = connect();
  client.send(get);
  const auto peer = upstream.accept();
  peer->receive_until("\r\n\r\n");
  const std::string large(32u << 20, 'x');  // Before: under sanitizers it takes its time.
  client.end_sending();
  std::thread sender([&] {
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n");
    peer->send(large);
  });
  wait_longer_than_the_grace();
  EXPECT_GT(client.rest().size(), large.size());
  sender.join();
}

class HalfClosed : public GoneClient {
 protected:
  /// The upstream's end of a connection that was taken over, of which the client has ended its
  /// side.
  std::unique_ptr<ScriptedUpstream::Peer> half_closed(Client& client) {
    client.send(take_over);
    auto peer = upstream.accept();
    peer->receive_until("\r\n\r\n");
    peer->send(taken_over);
    EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 101 "));
    client.end_sending();
    EXPECT_EQ(peer->receive_rest(), "");
    return peer;
  }
};

TEST_F(HalfClosed, that_was_taken_over_may_wait) {
  start();
  Client client = connect();
  const auto peer = half_closed(client);
  wait_longer_than_the_grace();
  peer->send("late");
  peer->close();
  EXPECT_EQ(client.rest(), "late");
}

TEST_F(HalfClosed, that_breaks_ends_the_upstream) {
  settings.gone_grace = never;
  start();
  Client client = connect();
  const auto peer = half_closed(client);
  client.reset();
  EXPECT_TRUE(all_ended());
}

/// Uploads to a daemon that takes no more of them.
class GoneUpload : public GoneClient {
 protected:
  ~GoneUpload() override { std::filesystem::remove(path_); }

  void SetUp() override { address = hung.address(); }

  /// More than fits into the upstream's socket and our hand, and little enough to arrive.
  Client begin() {
    start();
    Client client = connect();
    client.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    client.send(std::string(400'000, 'x'));
    EXPECT_TRUE(eventually([&] { return client.all_arrived(); }));
    return client;
  }

 private:
  const std::string path_ = ::testing::TempDir() + "hung-" + std::to_string(::getpid()) + ".sock";

 protected:
  ScriptedUpstream hung{path_};
};

TEST_F(GoneUpload, is_given_up_when_nothing_moves) {
  Client client = begin();
  const auto peer = hung.accept();
  client.close();
  EXPECT_TRUE(all_ended());
}

TEST_F(GoneUpload, whose_client_broke_is_given_up_at_once) {
  settings.gone_grace = never;
  Client client = begin();
  const auto peer = hung.accept();
  client.reset();
  EXPECT_TRUE(all_ended());
}

TEST_F(GoneUpload, goes_on_for_a_client_that_waits) {
  Client client = begin();
  const auto peer = hung.accept();
  wait_longer_than_the_grace();
  peer->receive_until("\r\n\r\n");
  EXPECT_EQ(peer->receive(400'000).size(), 400'000u);
  peer->send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client.response(), HasSubstr(" 201 "));
}

}  // namespace
}  // namespace dockherd::http_api
