#include "http_api/session.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include "http_api/browser_guard.hpp"
#include "http_api/verb_handlers.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::size_t header_read_bytes = 4u << 10;
constexpr std::size_t body_read_bytes = 64u << 10;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// RFC 9110, 10.1.1: only a 1.1 client that has not begun to send its body waits for the go-ahead.
bool awaits_go_ahead(const http::request<http::string_body>& request) {
  return request.version() >= 11 &&
         boost::beast::iequals(request[http::field::expect], "100-continue");
}

Persistence persistence_of(const http::request<http::string_body>& request, bool stopping) {
  if (stopping || !request.keep_alive()) return Persistence::close;
  return request.version() >= 11 ? Persistence::keep_silently : Persistence::keep_said;
}

/// RFC 9112, 6.1 and 6.3: what ends a body of any other coding cannot be known, so neither where
/// the next request begins. The parser takes such a body for an empty one.
bool framing_is_known(const http::request<http::string_body>& request) {
  const auto codings = request.count(http::field::transfer_encoding);
  if (codings == 0) return true;
  return codings == 1 && request.version() >= 11 &&
         boost::beast::iequals(request[http::field::transfer_encoding], "chunked");
}

}  // namespace

Session::Session(asio::ip::tcp::socket socket, SessionContext& context)
    : context_(context), connection_(std::move(socket), context.clock) {}

void Session::begin_stop() {
  stopping_ = true;
  if (phase_ == Phase::idle || phase_ == Phase::lingering) connection_.interrupt();
}

asio::awaitable<void> Session::run() {
  bool open = true;
  while (open && !stopping_) open = co_await serve_one();
}

asio::awaitable<void> Session::refuse() {
  const Response response = too_many_connections_response();
  co_await send_last(response);
}

asio::awaitable<bool> Session::serve_one() {
  const Received received = co_await receive();
  if (received == Received::nothing) co_return false;
  phase_ = Phase::answering;
  if (received != Received::request) {
    const Response response =
        received == Received::too_slow
            ? Response(http_error_reply(408, "the request did not arrive in time"))
            : response_to(fault_);
    co_await send_last(response);
    co_return false;
  }
  Request request = parser_->release();
  const Response response = co_await answer(request);
  const bool with_body = request.method() != http::verb::head;
  // A verb may end with an answer although it was cancelled. From then on nothing can be waited
  // for, not even the start of send().
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) {
    say_now(response, with_body);
    co_return false;
  }
  const Persistence persistence = persistence_of(request, stopping_);
  const bool sent = co_await send(response, persistence, with_body);
  co_return sent&& persistence != Persistence::close;
}

asio::awaitable<Session::Received> Session::receive() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(static_cast<std::uint32_t>(context_.settings.max_header_bytes));
  parser_->body_limit(context_.settings.max_body_bytes);
  header_complete_ = false;
  header_bytes_ = 0;
  phase_ = Phase::idle;
  connection_.arm(context_.settings.idle_timeout);
  for (;;) {
    fault_ = {};
    if (parse_buffered(fault_)) co_return fault_ ? Received::broken : Received::request;
    if (enter_next_phase() && awaits_go_ahead(parser_->get())) {
      const bool told = co_await connection_.write("HTTP/1.1 100 Continue\r\n\r\n", "",
                                                   context_.settings.write_timeout);
      if (!told) co_return Received::nothing;
    }
    const auto end =
        co_await connection_.read_some(header_complete_ ? body_read_bytes : header_read_bytes);
    if (end == Connection::ReadEnd::some) continue;
    if (phase_ == Phase::idle) co_return Received::nothing;
    fault_ = http::error::partial_message;
    co_return end == Connection::ReadEnd::timed_out ? Received::too_slow : Received::broken;
  }
}

/// Gives the parser what has been read. True when the request is complete or `fault` is set.
bool Session::parse_buffered(boost::system::error_code& fault) {
  auto& buffer = connection_.buffer();
  // RFC 9112, 2.2: empty lines before a request are ignored.
  while (!parser_->got_some() && buffer.size() >= 2 &&
         std::string_view(static_cast<const char*>(buffer.data().data()), 2) == "\r\n") {
    buffer.consume(2);
  }
  while (buffer.size() > 0 && !fault) {
    buffer.consume(give_parser(fault));
    if (!fault && parser_->is_done()) return true;
  }
  if (fault == http::error::need_more) {
    fault = {};
    // What the parser takes whole (a field, a chunk line, the trailer) may not grow without bound
    // either.
    const std::size_t taken = parser_->is_header_done() ? 0 : header_bytes_;
    if (taken + buffer.size() > context_.settings.max_header_bytes) {
      fault = http::error::header_limit;
    }
  }
  return static_cast<bool>(fault);
}

