#include "base/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <exception>

#include "base/cancellation.hpp"

namespace dockherd {

namespace {

std::string describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor, Logger log)
    : executor_(executor), log_(std::move(log)), idle_(executor) {
  idle_.expires_at(asio::steady_timer::time_point::max());
}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(std::string name, asio::awaitable<void> task) {
  if (closed_) return;
  const auto it = tasks_.emplace(tasks_.end());
  it->name = std::move(name);
  auto on_end = [this, it](const std::exception_ptr& failure) {
    if (failure && !is_cancellation(failure)) {
      log_->error("task failed task={} error={}", it->name, describe(failure));
    }
    tasks_.erase(it);
    if (tasks_.empty()) idle_.cancel();
  };
  asio::co_spawn(executor_, it->cancellation.guard(std::move(task)),
                 asio::bind_cancellation_slot(it->cancellation.slot(), std::move(on_end)));
}

void TaskGroup::cancel() {
  // A task may end, and so leave the list, while its signal is being emitted.
  for (auto it = tasks_.begin(); it != tasks_.end();) {
    const auto next = std::next(it);
    it->cancellation.emit();
    it = next;
  }
}

asio::awaitable<void> TaskGroup::close() {
  closed_ = true;
  cancel();
  co_await wait_idle();
}

asio::awaitable<void> TaskGroup::wait_idle() {
  while (!tasks_.empty()) {
    boost::system::error_code ignored;
    co_await idle_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    // Never co_await in the condition itself: g++ 12 lays such a coroutine's frame out wrongly.
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      throw boost::system::system_error(asio::error::operation_aborted);
    }
  }
}

}  // namespace dockherd
