// One client's connection, as HTTP/1.0 and 1.1 (RFC 9112): requests in order, one at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "http_api/audit.hpp"
#include "http_api/authenticator.hpp"
#include "http_api/client_limits.hpp"
#include "http_api/cluster_api.hpp"
#include "http_api/connection.hpp"
#include "http_api/docker_api.hpp"
#include "http_api/head_reader.hpp"
#include "http_api/http_date.hpp"
#include "http_api/rarely_said.hpp"
#include "http_api/responses.hpp"
#include "http_api/routes.hpp"
#include "http_api/server_settings.hpp"

namespace dockherd::http_api {

/// What the sessions of one server share. Outlives them.
struct SessionContext {
  ClusterApi& cluster;
  DockerApi& docker;
  ExchangeContext& exchange;
  const Clock& clock;
  const ServerSettings& settings;
  HttpDate& date;
  Logger log;
  Authenticator* authenticator;  ///< Null: nobody is asked who he is.
  ClientLimits& limits;
  AuditLog& audit;
  RarelySaid said;  ///< Who does not speak as this port does.
};

/// Purpose: reads requests within the limits, has them answered, writes the answers.
/// Owner: the coroutine that the server spawned for the connection. The server also calls expire()
/// and begin_stop().
/// A client that goes away while its verb runs does not stop the verb: it is noticed at the write.
class Session {
 public:
  Session(Connection::Socket socket, SessionContext& context);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Until the client closes, breaks HTTP or is too slow, or begin_stop().
  asio::awaitable<void> run();
  /// Instead of run(): one connection too many.
  asio::awaitable<void> refuse();

  /// From the server's sweep: ends a wait whose deadline is before `now`, and looks after a client
  /// that waits long for its answer.
  void expire(TimePoint now);
  /// Ends the session at once between requests, else after the response under way.
  void begin_stop();

  /// Waits for a request: it may be closed, and the client asks again on a new connection.
  bool is_idle() const { return phase_ == Phase::idle && !stopping_; }
  const std::string& address() const { return address_; }

 private:
  using Head = http::request<PassingBody>;
  enum class Phase { idle, receiving, answering, lingering };
  enum class Received { head, nothing, too_slow, broken };

  // session_handshake.cpp
  asio::awaitable<bool> secure();
  asio::awaitable<bool> shake_hands();
  void note_tls();
  void note(std::string_view what, std::string_view why);

  asio::awaitable<bool> serve_one();
  asio::awaitable<bool> serve_own(std::shared_ptr<RequestBody> body, Caller caller);
  asio::awaitable<bool> serve_docker(std::shared_ptr<RequestBody> body, Caller caller);
  // session_access.cpp
  asio::awaitable<bool> serve_known(std::shared_ptr<RequestBody> body, Route route);
  Result<Caller> identify(const Head& head) const;
  std::optional<Response> refuse_caller(const Head& head, Route route,
                                        const Result<Caller>& caller);
  asio::awaitable<Received> receive_head();
  asio::awaitable<Response> answer(const Head& head, std::string body, Caller caller);
  asio::awaitable<bool> send(const Response& response, Persistence persistence, bool with_body);
  /// Without waiting, when the session has been cancelled.
  void say_now(const Response& response, bool with_body);
  asio::awaitable<void> send_last(const Response& response);
  Response response_to(const boost::system::error_code& fault) const;

  SessionContext& context_;
  std::shared_ptr<Connection> connection_;
  const std::string address_;              // Of the client, without its port.
  std::optional<HeadReader> head_reader_;  // Of the request under way.
  Exchange* exchange_ = nullptr;           // While one is being answered.
  boost::system::error_code fault_;        // Why Received::broken.
  std::string head_;                       // Reused, so that a response allocates nothing for it.
  Phase phase_ = Phase::idle;
  bool stopping_ = false;
};

}  // namespace dockherd::http_api
