#include "engine_api/image_spread.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/unit/engine_api/herd_in_thread.hpp"
#include "tests/unit/http_api/scripted_upstream.hpp"

namespace dockherd::engine_api {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::size_t plenty = 64u << 20;

/// A daemon that says these lines.
std::function<asio::awaitable<void>(http_api::Exchange&)> saying(std::string lines) {
  return [lines](http_api::Exchange& exchange) -> asio::awaitable<void> {
    const auto body = co_await exchange.read_body(plenty);
    if (!body) co_return;
    http_api::HeaderList headers{{"Content-Type", "application/json"}};
    co_await exchange.begin(200, std::move(headers));
    co_await exchange.write(lines);
    co_await exchange.end();
  };
}

std::function<asio::awaitable<void>(http_api::Exchange&)> refusing(int status, std::string text) {
  return [status, text](http_api::Exchange& exchange) -> asio::awaitable<void> {
    co_await answer_as_daemon(exchange, status, "{\"message\":\"" + text + "\"}\n");
  };
}

class Spreading : public HerdInThread {};

TEST_F(Spreading, tells_the_progress_of_each_host_and_the_result_once) {
  for (int i = 0; i < 2; ++i) {
    add_host(
        saying("{\"status\":\"Loading\",\"id\":\"layer\"}\r\n"
               "{\"stream\":\"Loaded image: a:1\\n\"}\r\n"));
  }
  start();
  const Answer answer = ask("POST", "/v1.41/images/load", "", "the image");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_TRUE(answer.whole);
  EXPECT_THAT(answer.body, HasSubstr("{\"status\":\"Loading\",\"id\":\"h1: layer\"}\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("{\"status\":\"Loading\",\"id\":\"h2: layer\"}\r\n"));
  EXPECT_THAT(answer.body, EndsWith("\r\n{\"stream\":\"Loaded image: a:1\\n\"}\r\n"));
  EXPECT_EQ(answer.body.find("Loaded"), answer.body.rfind("Loaded"));
}

TEST_F(Spreading, gives_every_host_the_whole_body_and_the_headers) {
  std::string bodies[2], auth[2];
  for (int i = 0; i < 2; ++i) {
    add_host([&bodies, &auth, i](http_api::Exchange& exchange) -> asio::awaitable<void> {
      auth[i] = std::string(exchange.header("X-Registry-Auth"));
      auto body = co_await exchange.read_body(plenty);
      if (body) bodies[i] = std::move(*body);
      co_await answer_as_daemon(exchange, 200, "{}");
    });
  }
  start();
  std::string sent;
  for (unsigned i = 0; i < 300'000; ++i) sent += std::to_string(i * 7919);
  const Answer answer =
      ask("POST", "/images/create?fromSrc=-", "X-Registry-Auth: c2VjcmV0\r\n", sent);
  EXPECT_EQ(answer.status, 200);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(bodies[i] == sent) << "h" << i + 1 << " got " << bodies[i].size();
    EXPECT_EQ(auth[i], "c2VjcmV0");
  }
}

TEST_F(Spreading, ends_in_an_error_that_names_the_host_that_failed) {
  add_host(saying("{\"status\":\"fine\"}\r\n"));
  add_host(
      saying("{\"errorDetail\":{\"code\":7,\"message\":\"no space\"},\"error\":\"no space\"}\r\n"));
  start();
  const Answer answer = ask("POST", "/images/create?fromImage=a");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, StartsWith("{\"status\":\"h1: fine\"}\r\n"));
  EXPECT_THAT(answer.body, EndsWith("{\"errorDetail\":{\"code\":7,\"message\":\"h2: no space\"},"
                                    "\"error\":\"h2: no space\"}\r\n"));
}

TEST_F(Spreading, names_a_host_that_refused_while_another_did_it) {
  add_host(refusing(500, "disk is gone"));
  add_host(saying("{\"status\":\"fine\"}\r\n"));
  start();
  const Answer answer = ask("POST", "/images/create?fromImage=a");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, EndsWith("\"error\":\"h1: disk is gone\"}\r\n"));
}

TEST_F(Spreading, names_a_host_whose_connection_broke_off) {
  add_host(saying("{\"status\":\"fine\"}\r\n"));
  add_host([](http_api::Exchange& exchange) -> asio::awaitable<void> {
    http_api::HeaderList headers{{"Content-Type", "application/json"}};
    co_await exchange.begin(200, std::move(headers));
    co_await exchange.write("{\"status\":\"half\"}\r\n");
    exchange.break_off();
  });
  start();
  const Answer answer = ask("POST", "/images/create?fromImage=a");
  EXPECT_TRUE(answer.whole);
  EXPECT_THAT(answer.body, HasSubstr("{\"status\":\"h2: half\"}"));
  EXPECT_THAT(answer.body, HasSubstr("\"error\":\"h2: the connection broke off"));
}

