// Runs the handler for incoming requests, each as a task of its own, and keeps their deadlines.
// Must not know where requests come from or how replies leave.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/task_cancellation.hpp"
#include "bus/event_bus.hpp"

namespace dockherd::bus {

/// Purpose: owns the tasks that serve requests; at most limits::bus_pending_requests at once.
/// Each request is answered exactly once: by its handler, with 504 at its deadline (the handler is
/// then cancelled), with 503 when there are too many, with 500 when the handler throws. After
/// close() nothing is answered.
/// A timer for each would cost more than all else here: the owner calls tick() at next_deadline().
/// Owner: EventBus. One thread only.
class RequestServer {
 public:
  using Respond = std::function<void(Reply)>;

  RequestServer(asio::any_io_executor executor, Logger log);

  void serve_with(RequestHandler handler) { handler_ = std::move(handler); }
  void serve(IncomingRequest request, Respond respond);
  void tick(TimePoint now);
  TimePoint next_deadline() const;
  /// Cancels all and returns when the last has ended.
  asio::awaitable<void> close();

  std::size_t size() const { return tasks_.size(); }

 private:
  struct Task {
    NodeId from;
    Respond respond;  ///< Empty once answered.
    TimePoint deadline;
    TaskCancellation cancellation;
  };

  asio::awaitable<void> run(std::uint64_t ticket, IncomingRequest request);
  void answer(std::uint64_t ticket, Reply reply);
  void on_end(std::uint64_t ticket, const std::exception_ptr& failure);

  asio::any_io_executor executor_;
  Logger log_;
  RequestHandler handler_;
  std::map<std::uint64_t, Task> tasks_;
  std::map<NodeId, std::size_t> by_peer_;  // How many of them are whose.
  std::set<std::pair<TimePoint, std::uint64_t>> deadlines_;
  std::uint64_t next_ticket_ = 1;
  asio::steady_timer idle_;  // Expires never; cancelled whenever the last task ends.
  bool closed_ = false;
};

}  // namespace dockherd::bus
