#include "http_api/exchange.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>

#include "http_api/responses.hpp"
#include "http_api/upstream_call.hpp"

namespace dockherd::http_api {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t most_read_ahead = 64u << 10;
constexpr std::size_t watch_read_bytes = 4u << 10;

std::string_view reason_of(int status) {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return {reason.data(), reason.size()};
}

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

/// "1a\r\n": how a chunk begins (RFC 9112, 7.1).
std::string chunk_line(std::size_t size) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, size, 16).ptr;
  return std::string(digits, end) + "\r\n";
}

}  // namespace

Exchange::Exchange(ExchangeContext& context, std::shared_ptr<Connection> client,
                   std::shared_ptr<RequestBody> body, Caller caller)
    : context_(context),
      client_(std::move(client)),
      body_(std::move(body)),
      caller_(std::move(caller)) {}

Exchange::~Exchange() {
  watch_->on_gone = nullptr;
}

std::string_view Exchange::method() const {
  const auto text = body_->head().method_string();
  return {text.data(), text.size()};
}

std::string_view Exchange::target() const {
  const auto text = body_->head().target();
  return {text.data(), text.size()};
}

std::string_view Exchange::header(std::string_view name) const {
  const auto text = body_->head()[boost::beast::string_view(name.data(), name.size())];
  return {text.data(), text.size()};
}

asio::awaitable<Result<std::string>> Exchange::read_body(std::size_t limit) {
  std::string whole;
  const auto fault = co_await body_->read_whole(whole, limit, context_.settings.body_timeout);
  if (!fault) co_return whole;
  if (fault == http::error::body_limit) {
    co_return Error(errc::too_large,
                    "the request body is over the limit of " + std::to_string(limit) + " bytes");
  }
  co_return Error(errc::bad_request, "the request body did not arrive whole: " + fault.message());
}

/// What has arrived of the body and nobody wanted is dropped; false when more is to come.
bool Exchange::finish_request() {
  if (upload_->active) return false;
  body_->arrived();
  body_->drop();
  return body_->complete();
}

/// What the client is told of the connection, and what becomes of it.
ConnectionHeader Exchange::persistence(bool has_end) {
  const bool whole = finish_request();
  must_linger_ = !whole;
  const auto& request = body_->head();
  may_continue_ = whole && has_end && request.keep_alive() && !stopping_;
  if (!may_continue_) return ConnectionHeader::close;
  return request.version() >= 11 ? ConnectionHeader::none : ConnectionHeader::keep_alive;
}

std::string Exchange::own_head(int status, const HeaderList& headers, std::string_view framing) {
  std::string head;
  HeaderList all = headers;
  all.emplace_back("Server", context_.settings.product);
  all.emplace_back("Date", std::string(context_.date.now()));
  if (status == 503) all.emplace_back(retry_after, retry_soon);
  const bool has_end = !framing.empty() || has_no_body(status);
  const ConnectionHeader connection = persistence(has_end);
  render_passed(head, static_cast<unsigned>(status), reason_of(status), all, connection);
  if (!framing.empty()) head.insert(head.size() - 2, std::string(framing));
  return head;
}

void Exchange::begin_answer(int status) {
  answered_ = true;
  if (on_answer_) std::exchange(on_answer_, nullptr)(status);
}

asio::awaitable<void> Exchange::respond(int status, HeaderList headers, std::string_view body) {
  // An upload that turned out malformed has been cut off: that is no fault of the upstream.
  VerbReply refusal(400, "");
  if (status >= 500 && body_->malformed()) {
    refusal = malformed_body_reply();
    status = refusal.status;
    headers.clear();
    headers.emplace_back("Content-Type", std::string(json_type));
    body = refusal.body;
  }
  begin_answer(status);
  const std::string framing =
      has_no_body(status) ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  const std::string head = own_head(status, headers, framing);
  const bool with_body = method() != "HEAD" && !has_no_body(status);
  const bool sent = co_await client_->write(head, with_body ? body : std::string_view(),
                                            context_.settings.write_timeout);
  if (!sent) may_continue_ = must_linger_ = false;
}

