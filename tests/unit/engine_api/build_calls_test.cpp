#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/unit/engine_api/daemon_script.hpp"

namespace dockherd::engine_api {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string id = "sha256:" + std::string(64, 'a');
const std::string built = "{\"stream\":\"Step 1/1\"}\r\n{\"aux\":{\"ID\":\"" + id +
                          "\"}}\r\n{\"stream\":\"done\\n\"}\r\n";
const std::string loaded = "{\"stream\":\"Loaded image: a:1\\n\"}\r\n";
const std::string inspect_call = "GET /images/sha256%3A" + std::string(64, 'a') + "/json";
const std::string tag_path = "POST /images/sha256%3A" + std::string(64, 'a') + "/tag";

/// Three hosts; the first is asked and builds.
class BuildCalls : public HerdInThread {
 protected:
  BuildCalls() {
    daemons[0].on("POST /build", 200, built);
    daemons[0].on("GET /images/get", 200, "the image as tar");
    for (int i : {1, 2}) daemons[i].on("POST /images/load?quiet=1", 200, loaded);
  }
  void begin() {
    for (DaemonScript& daemon : daemons) add_host(daemon.handler());
    start();
  }

  DaemonScript daemons[3];
};

TEST_F(BuildCalls, build_here_and_bring_the_image_to_the_others) {
  begin();
  const Answer answer = ask("POST", "/build?t=a:1&t=b", "", "the context");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.whole);
  EXPECT_THAT(answer.body, StartsWith(built));
  EXPECT_THAT(answer.body, HasSubstr("{\"stream\":\"[h2] image loaded\\n\"}\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("{\"stream\":\"[h3] image loaded\\n\"}\r\n"));
  EXPECT_EQ(daemons[0].body(), "the context");
  EXPECT_TRUE(daemons[0].was_asked("GET /images/get?names=a%3A1&names=b%3Alatest"));
  EXPECT_EQ(daemons[1].body(), "the image as tar");
  EXPECT_EQ(daemons[2].body(), "the image as tar");
}

TEST_F(BuildCalls, build_elsewhere_when_this_host_is_out_of_the_pool) {
  daemons[1].on("POST /build", 200, built);
  daemons[1].on("GET /images/get", 200, "from h2");
  for (DaemonScript& daemon : daemons) add_host(daemon.handler());
  herd.all[0].in_pool = false;
  start();
  const Answer answer = ask("POST", "/build?t=a:1");
  EXPECT_THAT(answer.body, EndsWith("[h3] image loaded\\n\"}\r\n"));
  EXPECT_EQ(daemons[2].body(), "from h2");
  EXPECT_TRUE(daemons[0].calls().empty());
}

TEST_F(BuildCalls, bring_an_image_without_a_name_by_its_id) {
  begin();
  ask("POST", "/build");
  EXPECT_TRUE(daemons[0].was_asked("GET /images/get?names=sha256%3A" + std::string(64, 'a')));
}

TEST_F(BuildCalls, only_name_the_image_where_it_is_already) {
  daemons[1].on(inspect_call, 200, "{\"Id\":\"" + id + "\"}");
  daemons[1].on(tag_path + "?repo=a&tag=1", 201, "");
  begin();
  const Answer answer = ask("POST", "/build?t=a:1");
  EXPECT_THAT(answer.body, EndsWith("{\"stream\":\"[h3] image loaded\\n\"}\r\n"));
  EXPECT_TRUE(daemons[1].was_asked(tag_path + "?repo=a&tag=1"));
  EXPECT_FALSE(daemons[1].was_asked("POST /images/load?quiet=1"));
}

TEST_F(BuildCalls, say_no_more_than_the_daemon_when_quiet) {
  daemons[0].on("POST /build", 200, "{\"stream\":\"" + id + "\\n\"}\r\n");
  begin();
  EXPECT_EQ(ask("POST", "/build?q=1").body, "{\"stream\":\"" + id + "\\n\"}\r\n");
  EXPECT_EQ(daemons[2].body(), "the image as tar");
}

TEST_F(BuildCalls, that_fail_pass_the_error_and_bring_nothing) {
  const std::string failed = "{\"errorDetail\":{\"message\":\"x\"},\"error\":\"x\"}\r\n";
  daemons[0].on("POST /build", 200, failed);
  begin();
  EXPECT_EQ(ask("POST", "/build?t=a").body, failed);
  EXPECT_TRUE(daemons[1].calls().empty());
}

TEST_F(BuildCalls, that_are_refused_have_the_daemons_answer) {
  daemons[0].on("POST /build", 400, "{\"message\":\"no such Dockerfile\"}\n");
  begin();
  const Answer answer = ask("POST", "/build?t=a", "", "the context");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body, "{\"message\":\"no such Dockerfile\"}\n");
}

