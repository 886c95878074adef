#include "tests/fakes/virtual_clock.hpp"

#include <time.h>

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace dockherd::fakes {

namespace {

std::chrono::nanoseconds cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

VirtualTime::EventId VirtualTime::at(TimePoint when, std::function<void()> action,
                                     Touches touches) {
  const EventId id = next_id_++;
  const TimePoint time = std::max(when, now_);
  events_.emplace(std::pair(time, id), Event{std::move(action), touches});
  times_.emplace(id, time);
  return id;
}

VirtualTime::EventId VirtualTime::after(Duration delay, std::function<void()> action,
                                        Touches touches) {
  return at(now_ + delay, std::move(action), touches);
}

void VirtualTime::cancel(EventId id) {
  const auto found = times_.find(id);
  if (found == times_.end()) return;
  events_.erase(std::pair(found->second, id));
  times_.erase(found);
}

void VirtualTime::add(asio::io_context& context) {
  processes_.emplace(&context, Process{});
  order_.push_back(&context);
  touch(context);
}

void VirtualTime::remove(asio::io_context& context) {
  processes_.erase(&context);
  std::erase(order_, &context);
  std::erase(ready_, &context);
}

void VirtualTime::set_frozen(asio::io_context& context, bool frozen) {
  const auto found = processes_.find(&context);
  if (found == processes_.end()) return;
  found->second.frozen = frozen;
  found->second.touched = false;
  std::erase(ready_, &context);
  if (!frozen) touch(context);
}

void VirtualTime::touch(asio::io_context& context) {
  const auto found = processes_.find(&context);
  if (found == processes_.end() || found->second.touched || found->second.frozen) return;
  found->second.touched = true;
  ready_.push_back(&context);
}

void VirtualTime::touch_all() {
  for (asio::io_context* context : order_) touch(*context);
}

void VirtualTime::meter(asio::io_context& context) {
  processes_.at(&context).metered = true;
}

void VirtualTime::take_turn(asio::io_context& context) {
  context.restart();
  context.poll();  // Until nothing is left, what it adds itself included; each call is a syscall.
}

void VirtualTime::settle() {
  // A context may be touched, added or removed while another one runs.
  while (!ready_.empty()) {
    asio::io_context* context = ready_.front();
    ready_.pop_front();
    Process& process = processes_.find(context)->second;
    process.touched = false;
    if (!process.metered) {
      take_turn(*context);
      continue;
    }
    const auto begun = cpu_time();
    take_turn(*context);
    metered_ += cpu_time() - begun;
  }
}

bool VirtualTime::step(TimePoint limit) {
  settle();
  if (events_.empty() || events_.begin()->first.first > limit) return false;
  now_ = events_.begin()->first.first;
  // Events that these add for the same time wait for the next step, after the contexts have run.
  const EventId newest = next_id_;
  while (!events_.empty()) {
    const auto first = events_.begin();
    if (first->first.first != now_ || first->first.second >= newest) break;
    times_.erase(first->first.second);
    const Event event = std::move(first->second);
    events_.erase(first);
    event.action();
    if (event.touches == Touches::all) touch_all();
  }
  settle();
  return true;
}

bool VirtualTime::run_until(const std::function<bool()>& predicate, TimePoint limit) {
  touch_all();
  settle();
  while (!predicate()) {
    if (step(limit)) continue;
    now_ = std::max(now_, limit);
    return predicate();
  }
  return true;
}

void VirtualTime::run_until(TimePoint when) {
  run_until([] { return false; }, when);
}

WallTime VirtualClock::wall_now() const {
  // 2026-01-01T00:00:00Z.
  return WallTime{std::chrono::seconds(1'767'225'600)} +
         std::chrono::duration_cast<WallTime::duration>(time_.elapsed());
}

template <typename T>
struct VirtualClock::HandlerOf final : Handler {
  explicit HandlerOf(T original) : handler(std::move(original)) {}
  void complete(boost::system::error_code result) override { std::move(handler)(result); }
  T handler;
};

asio::awaitable<void> VirtualClock::sleep_until(TimePoint when) {
  auto initiate = [this, when](auto handler) {
    const auto slot = asio::get_associated_cancellation_slot(handler);
    using Erased = HandlerOf<decltype(handler)>;
    begin(when, std::make_unique<Erased>(std::move(handler)), slot);
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(boost::system::error_code)>(
      std::move(initiate), asio::use_awaitable);
}

void VirtualClock::begin(TimePoint when, std::unique_ptr<Handler> handler,
                         asio::cancellation_slot slot) {
  const std::uint64_t id = next_id_++;
  if (slot.is_connected()) {
    slot.assign(
        [this, id](asio::cancellation_type) { finish(id, asio::error::operation_aborted); });
  }
  Sleeper& sleeper = sleepers_[id];
  sleeper.handler = std::move(handler);
  sleeper.slot = slot;
  sleeper.event = time_.at(
      when,
      [this, id] {
        finish(id, {});
        time_.touch(context_);
      },
      VirtualTime::Touches::none);
}

void VirtualClock::finish(std::uint64_t id, boost::system::error_code result) {
  auto node = sleepers_.extract(id);
  if (node.empty()) return;
  time_.cancel(node.mapped().event);
  // On the way of cancellation the slot's function is the one that runs now: it stays.
  if (node.mapped().slot.is_connected() && !result) node.mapped().slot.clear();
  auto resume = [handler = std::move(node.mapped().handler), result]() mutable {
    const auto running = std::move(handler);
    running->complete(result);
  };
  asio::post(context_, std::move(resume));
}

void VirtualClock::forget_sleepers() {
  // Destroying a coroutine may destroy others, and so start nothing but end several.
  while (!sleepers_.empty()) {
    auto node = sleepers_.extract(sleepers_.begin());
    time_.cancel(node.mapped().event);
  }
}

void VirtualLoop::run(asio::awaitable<void> task, Duration at_most) {
  struct Outcome {
    bool ended = false;
    std::exception_ptr failure;
  };
  auto outcome = std::make_shared<Outcome>();
  asio::co_spawn(context, std::move(task), [outcome](std::exception_ptr failure) {
    outcome->ended = true;
    outcome->failure = std::move(failure);
  });
  if (!run_until([&outcome] { return outcome->ended; }, at_most)) {
    throw std::runtime_error("the task did not end in virtual time");
  }
  if (outcome->failure) std::rethrow_exception(outcome->failure);
}

}  // namespace dockherd::fakes