asio::awaitable<bool> Exchange::begin(int status, HeaderList headers) {
  begin_answer(status);
  chunked_ = version() >= 11;
  const std::string head =
      own_head(status, headers, chunked_ ? "Transfer-Encoding: chunked\r\n" : "");
  const bool sent = co_await client_->write(head, "");
  co_return sent;
}

asio::awaitable<bool> Exchange::write(std::string_view piece) {
  if (piece.empty()) co_return !watch_->gone;
  if (!chunked_) co_return co_await client_->write(piece, "");
  std::string chunk = chunk_line(piece.size());
  chunk += piece;
  chunk += "\r\n";
  co_return co_await client_->write(chunk, "");
}

asio::awaitable<bool> Exchange::end() {
  // The request's body may have been read since the head was sent.
  if (must_linger_ && finish_request()) must_linger_ = false;
  if (!chunked_) co_return true;
  const bool sent = co_await client_->write("0\r\n\r\n", "");
  if (!sent) may_continue_ = must_linger_ = false;
  co_return sent;
}

void Exchange::break_off() {
  may_continue_ = must_linger_ = false;
  client_->close();
}

// --- is the client still there? ------------------------------------------------------------------

void Exchange::look_after_client(TimePoint now) {
  watch_client();
  const Connection::FarEnd far_end = client_->far_end();
  const bool broken = far_end == Connection::FarEnd::broken;
  const bool leaves = broken || watch_->gone || far_end == Connection::FarEnd::ended;
  if (!leaves || (hijacked_ && !broken)) {
    still_since_.reset();
    return;
  }
  if (watch_->gone && !hijacked_ && watch_->on_gone) watch_->on_gone();
  // One that has no room for what it is sent is there: a closed one would have reset.
  const bool reads = client_->writing() && !broken;
  const std::uint64_t moved = bytes_moved();
  if (!still_since_ || reads || moved != moved_) still_since_ = now;
  moved_ = moved;
  const bool useless = broken && (hijacked_ || upload_->active);
  if (useless || now - *still_since_ >= context_.settings.gone_grace) client_went();
}

/// Its upstreams are given up. May be called again.
void Exchange::client_went() {
  watch_->gone = true;
  if (watch_->on_gone) watch_->on_gone();
  for (const auto& upstream : upload_->upstreams) upstream->close();
  if (relayed_ && relayed_->connected()) relayed_->connection()->close();
}

/// A sum of counters: it changes when anything has moved.
std::uint64_t Exchange::bytes_moved() const {
  std::uint64_t moved = client_->moved();
  for (const auto& upstream : upload_->upstreams) moved += upstream->moved();
  if (relayed_ && relayed_->connected()) moved += relayed_->connection()->moved();
  return moved;
}

/// Reads ahead, which shows the client's end at once. Not while others read from it.
void Exchange::watch_client() {
  if (watch_->active || watch_->ending || watch_->gone || upload_->active || hijacked_) return;
  if (!body_->complete() || body_->holds()) return;
  if (client_->buffer().size() >= most_read_ahead) return;
  watch_->active = true;
  context_.side_tasks.spawn("http watch", keep_watch(client_, watch_));
}

asio::awaitable<void> Exchange::keep_watch(std::shared_ptr<Connection> client,
                                           std::shared_ptr<Watch> watch) {
  auto end = Connection::ReadEnd::some;
  while (end == Connection::ReadEnd::some && client->buffer().size() < most_read_ahead &&
         !watch->ending) {
    end = co_await client->read_some(watch_read_bytes);
  }
  watch->active = false;
  if (end == Connection::ReadEnd::some || watch->ending) co_return;
  watch->gone = true;
  if (watch->on_gone) watch->on_gone();
}

asio::awaitable<void> Exchange::stop_watching() {
  watch_->ending = true;
  if (!watch_->active) co_return;
  client_->interrupt();
  while (watch_->active) {
    co_await asio::post(context_.side_tasks.executor(), asio::use_awaitable);
    client_->interrupt();  // It may have begun only now.
  }
}

}  // namespace dockherd::http_api
