// Clients that read slowly, pause, or vanish while they are answered.
#include <gmock/gmock.h>

#include "tests/unit/http_api/loopback.hpp"

namespace dockherd::http_api {
namespace {

using std::chrono::milliseconds;
using ::testing::EndsWith;

class SlowClient : public Loopback {
 protected:
  SlowClient() {
    settings.longest_silence = milliseconds(200);
    settings.write_timeout = milliseconds(300);
  }

  /// A stream without any deadline, as logs are.
  asio::awaitable<void> stream(Exchange& exchange) {
    const std::string piece(1u << 20, 'x');
    HeaderList headers;
    bool there = co_await exchange.begin(200, std::move(headers));
    for (std::size_t sent = 0; there && sent < more_than_sockets_hold; sent += piece.size()) {
      there = co_await exchange.write(piece);
    }
    if (there) there = co_await exchange.end();
    if (!there) ++broken;
  }

  std::atomic<int> broken = 0;
};

TEST_F(SlowClient, that_pauses_keeps_its_stream) {
  docker.handler = [this](Exchange& exchange) { return stream(exchange); };
  start();
  Client client = connect();
  client.send(get);
  std::this_thread::sleep_for(settings.longest_silence * 6);
  client.end_sending();
  const std::string answer = client.rest();
  EXPECT_GT(answer.size(), more_than_sockets_hold);
  EXPECT_THAT(answer, EndsWith("\r\n0\r\n\r\n"));
}

TEST_F(SlowClient, whose_packets_vanish_is_noticed) {
  docker.handler = [this](Exchange& exchange) { return stream(exchange); };
  start();
  Client client = connect();
  client.go_deaf();
  client.send(get);
  EXPECT_TRUE(eventually([&] { return broken == 1; }));
  EXPECT_TRUE(eventually([&] { return connections() == 0; }));
}

TEST_F(SlowClient, that_reads_on_gets_a_large_answer_whole) {
  docker.handler = [](Exchange& exchange) -> asio::awaitable<void> {
    const std::string large(more_than_sockets_hold, 'x');
    HeaderList headers;
    co_await exchange.respond(200, std::move(headers), large);
  };
  start();
  Client client = connect();
  client.send(get);
  client.end_sending();
  std::size_t got = 0;
  for (std::string some = client.some(); !some.empty(); some = client.some()) {
    got += some.size();
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_GT(got, more_than_sockets_hold);
}

TEST_F(SlowClient, that_reads_nothing_of_a_whole_answer_is_given_up) {
  std::atomic<bool> ended = false;
  docker.handler = [&ended](Exchange& exchange) -> asio::awaitable<void> {
    const std::string large(more_than_sockets_hold, 'x');
    HeaderList headers;
    co_await exchange.respond(200, std::move(headers), large);
    ended = true;
  };
  start();
  Client client = connect();
  client.send(get);
  EXPECT_TRUE(eventually([&] { return ended && connections() == 0; }));
  EXPECT_LT(client.rest().size(), more_than_sockets_hold);
}

}  // namespace
}  // namespace dockherd::http_api
