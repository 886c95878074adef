// A wait with an end. Must not know what is waited for.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <optional>
#include <utility>
#include <variant>

#include "base/cancellation.hpp"
#include "base/clock.hpp"

namespace dockherd {

namespace detail {

/// co_spawn needs a default-constructible result.
template <typename T>
asio::awaitable<std::optional<T>> as_optional(asio::awaitable<T> task) {
  co_return std::optional<T>(co_await std::move(task));
}

inline asio::awaitable<std::optional<std::monostate>> as_optional(asio::awaitable<void> task) {
  co_await std::move(task);
  co_return std::optional<std::monostate>(std::monostate());
}

/// Not the awaitable operator ||: that waits on when the task throws, hides what was thrown, and
/// throws an exception of its own kind when the caller is cancelled.
template <typename T>
asio::awaitable<std::optional<T>> race(Clock& clock, asio::awaitable<std::optional<T>> task,
                                       TimePoint deadline) {
  const auto executor = co_await asio::this_coro::executor;
  auto [order, task_failure, value, clock_failure] =
      co_await asio::experimental::make_parallel_group(
          asio::co_spawn(executor, std::move(task), asio::deferred),
          asio::co_spawn(executor, clock.sleep_until(deadline), asio::deferred))
          .async_wait(asio::experimental::wait_for_one(), asio::deferred);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
  const bool too_late = order[0] == 1;
  if (task_failure && !(too_late && is_cancellation(task_failure))) {
    std::rethrow_exception(task_failure);
  }
  if (!too_late) co_return std::move(value);
  if (clock_failure) std::rethrow_exception(clock_failure);
  co_return std::nullopt;
}

}  // namespace detail

/// The task's value, or nothing when `deadline` came first; the task is then cancelled and waited
/// for, so it must react to cancellation. What the task throws is thrown on, except its being
/// cancelled here. Throws operation_aborted when the caller is cancelled. `clock` outlives the
/// call.
template <typename T>
asio::awaitable<std::optional<T>> with_deadline(Clock& clock, asio::awaitable<T> task,
                                                TimePoint deadline) {
  return detail::race(clock, detail::as_optional(std::move(task)), deadline);
}

/// As above for a task without a value: true when it ended in time.
inline asio::awaitable<bool> with_deadline(Clock& clock, asio::awaitable<void> task,
                                           TimePoint deadline) {
  const auto ended = co_await detail::race(clock, detail::as_optional(std::move(task)), deadline);
  co_return ended.has_value();
}

}  // namespace dockherd
