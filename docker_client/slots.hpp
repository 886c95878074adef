// A bound on how much happens at once. No I/O.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <list>
#include <utility>

#include "base/clock.hpp"

namespace dockherd::docker_client {

/// Purpose: hands out a fixed number of slots, first come first served. Whoever would have to wait
/// behind too many is told so at once, while he can still go elsewhere.
/// Lifecycle: outlives every Slot and everybody who waits for one. One thread only.
class Slots {
 public:
  /// Gives its slot back at its end.
  class Slot {
   public:
    Slot() = default;
    explicit Slot(Slots& owner) : owner_(&owner) {}
    Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(owner_, other.owner_);
      return *this;
    }
    ~Slot() {
      if (owner_ != nullptr) owner_->give_back();
    }
    explicit operator bool() const { return owner_ != nullptr; }

   private:
    Slots* owner_ = nullptr;
  };

  Slots(asio::any_io_executor executor, std::size_t count, std::size_t most_waiting)
      : executor_(std::move(executor)), free_(count), most_waiting_(most_waiting) {}

  /// A slot, or an empty one: at once when too many wait already, else when `deadline` came first.
  /// Throws operation_aborted when cancelled.
  asio::awaitable<Slot> acquire(TimePoint deadline);
  /// A slot when one is free and nobody waits.
  Slot try_acquire();

 private:
  struct Waiter {
    Waiter(const asio::any_io_executor& executor, TimePoint deadline) : timer(executor, deadline) {}
    asio::steady_timer timer;
    bool served = false;
  };
  void give_back();

  asio::any_io_executor executor_;
  std::size_t free_;
  std::size_t most_waiting_;
  std::list<Waiter> waiters_;
};

}  // namespace dockherd::docker_client
