// The cancellation of a spawned coroutine, at any moment of its life. Must not know what it does.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

namespace dockherd {

namespace asio = boost::asio;

/// Purpose: a cancellation_signal without two traps of Asio 1.81, which lets an exception out of
/// io_context::run() when a coroutine is cancelled before it has begun, and when it ends cancelled
/// without ever having been suspended.
/// Use: spawn what guard() returns, with slot() bound to its completion. Outlives the coroutine.
/// One thread only.
class TaskCancellation {
 public:
  TaskCancellation() = default;
  TaskCancellation(const TaskCancellation&) = delete;
  TaskCancellation& operator=(const TaskCancellation&) = delete;

  asio::cancellation_slot slot() { return signal_.slot(); }

  /// Ends the task as soon as it can be; one that has not begun never does.
  void emit();

  bool emitted() const { return asked_; }

  /// Runs the task. Throws what it throws, and operation_aborted in its place when it was cancelled
  /// before it began.
  asio::awaitable<void> guard(asio::awaitable<void> task);

 private:
  asio::cancellation_signal signal_;
  bool asked_ = false;
  bool begun_ = false;
};

}  // namespace dockherd
