#include "http_api/server.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/with_deadline.hpp"
#include "http_api/listen_address.hpp"
#include "http_api/listener.hpp"

namespace dockherd::http_api {

namespace {

/// Connections over the bound that are told so; more than these are closed without a word.
constexpr std::size_t max_refusals = 64;
constexpr Duration accept_pause = std::chrono::milliseconds(100);

/// How often deadlines are looked at: an eighth of the shortest, so that none is late by more.
Duration sweep_period(const ServerSettings& settings) {
  const Duration shortest =
      std::min({settings.idle_timeout, settings.header_timeout, settings.body_timeout,
                settings.write_timeout, settings.longest_silence, settings.gone_grace,
                settings.linger_timeout});
  return std::clamp<Duration>(shortest / 8, std::chrono::milliseconds(5), std::chrono::seconds(1));
}

/// In `list` for as long as it lives.
class Listed {
 public:
  Listed(std::list<Session*>& list, Session& session)
      : list_(list), at_(list.insert(list.end(), &session)) {}
  ~Listed() { list_.erase(at_); }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

 private:
  std::list<Session*>& list_;
  std::list<Session*>::iterator at_;
};

/// Counted as a connection of its address for as long as it lives.
class Connected {
 public:
  Connected(ClientLimits& limits, std::string address)
      : limits_(limits), address_(std::move(address)) {
    limits_.connected(address_);
  }
  ~Connected() { limits_.disconnected(address_); }
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;

 private:
  ClientLimits& limits_;
  const std::string address_;
};

}  // namespace

Server::Server(asio::any_io_executor executor, Clock& clock, Handlers handlers,
               ServerSettings settings, Logger log)
    : clock_(clock),
      settings_(std::move(settings)),
      log_(log),
      date_(clock),
      limits_(settings_.limits),
      audit_(handlers.audit, clock),
      side_tasks_(executor, log),
      exchange_context_{clock, settings_, date_, handlers.upstreams, side_tasks_},
      context_{handlers.cluster,
               handlers.docker,
               exchange_context_,
               clock,
               settings_,
               date_,
               log,
               handlers.authenticator,
               limits_,
               audit_,
               {}},
      acceptor_(executor),
      session_tasks_(executor, log),
      tasks_(executor, log) {}

Result<void> Server::start() {
  auto listener = open_listener(acceptor_.get_executor(), settings_.address);
  if (!listener) return listener.error();
  start(*std::move(listener));
  return {};
}

void Server::start(asio::ip::tcp::acceptor listener) {
  acceptor_ = std::move(listener);
  local_address_ = format_address(acceptor_.local_endpoint());
  tasks_.spawn("http accept", accept_all());
}

asio::awaitable<void> Server::accept_all() {
  bool starved = false;
  for (;;) {
    boost::system::error_code failure;
    asio::ip::tcp::socket socket =
        co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
    if (!acceptor_.is_open() || failure == asio::error::operation_aborted) co_return;
    if (failure == asio::error::connection_aborted) continue;  // That client gave up waiting.
    if (failure) {
      // Out of descriptors or memory: the next try would fail at once again, so wait for sessions
      // to end. The client waits in the kernel's queue.
      if (!starved) log_->warn("cannot accept, trying again error={}", failure.message());
      starved = true;
      co_await clock_.sleep_until(clock_.now() + accept_pause);
      continue;
    }
    starved = false;
    admit(std::move(socket));
  }
}

/// Closes an idle connection of whoever has the most. False when none is idle.
bool Server::make_room() {
  Session* chosen = nullptr;
  std::size_t most = 0;
  for (Session* session : sessions_) {
    if (!session->is_idle()) continue;
    const std::size_t open = limits_.connections_of(session->address());
    if (open <= most) continue;
    most = open;
    chosen = session;
  }
  if (chosen == nullptr) return false;
  chosen->begin_stop();
  return true;
}

void Server::admit(asio::ip::tcp::socket socket) {
  const std::size_t open = session_tasks_.size();
  if (open >= settings_.max_connections + max_refusals) return;
  const bool over_limit = open >= settings_.max_connections && !make_room();
  session_tasks_.spawn("http session", run_session(std::move(socket), over_limit));
  if (!sweeping_) {
    sweeping_ = true;
    tasks_.spawn("http deadlines", sweep());
  }
}

asio::awaitable<void> Server::run_session(asio::ip::tcp::socket socket, bool over_limit) {
  Session session(Connection::without_delay(std::move(socket)), context_);
  const Listed listed(sessions_, session);
  const bool is_one_too_many = !settings_.for_agents && !limits_.may_connect(session.address());
  const Connected connected(limits_, session.address());
  if (stopping_) session.begin_stop();  // Was accepted, but not yet listed, when stop() came.
  if (over_limit || is_one_too_many) {
    co_await session.refuse();
  } else {
    co_await session.run();
  }
}

asio::awaitable<void> Server::sweep() {
  const Duration period = sweep_period(settings_);
  while (session_tasks_.size() > 0) {
    co_await clock_.sleep_until(clock_.now() + period);
    const TimePoint now = clock_.now();
    for (Session* session : sessions_) session->expire(now);
  }
  sweeping_ = false;
}

void Server::begin_stop() {
  if (std::exchange(stopping_, true)) return;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  for (Session* session : sessions_) session->begin_stop();
}

asio::awaitable<void> Server::stop(TimePoint drain_deadline) {
  begin_stop();
  co_await with_deadline(clock_, session_tasks_.wait_idle(), drain_deadline);
  co_await session_tasks_.close();
  co_await side_tasks_.close();
  co_await tasks_.close();
}

}  // namespace dockherd::http_api