TEST_F(Spreading, that_every_host_refuses_alike_has_their_status_and_words) {
  for (int i = 0; i < 3; ++i) add_host(refusing(404, "manifest unknown"));
  start();
  const Answer answer = ask("POST", "/images/create?fromImage=a");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "{\"message\":\"manifest unknown\"}\n");
}

TEST_F(Spreading, that_hosts_refuse_each_in_its_own_way_names_them) {
  add_host(refusing(404, "unknown"));
  add_host(refusing(500, "no space"));
  add_host(refusing(404, "unknown"));
  start();
  const Answer answer = ask("POST", "/images/create?fromImage=a");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "{\"message\":\"h1, h3: unknown; h2: no space\"}\n");
}

TEST_F(Spreading, goes_to_hosts_of_the_pool_only) {
  std::atomic<int> asked = 0;
  for (int i = 0; i < 4; ++i) {
    add_host([&asked](http_api::Exchange& exchange) -> asio::awaitable<void> {
      ++asked;
      co_await answer_as_daemon(exchange, 200, "{\"status\":\"fine\"}\r\n");
    });
  }
  herd.all[0].in_pool = false;
  herd.all[2].daemon_up = false;
  start();
  const Answer answer = ask("POST", "/images/create?fromImage=a");
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(answer.body, HasSubstr("h2: fine"));
  EXPECT_THAT(answer.body, HasSubstr("h4: fine"));
}

TEST_F(Spreading, to_a_pool_of_one_passes_what_it_says_as_it_is) {
  const std::string lines = "{\"status\": \"fine\"}\r\nno JSON\n{\"error\":\"e\"}";
  add_host(saying("{}"));
  add_host(saying(lines));
  herd.all[0].in_pool = false;
  start();
  const Answer answer = ask("POST", "/images/load", "", "body");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, lines);
}

TEST_F(Spreading, to_no_host_at_all_says_so) {
  add_host(saying("{}"));
  herd.all[0].in_pool = false;
  start();
  const Answer answer = ask("POST", "/images/load", "", "body");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("none is in the pool"));
}

TEST_F(Spreading, tells_a_client_that_waits_for_it_to_send_the_body) {
  for (int i = 0; i < 2; ++i) add_host(saying("{\"status\":\"fine\"}\r\n"));
  start();
  http_api::Client client = connect();
  client.send(request("POST", "/images/load", "Content-Length: 4\r\nExpect: 100-continue\r\n"));
  EXPECT_THAT(client.response(false), StartsWith("HTTP/1.1 100 "));
  client.send("body");
  EXPECT_THAT(client.rest(), HasSubstr("h2: fine"));
}

/// Counts what arrives of a body and keeps none of it: a daemon behind a relay would.
class Counting {
 public:
  /// Reads only while `open`.
  asio::awaitable<void> serve(http_api::Exchange& exchange, Clock& clock) {
    while (!open) {
      const TimePoint later = clock.now() + std::chrono::milliseconds(1);
      co_await clock.sleep_until(later);
    }
    const auto body = co_await exchange.read_body(256u << 20);
    whole = body.has_value();
    got = body ? body->size() : 0;
    ended = true;
    co_await answer_as_daemon(exchange, 200, "{\"status\":\"fine\"}\r\n");
  }

  std::atomic<bool> open = true;
  std::atomic<bool> whole = false, ended = false;
  std::atomic<std::size_t> got = 0;
};

