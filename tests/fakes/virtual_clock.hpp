// Time that passes only when nothing is left to do, so that tests wait for nothing and repeat
// exactly. Must not know what runs on it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace dockherd::fakes {

/// An io_context whose pending work can be destroyed while the objects that started it still live:
/// what a killed process leaves behind. After shutdown() it must not be polled again.
class VirtualContext : public asio::io_context {
 public:
  VirtualContext() : asio::io_context(1) {}
  using asio::execution_context::shutdown;
};

/// The executor of a process that can die: afterwards, what is handed to it is destroyed at once.
/// A coroutine that is destroyed while suspended hands its frames to its executor; were they only
/// queued, they would outlive the objects that they refer to.
class MortalExecutor {
 public:
  explicit MortalExecutor(asio::io_context& context)
      : inner_(asio::require(context.get_executor(), asio::execution::blocking.never)),
        dead_(std::make_shared<bool>(false)) {}

  void die() const { *dead_ = true; }

  template <typename Function>
  void execute(Function&& function) const {
    if (*dead_) {
      const std::decay_t<Function> dropped(std::forward<Function>(function));
      return;
    }
    inner_.execute(std::forward<Function>(function));
  }
  asio::execution_context& query(asio::execution::context_t) const noexcept {
    return inner_.context();
  }
  /// Always queued, whatever is preferred: good enough for one thread.
  static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
    return asio::execution::blocking.never;
  }
  MortalExecutor require(asio::execution::blocking_t::never_t) const { return *this; }

  bool operator==(const MortalExecutor& other) const noexcept { return dead_ == other.dead_; }
  bool operator!=(const MortalExecutor& other) const noexcept { return dead_ != other.dead_; }

 private:
  using Inner = std::decay_t<decltype(asio::require(std::declval<asio::io_context::executor_type>(),
                                                    asio::execution::blocking.never))>;

  Inner inner_;
  std::shared_ptr<bool> dead_;
};

/// Purpose: the time of one simulated world, its future events, and the io_contexts ("processes")
/// that live in it. Events of the same time happen in the order in which they were asked for, and
/// contexts take turns in the order in which they were added, so a run depends on nothing else.
/// Lifecycle: outlives its contexts, which are removed before they are destroyed.
/// One thread only.
class VirtualTime {
 public:
  using EventId = std::uint64_t;

  /// Whether contexts may have new work after an event. An event that touches none says itself by
  /// touch() which one it gave work to; that keeps large worlds fast.
  enum class Touches { all, none };

  TimePoint now() const { return now_; }
  /// Since the beginning of the world.
  Duration elapsed() const { return now_ - TimePoint{}; }

  /// `action` is called at `when`, or in the next step when that is past.
  EventId at(TimePoint when, std::function<void()> action, Touches touches = Touches::all);
  EventId after(Duration delay, std::function<void()> action, Touches touches = Touches::all);
  /// Nothing happens when the event is past already.
  void cancel(EventId id);

  void add(asio::io_context& context);
  void remove(asio::io_context& context);
  /// A frozen context does not run (SIGSTOP); its work waits until it is thawed.
  void set_frozen(asio::io_context& context, bool frozen);
  void touch(asio::io_context& context);
  void touch_all();
  /// Its turns are timed from now on, until it is removed.
  void meter(asio::io_context& context);
  /// CPU time of this thread in all timed turns so far.
  std::chrono::nanoseconds metered() const { return metered_; }

  /// Runs all that can run now.
  void settle();
  /// Settles, then moves to the next event's time and runs the events of that time. False when
  /// there is no event before or at `limit`; time is then unchanged.
  bool step(TimePoint limit);
  /// Until the predicate holds (looked at after each step) or `limit`. Returns whether it holds.
  bool run_until(const std::function<bool()>& predicate, TimePoint limit);
  void run_until(TimePoint when);
  void run_for(Duration duration) { run_until(now_ + duration); }