/// Gives the parser what it may have of the buffer; returns how much of it was used. The parser
/// forgets each field that it has taken, so its own limit holds for one field only.
std::size_t Session::give_parser(boost::system::error_code& fault) {
  const auto all = connection_.buffer().data();
  if (parser_->is_header_done()) return parser_->put(all, fault);
  const auto allowed = asio::buffer(all, context_.settings.max_header_bytes - header_bytes_);
  const std::size_t used = parser_->put(allowed, fault);
  header_bytes_ += used;
  if (!parser_->is_header_done()) return used;
  if (fault == http::error::need_more) fault = {};  // The buffer may have more of the body.
  if (!framing_is_known(parser_->get())) fault = http::error::bad_transfer_encoding;
  return used;
}

/// More bytes are needed: which deadline holds for them? True when a body that has not begun to
/// arrive is waited for from now on.
bool Session::enter_next_phase() {
  if (phase_ == Phase::idle && (parser_->got_some() || connection_.buffer().size() > 0)) {
    phase_ = Phase::receiving;
    connection_.arm(context_.settings.header_timeout);
  }
  if (header_complete_ || !parser_->is_header_done()) return false;
  phase_ = Phase::receiving;
  header_complete_ = true;
  connection_.arm(context_.settings.body_timeout);
  return connection_.buffer().size() == 0 && parser_->get().body().empty();
}

asio::awaitable<Response> Session::answer(Request& request) {
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) {
    co_return Response(http_error_reply(400, "a request needs exactly one Host header"));
  }
  if (!is_trusted_origin(view(request[http::field::origin]), view(request[http::field::host]))) {
    co_return Response(
        http_error_reply(403, "a web page of another origin may not use this agent"));
  }
  const std::string_view path = path_of(view(request.target()));
  switch (find_route(request.method(), view(request.target()))) {
    case Route::run_verb:
      try {
        co_return co_await run_verb(context_.cluster, std::move(request.body()), context_.log);
      } catch (const boost::system::system_error&) {  // Cancelled: stopping, out of time.
        co_return Response(error_reply(
            Error(errc::canceled, "the agent stops; what the request began may have been done")));
      }
    case Route::greeting:
      co_return Response(200, text_type, context_.cluster.greeting());
    case Route::wrong_method:
      co_return wrong_method_response(view(request.method_string()), path);
    case Route::unknown_path:
      break;
  }
  co_return unknown_path_response(view(request.method_string()), path);
}

asio::awaitable<bool> Session::send(const Response& response, Persistence persistence,
                                    bool with_body) {
  render_head(head_, response, context_.settings.product, context_.date.now(), persistence);
  const std::string_view body = with_body ? std::string_view(response.body) : std::string_view();
  co_return co_await connection_.write(head_, body, context_.settings.write_timeout);
}

void Session::say_now(const Response& response, bool with_body) {
  render_head(head_, response, context_.settings.product, context_.date.now(), Persistence::close);
  connection_.write_now(with_body ? head_ + response.body : head_);
}

asio::awaitable<void> Session::send_last(const Response& response) {
  const bool sent = co_await send(response, Persistence::close, true);
  if (!sent || stopping_) co_return;
  phase_ = Phase::lingering;
  co_await connection_.linger(context_.settings.linger_timeout);
}

Response Session::response_to(const boost::system::error_code& fault) const {
  if (fault == http::error::header_limit) {
    return Response(http_error_reply(431, "the request header is over the limit of " +
                                              std::to_string(context_.settings.max_header_bytes) +
                                              " bytes"));
  }
  if (fault == http::error::body_limit) {
    return Response(error_reply(
        Error(errc::too_large, "the request body is over the limit of " +
                                   std::to_string(context_.settings.max_body_bytes) + " bytes")));
  }
  return Response(http_error_reply(400, "not a valid HTTP/1.1 request: " + fault.message()));
}

}  // namespace dockherd::http_api
