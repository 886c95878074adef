// The in-process Docker keeps the port's promises, so that what is tested on it holds.
#include "tests/fakes/fake_docker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/task_group.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "tests/fakes/virtual_clock.hpp"

namespace dockherd::fakes {
namespace {

using namespace docker_client;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FakeDockerTest : public testing::Test {
 protected:
  ~FakeDockerTest() override { loop.run(tasks.close()); }

  TimePoint in(Duration duration) { return loop.clock.now() + duration; }
  Result<DockerResponse> call(DockerRequest request) {
    return loop.run(docker.call(std::move(request)));
  }
  Result<DockerResponse> create(const char* name) {
    return call(create_request(name, R"({"Image":"busybox"})", in(1s)));
  }
  static asio::awaitable<void> follow(FakeDocker& docker, DockerRequest request,
                                      std::vector<std::string>& actions,
                                      std::optional<Result<void>>& end) {
    std::function<void()> on_open = [] {};
    std::function<void(std::string_view)> on_line = [&actions](std::string_view line) {
      actions.push_back(decode_event(line)->action);
    };
    end = co_await docker.stream_lines(std::move(request), std::move(on_open), std::move(on_line));
  }
  void follow() {
    const std::vector<std::string> types = {"container"};
    tasks.spawn("events",
                follow(docker, events_request(std::nullopt, types, in(1s)), actions, end));
    loop.run_for(1s);
  }

  VirtualLoop loop;
  DaemonModel model;
  FakeDocker docker{loop.clock, loop.executor(), model};
  TaskGroup tasks{loop.executor(), null_logger()};
  std::vector<std::string> actions;
  std::optional<Result<void>> end;
};

TEST_F(FakeDockerTest, carries_calls_to_the_model_and_takes_time) {
  const TimePoint before = loop.clock.now();
  EXPECT_EQ(create("web")->status, 201);
  EXPECT_GT(loop.clock.now(), before);
  EXPECT_EQ(model.containers().size(), 1u);
  EXPECT_EQ(docker.version().api_version, "1.41");
}

TEST(DaemonModel, a_list_asked_for_again_shows_what_has_changed_since) {
  DaemonModel model;
  const WallTime begun = WallTime(1'700'000'000s);
  const auto list = [&model](WallTime now) {
    return model.handle("GET", "/containers/json?all=1", "", now).body;
  };
  const std::string id = model.create("web", "busybox", begun).value();
  EXPECT_THAT(list(begun), HasSubstr("created"));
  EXPECT_EQ(list(begun), list(begun));
  model.start(id, begun);
  EXPECT_THAT(list(begun), HasSubstr("running"));
  EXPECT_THAT(list(begun + 5s), HasSubstr("Up 5 seconds"));
  model.handle("POST", "/containers/web/rename?name=shop", "", begun + 5s);
  EXPECT_THAT(list(begun + 5s), HasSubstr("/shop"));
  EXPECT_EQ(model.handle("GET", "/containers/json?filters={\"name\":[\"x\"]}", "", begun + 5s).body,
            "[]\n");
  model.preload(1, "old-", begun);
  EXPECT_THAT(list(begun + 5s), HasSubstr("/old-1"));
  model.remove(id, begun + 5s);
  EXPECT_THAT(list(begun + 5s), Not(HasSubstr("/shop")));
}

TEST_F(FakeDockerTest, when_down_nothing_is_changed) {
  docker.go_down();
  EXPECT_EQ(create("web").error().code, errc::daemon_down);
  EXPECT_EQ(model.created_ever(), 0u);
  docker.come_up();
  EXPECT_EQ(create("web")->status, 201);
}

TEST_F(FakeDockerTest, a_lost_answer_comes_after_the_deed) {
  docker.lose_next_answers(1, LostAnswer::broken);
  EXPECT_EQ(create("web").error().code, errc::daemon_lost);
  EXPECT_EQ(model.created_ever(), 1u);
}

TEST_F(FakeDockerTest, a_swallowed_answer_is_a_timeout_at_the_deadline) {
  docker.lose_next_answers(1, LostAnswer::silent);
  const TimePoint deadline = in(1s);
  EXPECT_EQ(create("web").error().code, errc::timeout);
  EXPECT_EQ(loop.clock.now(), deadline);
  EXPECT_EQ(model.created_ever(), 1u);
}

TEST_F(FakeDockerTest, a_planted_failure_changes_nothing) {
  docker.fail_next(1);
  EXPECT_EQ(create("web")->status, 500);
  EXPECT_EQ(model.created_ever(), 0u);
}

TEST_F(FakeDockerTest, a_slow_daemon_is_a_timeout) {
  docker.slow_down(100'000);
  EXPECT_EQ(create("web").error().code, errc::timeout);
}

TEST_F(FakeDockerTest, a_restart_ends_calls_in_flight_and_streams) {
  follow();
  std::optional<Result<DockerResponse>> answered;
  docker.lose_next_answers(1, LostAnswer::silent);
  tasks.spawn("call",
              [](FakeDocker& to, auto& result, TimePoint deadline) -> asio::awaitable<void> {
                result = co_await to.call(start_request("x", deadline));
              }(docker, answered, in(100s)));
  loop.run_for(1s);
  ASSERT_FALSE(answered);
  docker.restart();
  loop.run_for(0s);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->error().code, errc::daemon_lost);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->error().code, errc::daemon_lost);
  EXPECT_EQ(docker.open_streams(), 0u);
  EXPECT_EQ(create("web")->status, 201);
}

TEST_F(FakeDockerTest, events_arrive_in_order_whoever_caused_them) {
  follow();
  ASSERT_TRUE(create("web"));
  model.start("web", loop.clock.wall_now());
  model.exit("web", 3, loop.clock.wall_now());
  model.remove("web", loop.clock.wall_now());
  loop.run_for(1s);
  EXPECT_THAT(actions, ElementsAre("create", "start", "die", "destroy"));
}

TEST_F(FakeDockerTest, what_happens_between_a_streams_headers_and_its_subscription_is_lost) {
  bool opened = false;
  const auto watch = [](FakeDocker& from, bool& open, std::vector<std::string>& seen,
                        TimePoint deadline) -> asio::awaitable<void> {
    std::function<void()> on_open = [&open] { open = true; };
    std::function<void(std::string_view)> on_line = [&seen](std::string_view line) {
      seen.push_back(decode_event(line)->action);
    };
    auto request = events_request(std::nullopt, {"container"}, deadline);
    co_await from.stream_lines(std::move(request), std::move(on_open), std::move(on_line));
  };
  tasks.spawn("events", watch(docker, opened, actions, in(1s)));
  while (!opened) loop.run_for(100us);
  model.create("web", "busybox", loop.clock.wall_now());
  loop.run_for(1s);
  model.start("web", loop.clock.wall_now());
  loop.run_for(1s);
  EXPECT_THAT(actions, ElementsAre("start"));
}

TEST_F(FakeDockerTest, a_call_whose_deadline_has_passed_changes_nothing) {
  const auto late = call(create_request("web", R"({"Image":"busybox"})", in(0s)));
  ASSERT_FALSE(late);
  EXPECT_TRUE(nothing_was_changed(late.error().code));
  EXPECT_EQ(model.created_ever(), 0u);
}

TEST_F(FakeDockerTest, a_cancelled_stream_is_gone) {
  follow();
  EXPECT_EQ(docker.open_streams(), 1u);
  loop.run(tasks.close());
  EXPECT_EQ(docker.open_streams(), 0u);
}

}  // namespace
}  // namespace dockherd::fakes
