// Port: time. Everything that waits does it here, so that a simulation can own time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

namespace dockherd {

namespace asio = boost::asio;

using Duration = std::chrono::steady_clock::duration;
using TimePoint = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;

  /// Monotonic; the origin means nothing. Deadlines are points on this clock.
  virtual TimePoint now() const = 0;
  /// Calendar time, for people and for Docker's `since`.
  virtual WallTime wall_now() const = 0;
  /// Returns at `when` or later; at once if that is past. Throws operation_aborted when cancelled.
  virtual asio::awaitable<void> sleep_until(TimePoint when) = 0;
};

/// The machine's own clocks.
class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall_now() const override { return std::chrono::system_clock::now(); }
  asio::awaitable<void> sleep_until(TimePoint when) override;
};

/// Whole milliseconds from `from` until `until`, never negative.
inline std::chrono::milliseconds milliseconds_until(TimePoint from, TimePoint until) {
  if (until <= from) return std::chrono::milliseconds(0);
  return std::chrono::duration_cast<std::chrono::milliseconds>(until - from);
}

}  // namespace dockherd
