#include "base/task_cancellation.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <utility>

namespace dockherd {

void TaskCancellation::emit() {
  asked_ = true;
  if (begun_) signal_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> TaskCancellation::guard(asio::awaitable<void> task) {
  begun_ = true;
  if (asked_) throw boost::system::system_error(asio::error::operation_aborted);
  std::exception_ptr failure;
  try {
    co_await std::move(task);
  } catch (...) {
    failure = std::current_exception();
  }
  // What comes after the end must not be cancelled, too.
  co_await asio::this_coro::reset_cancellation_state();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace dockherd
