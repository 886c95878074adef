// The owner of coroutines: none runs without one, and none fails unseen.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <string>

#include "base/log.hpp"
#include "base/task_cancellation.hpp"

namespace dockherd {

namespace asio = boost::asio;

/// Purpose: owns every coroutine that is not awaited by another. Names them, logs one that ends
/// with an exception other than cancellation, and can cancel and wait for all.
/// Lifecycle: spawn() until close(); close() must have returned before destruction unless the
/// io_context has already been destroyed or will never run again.
/// One thread only.
class TaskGroup {
 public:
  TaskGroup(asio::any_io_executor executor, Logger log);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task` at the next turn of the executor. After close() it is dropped unstarted.
  /// Never pass the call of a capturing lambda: its captures die before the coroutine runs.
  void spawn(std::string name, asio::awaitable<void> task);

  /// Cancels all tasks (terminal) and returns when the last has ended. May be called again.
  asio::awaitable<void> close();

  /// Returns when no task is left, without cancelling; new ones may still be spawned meanwhile.
  asio::awaitable<void> wait_idle();

  /// Cancels all tasks without waiting.
  void cancel();

  std::size_t size() const { return tasks_.size(); }
  bool closed() const { return closed_; }
  const asio::any_io_executor& executor() const { return executor_; }

 private:
  struct Task {
    std::string name;
    TaskCancellation cancellation;
  };

  asio::any_io_executor executor_;
  Logger log_;
  std::list<Task> tasks_;
  asio::steady_timer idle_;  // Expires never; cancelled whenever the last task ends.
  bool closed_ = false;
};

}  // namespace dockherd
