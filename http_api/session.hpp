// One client's connection, as HTTP/1.0 and 1.1 (RFC 9112): requests in order, one at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "http_api/cluster_api.hpp"
#include "http_api/connection.hpp"
#include "http_api/http_date.hpp"
#include "http_api/responses.hpp"
#include "http_api/routes.hpp"
#include "http_api/server_settings.hpp"

namespace dockherd::http_api {

/// What the sessions of one server share. Outlives them.
struct SessionContext {
  ClusterApi& cluster;
  const Clock& clock;
  const ServerSettings& settings;
  HttpDate& date;
  Logger log;
};

/// Purpose: reads requests within the limits, has them answered, writes the answers.
/// Owner: the coroutine that the server spawned for the connection. The server also calls expire()
/// and begin_stop().
/// A client that goes away while its verb runs does not stop the verb: it is noticed at the write.
class Session {
 public:
  Session(asio::ip::tcp::socket socket, SessionContext& context);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Until the client closes, breaks HTTP or is too slow, or begin_stop().
  asio::awaitable<void> run();
  /// Instead of run(): one connection too many.
  asio::awaitable<void> refuse();

  /// Ends a wait whose deadline is before `now`.
  void expire(TimePoint now) { connection_.expire(now); }
  /// Ends the session at once between requests, else after the response under way.
  void begin_stop();

 private:
  using Request = http::request<http::string_body>;
  enum class Phase { idle, receiving, answering, lingering };
  enum class Received { request, nothing, too_slow, broken };

  asio::awaitable<bool> serve_one();
  asio::awaitable<Received> receive();
  bool parse_buffered(boost::system::error_code& fault);
  std::size_t give_parser(boost::system::error_code& fault);
  bool enter_next_phase();
  asio::awaitable<Response> answer(Request& request);
  asio::awaitable<bool> send(const Response& response, Persistence persistence, bool with_body);
  /// Without waiting, when the session has been cancelled.
  void say_now(const Response& response, bool with_body);
  asio::awaitable<void> send_last(const Response& response);
  Response response_to(const boost::system::error_code& fault) const;

  SessionContext& context_;
  Connection connection_;
  std::optional<http::request_parser<http::string_body>> parser_;  // Of the request under way.
  boost::system::error_code fault_;                                // Why Received::broken.
  std::string head_;              // Reused, so that a response allocates nothing for it.
  std::size_t header_bytes_ = 0;  // That the parser has taken, until the header is complete.
  Phase phase_ = Phase::idle;
  bool header_complete_ = false;
  bool stopping_ = false;
};

}  // namespace dockherd::http_api
