#include "docker_client/slots.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace dockherd::docker_client {

Slots::Slot Slots::try_acquire() {
  if (free_ == 0) return Slot();
  --free_;
  return Slot(*this);
}

asio::awaitable<Slots::Slot> Slots::acquire(TimePoint deadline) {
  if (free_ > 0) co_return try_acquire();
  if (waiters_.size() >= most_waiting_) co_return Slot();
  // Removed from the list however this coroutine ends; a slot that was handed over in the same
  // moment is passed on.
  struct Place {
    Slots& owner;
    std::list<Waiter>::iterator at;
    bool kept = false;
    ~Place() {
      const bool unused = at->served && !kept;
      owner.waiters_.erase(at);
      if (unused) owner.give_back();
    }
  };
  Place place{*this, waiters_.emplace(waiters_.end(), executor_, deadline)};
  const auto [woken] = co_await place.at->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!place.at->served) {
    if (woken) throw boost::system::system_error(asio::error::operation_aborted);
    co_return Slot();
  }
  place.kept = true;
  co_return Slot(*this);
}

void Slots::give_back() {
  const auto next = std::find_if(waiters_.begin(), waiters_.end(),
                                 [](const Waiter& waiter) { return !waiter.served; });
  if (next == waiters_.end()) {
    ++free_;
    return;
  }
  next->served = true;
  next->timer.cancel();
}

}  // namespace dockherd::docker_client