TEST_F(BuildCalls, end_in_an_error_that_names_the_host_without_the_image) {
  daemons[1].on("POST /images/load?quiet=1", 200, "{\"error\":\"no space\"}\r\n");
  begin();
  const Answer answer = ask("POST", "/build?t=a:1");
  EXPECT_THAT(answer.body, HasSubstr("[h3] image loaded"));
  EXPECT_THAT(answer.body, EndsWith("\"error\":\"built on h1, but not all hosts got the image: "
                                    "h2: no space\"}\r\n"));
}

TEST_F(BuildCalls, end_in_an_error_when_the_image_cannot_be_saved) {
  daemons[0].on("GET /images/get", 500, "{\"message\":\"disk is gone\"}");
  begin();
  EXPECT_THAT(ask("POST", "/build?t=a:1").body, EndsWith("h2, h3: disk is gone\"}\r\n"));
}

TEST_F(BuildCalls, of_an_image_that_breaks_off_load_it_nowhere) {
  std::atomic<bool> whole = false, ended = false;
  add_host([](http_api::Exchange& exchange) -> asio::awaitable<void> {
    if (exchange.method() == "POST") {
      co_await answer_as_daemon(exchange, 200, built);
      co_return;
    }
    http_api::HeaderList headers{{"Content-Type", "application/x-tar"}};
    co_await exchange.begin(200, std::move(headers));
    co_await exchange.write("half of the image");
    exchange.break_off();
  });
  add_host([&](http_api::Exchange& exchange) -> asio::awaitable<void> {
    const auto body = co_await exchange.read_body(1u << 20);
    if (exchange.method() == "POST") {
      whole = body.has_value();
      ended = true;
    }
    co_await answer_as_daemon(exchange, body ? 404 : 500, "{\"message\":\"no\"}");
  });
  start();
  EXPECT_THAT(ask("POST", "/build?t=a:1").body, HasSubstr("\"error\":\"built on h1, but "));
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
  EXPECT_FALSE(whole);
}

TEST_F(BuildCalls, to_a_pool_of_one_pass_what_it_says) {
  for (DaemonScript& daemon : daemons) add_host(daemon.handler());
  herd.all[1].in_pool = herd.all[2].daemon_up = false;
  start();
  EXPECT_EQ(ask("POST", "/build?t=a:1").body, built);
  EXPECT_FALSE(daemons[0].was_asked("GET /images/get?names=a%3A1"));
}

TEST_F(BuildCalls, of_a_client_that_leaves_are_ended) {
  std::atomic<bool> at_work = false, left = false;
  add_host([&](http_api::Exchange& exchange) -> asio::awaitable<void> {
    http_api::HeaderList headers{{"Content-Type", "application/json"}};
    co_await exchange.begin(200, std::move(headers));
    co_await exchange.write("{\"stream\":\"Step 1/1\"}\r\n");
    at_work = true;
    while (!exchange.client_is_gone()) {
      const TimePoint later = clock.now() + std::chrono::milliseconds(1);
      co_await clock.sleep_until(later);
    }
    left = true;
  });
  add_host(daemons[1].handler());
  start();
  http_api::Client client = connect();
  client.send(request("POST", "/build", "Content-Length: 0\r\n"));
  EXPECT_TRUE(eventually([&] { return at_work.load(); }));
  client.close();
  EXPECT_TRUE(eventually([&] { return left.load(); }));
}

}  // namespace
}  // namespace dockherd::engine_api
