// Coroutines: who owns them and how long they are waited for.
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <sstream>
#include <stdexcept>

#include "base/task_group.hpp"
#include "base/with_deadline.hpp"

namespace dockherd {

using ::testing::HasSubstr;

namespace {

constexpr Duration moment = std::chrono::milliseconds(1);
constexpr Duration forever = std::chrono::hours(1);

class Tasks : public ::testing::Test {
 protected:
  Tasks()
      : group(context.get_executor(),
              std::make_shared<spdlog::logger>(
                  "test", std::make_shared<spdlog::sinks::ostream_sink_st>(log))) {}

  /// Runs until the task has ended.
  template <typename T>
  T run(asio::awaitable<T> task) {
    auto result = asio::co_spawn(context, std::move(task), asio::use_future);
    context.restart();
    while (result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      context.run_one();
    }
    return result.get();
  }

  asio::awaitable<void> sleep(Duration time) {
    co_await clock.sleep_until(clock.now() + time);
    ++ended;
  }
  asio::awaitable<int> answer(int value, Duration time) {
    co_await clock.sleep_until(clock.now() + time);
    ++ended;
    co_return value;
  }
  /// Waits for what never comes, as everything does that waits on a channel.
  asio::awaitable<void> wait_for_message() {
    asio::experimental::channel<void(boost::system::error_code)> channel(context, 1);
    co_await channel.async_receive(asio::use_awaitable);
  }
  asio::awaitable<void> cancel_group() {
    group.cancel();
    ++ended;
    co_return;
  }
  asio::awaitable<void> fail() {
    co_await clock.sleep_until(clock.now());
    throw std::runtime_error("broken");
  }

  asio::io_context context{1};
  SystemClock clock;
  std::ostringstream log;
  int ended = 0;
  TaskGroup group;
};

asio::awaitable<void> wait_on(Clock& clock, asio::awaitable<void> task, bool& canceled) {
  try {
    co_await with_deadline(clock, std::move(task), clock.now() + forever);
  } catch (const boost::system::system_error& error) {
    canceled = error.code() == asio::error::operation_aborted;
    throw;
  }
}

}  // namespace

TEST_F(Tasks, a_group_waits_until_it_is_idle) {
  group.spawn("a", sleep(moment));
  group.spawn("b", sleep(2 * moment));
  run(group.wait_idle());
  EXPECT_EQ(2, ended);
  EXPECT_EQ(0u, group.size());
  EXPECT_FALSE(group.closed());
}

TEST_F(Tasks, closing_cancels_and_waits) {
  group.spawn("a", sleep(forever));
  group.spawn("b", sleep(forever));
  run(group.close());
  EXPECT_EQ(0, ended);
  EXPECT_EQ(0u, group.size());
  EXPECT_EQ("", log.str());
  run(group.close());
}

// Spawned from outside the loop, a task begins at the loop's next turn only.
TEST_F(Tasks, one_that_is_canceled_before_it_begins_never_does) {
  group.spawn("early", sleep(moment));
  group.cancel();
  run(group.wait_idle());
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(log.str(), "");
}

TEST_F(Tasks, one_that_cancels_itself_and_is_never_suspended_ends_quietly) {
  group.spawn("own", cancel_group());
  run(group.wait_idle());
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(log.str(), "");
}

TEST_F(Tasks, nothing_starts_after_closing) {
  run(group.close());
  group.spawn("late", sleep(moment));
  EXPECT_EQ(0u, group.size());
}

TEST_F(Tasks, a_task_that_fails_is_logged_by_name) {
  group.spawn("walker", fail());
  run(group.wait_idle());
  EXPECT_THAT(log.str(), HasSubstr("task failed task=walker error=broken"));
}

TEST_F(Tasks, canceling_does_not_close) {
  group.spawn("a", sleep(forever));
  group.cancel();
  run(group.wait_idle());
  group.spawn("b", sleep(moment));
  run(group.wait_idle());
  EXPECT_EQ(1, ended);
}

TEST_F(Tasks, waiting_for_idle_may_itself_have_a_deadline) {
  group.spawn("a", sleep(forever));
  EXPECT_FALSE(run(with_deadline(clock, group.wait_idle(), clock.now() + moment)));
  EXPECT_EQ(1u, group.size());
  run(group.close());
}

TEST_F(Tasks, a_value_in_time_is_given) {
  EXPECT_EQ(7, run(with_deadline(clock, answer(7, moment), clock.now() + forever)));
  EXPECT_TRUE(run(with_deadline(clock, sleep(moment), clock.now() + forever)));
}

TEST_F(Tasks, a_deadline_cancels_the_task) {
  EXPECT_EQ(std::nullopt, run(with_deadline(clock, answer(7, forever), clock.now() + moment)));
  EXPECT_FALSE(run(with_deadline(clock, sleep(forever), clock.now() + moment)));
  EXPECT_EQ(0, ended);
}

TEST_F(Tasks, a_deadline_cancels_a_wait_on_a_channel_too) {
  EXPECT_FALSE(run(with_deadline(clock, wait_for_message(), clock.now() + moment)));
  group.spawn("a", wait_for_message());
  run(group.close());
  EXPECT_EQ("", log.str());
}

TEST_F(Tasks, what_a_task_throws_is_neither_hidden_nor_delayed) {
  const TimePoint before = clock.now();
  EXPECT_THROW(run(with_deadline(clock, fail(), before + forever)), std::runtime_error);
  EXPECT_LT(clock.now(), before + forever);
}

TEST_F(Tasks, a_caller_that_is_canceled_sees_a_cancellation) {
  bool canceled = false;
  group.spawn("a", wait_on(clock, sleep(forever), canceled));
  group.spawn("b", sleep(moment));
  context.run_one();
  context.poll();
  run(group.close());
  EXPECT_TRUE(canceled);
  EXPECT_EQ("", log.str());
}

}  // namespace dockherd