TEST_F(Spreading, is_as_slow_as_the_slowest_host_and_keeps_nothing_of_the_body) {
  Counting fast, slow;
  slow.open = false;
  add_host([&](http_api::Exchange& exchange) { return fast.serve(exchange, clock); });
  add_host([&](http_api::Exchange& exchange) { return slow.serve(exchange, clock); });
  start();
  http_api::Client client = connect();
  client.send(
      request("POST", "/images/load", "Content-Length: " + std::to_string(plenty) + "\r\n"));
  std::atomic<std::size_t> sent = 0;
  std::thread sender([&client, &sent] {
    const std::string piece(1u << 20, 'x');
    while (sent < plenty && client.send(piece)) sent += piece.size();
  });
  // Until what fits into the sockets has been sent, and no more goes.
  std::size_t before = 1;
  while (before != sent || before == 0) {
    before = sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  EXPECT_LT(sent, plenty);
  EXPECT_FALSE(fast.ended);
  slow.open = true;
  sender.join();
  EXPECT_THAT(client.rest(), HasSubstr("h1: fine"));
  EXPECT_EQ(fast.got, plenty);
  EXPECT_EQ(slow.got, plenty);
}

TEST_F(Spreading, of_a_client_that_leaves_in_the_middle_is_a_whole_body_for_no_host) {
  Counting first, second;
  add_host([&](http_api::Exchange& exchange) { return first.serve(exchange, clock); });
  add_host([&](http_api::Exchange& exchange) { return second.serve(exchange, clock); });
  start();
  http_api::Client client = connect();
  client.send(request("POST", "/images/load", "Content-Length: 1000000\r\n") + "some of it");
  client.close();
  EXPECT_TRUE(eventually([&] { return first.ended && second.ended; }));
  EXPECT_FALSE(first.whole);
  EXPECT_FALSE(second.whole);
}

TEST_F(Spreading, goes_on_to_other_hosts_when_one_takes_no_more_of_the_body) {
  Counting good;
  add_host([&](http_api::Exchange& exchange) { return good.serve(exchange, clock); });
  add_host([](http_api::Exchange& exchange) -> asio::awaitable<void> {
    exchange.break_off();
    co_return;
  });
  start();
  const std::string body(8u << 20, 'x');
  const Answer answer = ask("POST", "/images/load", "", body);
  EXPECT_EQ(good.got, body.size());
  EXPECT_THAT(answer.body, HasSubstr("h1: fine"));
  EXPECT_THAT(answer.body, HasSubstr("\"error\":\"h2: "));
}

TEST_F(Spreading, goes_on_to_other_hosts_when_one_hangs_and_names_it) {
  settings.write_timeout = std::chrono::milliseconds(300);
  Counting good;
  add_host([&](http_api::Exchange& exchange) { return good.serve(exchange, clock); });
  const http_api::ScriptedUpstream hung;  // The system accepts the connection, and nobody reads.
  herd.all.push_back(fake_node("h2", hung.address()));
  start();
  const Answer answer = ask("POST", "/images/load", "", std::string(plenty, 'x'));
  EXPECT_EQ(good.got, plenty);
  EXPECT_THAT(answer.body, HasSubstr("h1: fine"));
  EXPECT_THAT(answer.body, HasSubstr("\"error\":\"h2: "));
  EXPECT_THAT(answer.body, HasSubstr("did not take in time"));
}

TEST_F(Spreading, of_a_client_that_leaves_while_hosts_are_at_work_is_ended_there) {
  std::atomic<int> at_work = 0, left = 0;
  for (int i = 0; i < 2; ++i) {
    add_host([&](http_api::Exchange& exchange) -> asio::awaitable<void> {
      http_api::HeaderList headers{{"Content-Type", "application/json"}};
      co_await exchange.begin(200, std::move(headers));
      co_await exchange.write("{\"status\":\"Pulling\"}\r\n");
      ++at_work;
      while (!exchange.client_is_gone()) {
        const TimePoint later = clock.now() + std::chrono::milliseconds(1);
        co_await clock.sleep_until(later);
      }
      ++left;
    });
  }
  start();
  http_api::Client client = connect();
  client.send(request("POST", "/images/create?fromImage=a", "Content-Length: 0\r\n"));
  EXPECT_TRUE(eventually([&] { return at_work == 2; }));
  client.close();
  EXPECT_TRUE(eventually([&] { return left == 2; }));
}

TEST_F(Spreading, passes_what_a_client_reads_slowly_without_gathering_it) {
  std::atomic<std::size_t> said = 0;
  const std::size_t lines = 8'000;  // 32 MB: more than sockets hold.
  const std::string line = "{\"status\":\"" + std::string(4'000, 's') + "\"}\r\n";
  add_host(saying("{}\r\n"));
  add_host([&](http_api::Exchange& exchange) -> asio::awaitable<void> {
    http_api::HeaderList headers{{"Content-Type", "application/json"}};
    co_await exchange.begin(200, std::move(headers));
    for (std::size_t i = 0; i < lines; ++i) {
      co_await exchange.write(line);
      ++said;
    }
    co_await exchange.end();
  });
  start();
  http_api::Client client = connect();
  client.send(request("POST", "/images/create?fromImage=a", "Content-Length: 0\r\n"));
  std::size_t before = 1;
  while (before != said || before == 0) {
    before = said;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  EXPECT_LT(said, lines);
  const Answer answer = answer_in(client.rest());
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(said, lines);
}

}  // namespace
}  // namespace dockherd::engine_api
