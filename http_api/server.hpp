// The HTTP face: listens, and gives each connection a session.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <list>
#include <string>

#include "base/error.hpp"
#include "base/task_group.hpp"
#include "http_api/session.hpp"

namespace dockherd::http_api {

/// Who answers. All outlive the server.
struct Handlers {
  ClusterApi& cluster;
  DockerApi& docker;
  UpstreamPool& upstreams;                 ///< For requests that are passed on.
  Authenticator* authenticator = nullptr;  ///< Null: nobody is asked who he is.
  Logger audit = null_logger();            ///< For the record of what was done.
};

/// Purpose: accepts connections, bounds their number and ends those that are too slow.
/// Lifecycle: construct, start(), co_await stop(). The cluster and the clock outlive it.
/// One thread only.
class Server {
 public:
  Server(asio::any_io_executor executor, Clock& clock, Handlers handlers, ServerSettings settings,
         Logger log);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and listens; requests are answered once the io_context runs. Fails with bad_config and a
  /// sentence that names the address; may then be called again.
  Result<void> start();
  /// The same with a listener that is open already, for who must know its port before.
  void start(asio::ip::tcp::acceptor listener);

  /// "127.0.0.1:8080": where start() came to listen, with the port that the system chose for 0.
  const std::string& local_address() const { return local_address_; }

  /// Accepts no more and closes idle connections. Also the first thing that stop() does.
  void begin_stop();
  /// Lets requests under way be answered until `drain_deadline`, then cancels them (their clients
  /// get a 503). Call once.
  asio::awaitable<void> stop(TimePoint drain_deadline);

  std::size_t connections() const { return sessions_.size(); }

 private:
  asio::awaitable<void> accept_all();
  void admit(asio::ip::tcp::socket socket);
  bool make_room();
  asio::awaitable<void> run_session(asio::ip::tcp::socket socket, bool over_limit);
  asio::awaitable<void> sweep();

  Clock& clock_;
  const ServerSettings settings_;
  Logger log_;
  HttpDate date_;
  ClientLimits limits_;
  AuditLog audit_;
  TaskGroup side_tasks_;
  ExchangeContext exchange_context_;
  SessionContext context_;
  asio::ip::tcp::acceptor acceptor_;
  std::string local_address_;
  std::list<Session*> sessions_;  // Each owned by the frame of its run_session().
  TaskGroup session_tasks_;
  TaskGroup tasks_;
  bool sweeping_ = false;
  bool stopping_ = false;
};

}  // namespace dockherd::http_api
