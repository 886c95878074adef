// The same work for many items, a few at a time. Must not know what the work is.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/task_group.hpp"

namespace dockherd {

using IndexedTask = std::function<asio::awaitable<void>(std::size_t index)>;

namespace detail {

struct IndexedRun {
  IndexedRun(TaskGroup& tasks, std::size_t items, IndexedTask each)
      : count(items), task(std::move(each)), done(tasks.executor(), 1) {}

  std::size_t count;
  IndexedTask task;
  std::size_t next = 0;
  std::size_t ended = 0;
  asio::experimental::channel<void(boost::system::error_code)> done;
};

inline asio::awaitable<void> work_through(std::shared_ptr<IndexedRun> run) {
  while (run->next < run->count) {
    const std::size_t index = run->next++;
    co_await run->task(index);
    if (++run->ended == run->count) run->done.try_send(boost::system::error_code());
  }
}

}  // namespace detail

/// Runs `task(0)` … `task(count - 1)` in `tasks`, at most `window` at a time, and returns when all
/// have ended. When the caller is cancelled they go on: `task` must own what it touches. It must
/// not throw.
inline asio::awaitable<void> for_each_index(TaskGroup& tasks, std::string name, std::size_t count,
                                            std::size_t window, IndexedTask task) {
  if (count == 0) co_return;
  auto run = std::make_shared<detail::IndexedRun>(tasks, count, std::move(task));
  for (std::size_t i = 0; i < std::min(window, count); ++i) {
    tasks.spawn(name, detail::work_through(run));
  }
  co_await run->done.async_receive(asio::use_awaitable);
}

}  // namespace dockherd
