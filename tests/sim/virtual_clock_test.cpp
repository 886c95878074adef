// Virtual time itself: order, cancellation, deadlines, freezing, sudden death of a process.
#include "tests/fakes/virtual_clock.hpp"

#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <string>
#include <vector>

#include "base/task_group.hpp"
#include "base/with_deadline.hpp"

namespace dockherd::fakes {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> sleep_and_note(Clock& clock, Duration delay, std::string name,
                                     std::vector<std::string>& notes) {
  co_await clock.sleep_until(clock.now() + delay);
  notes.push_back(std::move(name));
}

asio::awaitable<bool> sleep_with_deadline(Clock& clock, Duration delay, Duration limit) {
  co_return co_await with_deadline(clock, clock.sleep_until(clock.now() + delay),
                                   clock.now() + limit);
}

TEST(VirtualTime, turns_of_a_metered_context_are_timed_and_those_of_others_are_not) {
  VirtualTime time;
  VirtualContext metered;
  VirtualContext other;
  time.add(metered);
  time.add(other);
  time.meter(metered);
  const auto work = [] {
    volatile unsigned sum = 0;
    for (unsigned i = 0; i < 100'000; ++i) sum = sum + i;
  };
  asio::post(other, work);
  time.run_for(1s);
  const auto before = time.metered();
  asio::post(metered, work);
  time.run_for(1s);
  EXPECT_GT(time.metered() - before, before);
  time.remove(metered);
  time.remove(other);
}

TEST(VirtualClock, sleepers_wake_in_order_of_time_then_of_asking) {
  VirtualLoop loop;
  TaskGroup tasks(loop.executor(), null_logger());
  std::vector<std::string> notes;
  tasks.spawn("c", sleep_and_note(loop.clock, 3h, "c", notes));
  tasks.spawn("a", sleep_and_note(loop.clock, 1h, "a", notes));
  tasks.spawn("b", sleep_and_note(loop.clock, 1h, "b", notes));
  loop.run_for(2h);
  EXPECT_EQ(notes, (std::vector<std::string>{"a", "b"}));
  loop.run_for(2h);
  EXPECT_EQ(notes, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(loop.time.elapsed(), 4h);
}

TEST(VirtualClock, a_cancelled_sleep_ends_at_once) {
  VirtualLoop loop;
  TaskGroup tasks(loop.executor(), null_logger());
  std::vector<std::string> notes;
  tasks.spawn("late", sleep_and_note(loop.clock, 1h, "late", notes));
  loop.run_for(1s);
  loop.run(tasks.close());
  EXPECT_EQ(loop.time.elapsed(), 1s);
  EXPECT_EQ(loop.clock.sleepers(), 0u);
  loop.run_for(2h);
  EXPECT_TRUE(notes.empty());
}

TEST(VirtualClock, a_deadline_ends_what_is_late_and_only_that) {
  VirtualLoop loop;
  EXPECT_FALSE(loop.run(sleep_with_deadline(loop.clock, 3s, 2s)));
  EXPECT_EQ(loop.time.elapsed(), 2s);
  EXPECT_TRUE(loop.run(sleep_with_deadline(loop.clock, 1s, 2s)));
  EXPECT_EQ(loop.time.elapsed(), 3s);
  EXPECT_EQ(loop.clock.sleepers(), 0u);
}

TEST(VirtualClock, a_frozen_process_catches_up_when_thawed) {
  VirtualTime time;
  VirtualContext context;
  VirtualClock clock(time, context);
  time.add(context);
  TaskGroup tasks(context.get_executor(), null_logger());
  std::vector<std::string> notes;
  tasks.spawn("a", sleep_and_note(clock, 1s, "a", notes));
  time.run_for(100ms);
  time.set_frozen(context, true);
  time.run_for(5s);
  EXPECT_TRUE(notes.empty());
  time.set_frozen(context, false);
  time.run_for(0s);
  EXPECT_EQ(notes.size(), 1u);
  time.remove(context);
}

TEST(VirtualClock, a_process_can_die_with_sleepers_and_waiters) {
  VirtualTime time;
  VirtualContext context;
  VirtualClock clock(time, context);
  time.add(context);
  std::vector<std::string> notes;
  {
    TaskGroup tasks(context.get_executor(), null_logger());
    tasks.spawn("a", sleep_and_note(clock, 1s, "a", notes));
    tasks.spawn("idle", tasks.wait_idle());
    time.run_for(100ms);
    time.remove(context);
    clock.forget_sleepers();
    context.shutdown();
  }
  time.run_for(5s);
  EXPECT_TRUE(notes.empty());
}

}  // namespace
}  // namespace dockherd::fakes
