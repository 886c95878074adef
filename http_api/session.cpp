#include "http_api/session.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/http/error.hpp>

#include "base/cancellation.hpp"
#include "http_api/message_head.hpp"
#include "http_api/verb_handlers.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::size_t header_read_bytes = 16u << 10;

Persistence persistence_of(const http::request<PassingBody>& request, bool stopping) {
  if (stopping || !request.keep_alive()) return Persistence::close;
  return request.version() >= 11 ? Persistence::keep_silently : Persistence::keep_said;
}

/// In Docker's form.
VerbReply stopping_reply() {
  return {503, "{\"message\":\"the agent stops; what the request began may have been done\"}\n"};
}

/// `exchange` is the session's while it lives.
class Answering {
 public:
  Answering(Exchange*& place, Exchange& exchange) : place_(place) { place_ = &exchange; }
  ~Answering() { place_ = nullptr; }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

 private:
  Exchange*& place_;
};

/// Writes the record of one call of Docker's API: as soon as its answer begins, for an attach or a
/// pull may go on for long; or at its end, when there was none. What another agent passes on has
/// been recorded there.
class DockerAudit {
 public:
  DockerAudit(AuditLog& log, Exchange& exchange) : log_(log), exchange_(exchange) {
    exchange.on_answer([this](int status) { note(status); });
  }
  ~DockerAudit() {
    exchange_.on_answer(nullptr);
    if (exchange_.unanswered()) note(0);
  }
  DockerAudit(const DockerAudit&) = delete;
  DockerAudit& operator=(const DockerAudit&) = delete;

 private:
  void note(int status) {
    const Caller& caller = exchange_.caller();
    if (caller.by_agent && !exchange_.header("X-Dockherd-Node").empty()) return;
    const std::string_view path = path_of(exchange_.target());
    AuditEntry entry;
    entry.action = std::string(exchange_.method()) + " " + std::string(path);
    entry.container = exchange_.subject().container;
    entry.node = exchange_.subject().node;
    entry.status = status;
    log_.note(caller, entry, is_change(exchange_.method(), path));
  }

  AuditLog& log_;
  Exchange& exchange_;
};

asio::awaitable<Response> run_audited(SessionContext& context, std::string body, Caller caller) {
  std::string request = body;
  Response response = co_await run_verb(context.cluster, std::move(request), caller, context.log);
  const VerbAudit audit = verb_audit(body, response.status, response.body);
  context.audit.note(caller, audit.entry, audit.changes);
  co_return response;
}

}  // namespace

Session::Session(Connection::Socket socket, SessionContext& context)
    : context_(context),
      connection_(std::make_shared<Connection>(std::move(socket), context.clock)),
      address_(without_port(connection_->remote_address())) {}

void Session::expire(TimePoint now) {
  connection_->expire(now, context_.settings.longest_silence);
  if (exchange_ != nullptr) exchange_->look_after_client(now);
}

void Session::begin_stop() {
  stopping_ = true;
  if (exchange_ != nullptr) exchange_->begin_stop();
  if (phase_ == Phase::idle || phase_ == Phase::lingering) connection_->interrupt();
}

asio::awaitable<void> Session::run() {
  bool open = co_await secure();
  while (open && !stopping_) open = co_await serve_one();
  // Without it a client could not tell the end of an answer that only the end ends.
  if (context_.settings.tls && connection_->is_open()) connection_->shut_send();
}

asio::awaitable<void> Session::refuse() {
  const bool secured = co_await secure();
  if (!secured) co_return;
  const Response response = too_many_connections_response();
  co_await send_last(response);
}

asio::awaitable<bool> Session::serve_one() {
  const Received received = co_await receive_head();
  if (received == Received::nothing) co_return false;
  if (received != Received::head) {
    phase_ = Phase::answering;
    if (received == Received::too_slow) fault_ = asio::error::timed_out;
    if (received == Received::broken) note_tls();
    const Response response = response_to(fault_);
    co_await send_last(response);
    co_return false;
  }
  const auto body = std::make_shared<RequestBody>(connection_, head_reader_->take());
  const Route route = find_route(body->head().method(), as_view(body->head().target()));
  co_return co_await serve_known(body, route);
}

asio::awaitable<bool> Session::serve_own(std::shared_ptr<RequestBody> body, Caller caller) {
  std::string text;
  const Head& head = body->head();
  fault_ = co_await body->read_whole(text, context_.settings.max_body_bytes,
                                     context_.settings.body_timeout);
  phase_ = Phase::answering;
  if (fault_) {
    const Response refusal = response_to(fault_);
    co_await send_last(refusal);
    co_return false;
  }
  const Response response = co_await answer(head, std::move(text), std::move(caller));
  const bool with_body = head.method() != http::verb::head;
  // A verb may end with an answer although it was cancelled. From then on nothing can be waited
  // for, not even the start of send().
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) {
    say_now(response, with_body);
    co_return false;
  }
  const Persistence persistence = persistence_of(head, stopping_);
  const bool sent = co_await send(response, persistence, with_body);
  co_return sent&& persistence != Persistence::close;
}