 private:
  struct Event {
    std::function<void()> action;
    Touches touches;
  };
  struct Process {
    bool frozen = false;
    bool touched = false;
    bool metered = false;
  };
  static void take_turn(asio::io_context& context);

  TimePoint now_{};
  EventId next_id_ = 1;
  std::map<std::pair<TimePoint, EventId>, Event> events_;
  std::map<EventId, TimePoint> times_;
  std::unordered_map<const asio::io_context*, Process> processes_;  // For look-up only.
  std::vector<asio::io_context*> order_;
  std::deque<asio::io_context*> ready_;  // Touched since the last settle, in that order.
  std::chrono::nanoseconds metered_{};
};

/// The clock of one process. Sleepers wake in its context. Wall time starts at a fixed date.
/// Destroying it destroys the coroutines that still sleep on it.
class VirtualClock final : public Clock {
 public:
  /// Both outlive the clock.
  VirtualClock(VirtualTime& time, asio::io_context& context) : time_(time), context_(context) {}
  ~VirtualClock() override { forget_sleepers(); }
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  TimePoint now() const override { return time_.now(); }
  WallTime wall_now() const override;
  asio::awaitable<void> sleep_until(TimePoint when) override;

  std::size_t sleepers() const { return sleepers_.size(); }
  /// Destroys all sleeping coroutines, as the end of a process does.
  void forget_sleepers();

 private:
  // A completion handler, its type erased; asio's own any_completion_handler of this
  // version wraps itself without end when it is moved into a posted function.
  struct Handler {
    virtual ~Handler() = default;
    virtual void complete(boost::system::error_code result) = 0;
  };
  template <typename T>
  struct HandlerOf;
  struct Sleeper {
    std::unique_ptr<Handler> handler;
    asio::cancellation_slot slot;
    VirtualTime::EventId event = 0;
  };
  void begin(TimePoint when, std::unique_ptr<Handler> handler, asio::cancellation_slot slot);
  void finish(std::uint64_t id, boost::system::error_code result);

  VirtualTime& time_;
  asio::io_context& context_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Sleeper> sleepers_;
};

/// One process in a world of its own: what a test of a single class needs.
///   VirtualLoop loop;  Thing thing(loop.executor(), loop.clock);  loop.run_for(2s);
///   auto result = loop.run(thing.ask());
class VirtualLoop {
 public:
  VirtualLoop() : clock(time, context) { time.add(context); }
  ~VirtualLoop() { time.remove(context); }

  asio::any_io_executor executor() { return context.get_executor(); }
  void run_for(Duration duration) { time.run_for(duration); }
  bool run_until(const std::function<bool()>& predicate,
                 Duration at_most = std::chrono::seconds(60)) {
    return time.run_until(predicate, time.now() + at_most);
  }
  /// Runs the world until the task ends and returns its value or throws what it threw.
  /// Throws runtime_error when it has not ended after `at_most` of virtual time.
  template <typename T>
  T run(asio::awaitable<T> task, Duration at_most = std::chrono::seconds(60));
  void run(asio::awaitable<void> task, Duration at_most = std::chrono::seconds(60));

  VirtualTime time;
  VirtualContext context;
  VirtualClock clock;
};

template <typename T>
T VirtualLoop::run(asio::awaitable<T> task, Duration at_most) {
  struct Outcome {
    bool ended = false;
    std::exception_ptr failure;
    std::optional<T> value;
  };
  auto outcome = std::make_shared<Outcome>();
  asio::co_spawn(context, std::move(task), [outcome](std::exception_ptr failure, T value) {
    outcome->ended = true;
    outcome->failure = failure;
    if (!failure) outcome->value.emplace(std::move(value));
  });
  if (!run_until([&outcome] { return outcome->ended; }, at_most)) {
    throw std::runtime_error("the task did not end in virtual time");
  }
  if (outcome->failure) std::rethrow_exception(outcome->failure);
  return std::move(*outcome->value);
}

}  // namespace dockherd::fakes
