#include "bus/request_server.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/cancellation.hpp"
#include "base/limits.hpp"
#include "bus/envelope.hpp"

namespace dockherd::bus {

namespace {

Reply failure_reply(int status, errc code, const std::string& text) {
  return {status, error_body(Error(code, text))};
}

/// Empty for a cancellation: that is no fault of the handler.
std::string describe_fault(const std::exception_ptr& failure) {
  if (is_cancellation(failure)) return {};
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace

RequestServer::RequestServer(asio::any_io_executor executor, Logger log)
    : executor_(executor), log_(std::move(log)), idle_(executor) {
  idle_.expires_at(asio::steady_timer::time_point::max());
}

void RequestServer::serve(IncomingRequest request, Respond respond) {
  if (closed_) return;
  const auto own = by_peer_.find(request.from);
  const bool over_share = own != by_peer_.end() && own->second >= limits::bus_requests_per_peer;
  if (!handler_ || over_share || tasks_.size() >= limits::bus_pending_requests) {
    return respond(failure_reply(503, errc::busy, "this node takes no more requests now"));
  }
  const std::uint64_t ticket = next_ticket_++;
  Task& task = tasks_[ticket];
  task.from = request.from;
  ++by_peer_[task.from];
  task.respond = std::move(respond);
  task.deadline = request.deadline;
  deadlines_.emplace(task.deadline, ticket);
  auto end = [this, ticket](const std::exception_ptr& failure) { on_end(ticket, failure); };
  asio::co_spawn(executor_, task.cancellation.guard(run(ticket, std::move(request))),
                 asio::bind_cancellation_slot(task.cancellation.slot(), std::move(end)));
}

asio::awaitable<void> RequestServer::run(std::uint64_t ticket, IncomingRequest request) {
  Reply reply = co_await handler_(std::move(request));
  answer(ticket, std::move(reply));
}

void RequestServer::answer(std::uint64_t ticket, Reply reply) {
  const auto it = tasks_.find(ticket);
  if (closed_ || it == tasks_.end() || !it->second.respond) return;
  deadlines_.erase({it->second.deadline, ticket});
  const Respond respond = std::exchange(it->second.respond, nullptr);
  respond(std::move(reply));
}

void RequestServer::on_end(std::uint64_t ticket, const std::exception_ptr& failure) {
  const std::string fault = failure ? describe_fault(failure) : std::string();
  if (!fault.empty()) log_->error("request handler failed error={}", fault);
  if (failure) {
    answer(ticket, failure_reply(500, errc::internal, "the request failed inside this node"));
  }
  const auto it = tasks_.find(ticket);
  const auto own = by_peer_.find(it->second.from);
  if (--own->second == 0) by_peer_.erase(own);
  tasks_.erase(it);
  if (tasks_.empty()) idle_.cancel();
}

void RequestServer::tick(TimePoint now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const std::uint64_t ticket = deadlines_.begin()->second;
    // Answering takes its deadline off the list.
    answer(ticket, failure_reply(504, errc::timeout, "the deadline passed before an answer"));
    const auto it = tasks_.find(ticket);
    if (it != tasks_.end()) it->second.cancellation.emit();
  }
}

TimePoint RequestServer::next_deadline() const {
  return deadlines_.empty() ? TimePoint::max() : deadlines_.begin()->first;
}

asio::awaitable<void> RequestServer::close() {
  closed_ = true;
  deadlines_.clear();
  for (auto it = tasks_.begin(); it != tasks_.end();) {
    const auto task = it++;  // It may end, and so leave the map, while its signal is emitted.
    task->second.cancellation.emit();
  }
  while (!tasks_.empty()) {
    boost::system::error_code ignored;
    co_await idle_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace dockherd::bus