asio::awaitable<bool> Session::serve_docker(std::shared_ptr<RequestBody> body, Caller caller) {
  phase_ = Phase::answering;
  if (const auto refusal = why_refused(body->head())) {
    const Response response(*refusal);
    co_await send_last(response);
    co_return false;
  }
  // Here nothing has been begun yet; what arrives later is judged when it is read.
  if (body->malformed()) {
    const Response response(malformed_body_reply());
    co_await send_last(response);
    co_return false;
  }
  Exchange exchange(context_.exchange, connection_, body, std::move(caller));
  const DockerAudit audit(context_.audit, exchange);
  if (stopping_) exchange.begin_stop();
  {
    const Answering answering(exchange_, exchange);
    try {
      co_await context_.docker.serve(exchange);
    } catch (const boost::system::system_error& error) {
      if (!is_cancellation(error.code())) throw;
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      // Stopping, out of time; nothing can be waited for.
      if (exchange.unanswered()) say_now(Response(stopping_reply()), exchange.method() != "HEAD");
      co_return false;
    }
    co_await exchange.stop_watching();
  }
  if (exchange.may_continue()) co_return true;
  if (exchange.must_linger() && !stopping_) {
    phase_ = Phase::lingering;
    co_await connection_->linger(context_.settings.linger_timeout);
  }
  co_return false;
}

asio::awaitable<Session::Received> Session::receive_head() {
  head_reader_.emplace(context_.settings.max_header_bytes);
  phase_ = Phase::idle;
  connection_->arm(context_.settings.idle_timeout);
  for (;;) {
    fault_ = {};
    if (head_reader_->read(connection_->buffer(), fault_)) {
      if (fault_) co_return Received::broken;
      connection_->disarm();
      co_return Received::head;
    }
    if (phase_ == Phase::idle && (head_reader_->begun() || connection_->buffer().size() > 0)) {
      phase_ = Phase::receiving;
      connection_->arm(context_.settings.header_timeout);
    }
    const auto end = co_await connection_->read_some(header_read_bytes);
    if (end == Connection::ReadEnd::some) continue;
    if (phase_ == Phase::idle) co_return Received::nothing;
    fault_ = http::error::partial_message;
    co_return end == Connection::ReadEnd::timed_out ? Received::too_slow : Received::broken;
  }
}

asio::awaitable<Response> Session::answer(const Head& head, std::string body, Caller caller) {
  if (auto refusal = why_refused(head)) co_return Response(std::move(*refusal));
  const std::string_view path = path_of(as_view(head.target()));
  switch (find_route(head.method(), as_view(head.target()))) {
    case Route::run_verb:
      try {
        co_return co_await run_audited(context_, std::move(body), std::move(caller));
      } catch (const boost::system::system_error&) {  // Cancelled: stopping, out of time.
        co_return Response(error_reply(
            Error(errc::canceled, "the agent stops; what the request began may have been done")));
      }
    case Route::greeting:
      co_return Response(200, text_type, context_.cluster.greeting());
    case Route::wrong_method:
    case Route::docker:
      break;
  }
  co_return wrong_method_response(as_view(head.method_string()), path);
}

asio::awaitable<bool> Session::send(const Response& response, Persistence persistence,
                                    bool with_body) {
  render_head(head_, response, context_.settings.product, context_.date.now(), persistence);
  const std::string_view body = with_body ? std::string_view(response.body) : std::string_view();
  co_return co_await connection_->write(head_, body, context_.settings.write_timeout);
}

void Session::say_now(const Response& response, bool with_body) {
  render_head(head_, response, context_.settings.product, context_.date.now(), Persistence::close);
  connection_->write_now(with_body ? head_ + response.body : head_);
}

asio::awaitable<void> Session::send_last(const Response& response) {
  const bool sent = co_await send(response, Persistence::close, true);
  if (!sent || stopping_) co_return;
  phase_ = Phase::lingering;
  co_await connection_->linger(context_.settings.linger_timeout);
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
  if (fault == asio::error::timed_out) {
    return Response(http_error_reply(408, "the request did not arrive in time"));
  }
  return Response(http_error_reply(400, "not a valid HTTP/1.1 request: " + fault.message()));
}

}  // namespace dockherd::http_api
