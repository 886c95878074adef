#include "http_api/upstream_call.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/none.hpp>

#include "base/limits.hpp"

namespace dockherd::http_api {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t head_read_bytes = 16u << 10;
constexpr std::size_t body_read_bytes = 128u << 10;
constexpr std::size_t longest_framing = 64u << 10;  // A head; a chunk's line.

}  // namespace

UpstreamCall::UpstreamCall(UpstreamPool& pool, std::string address)
    : pool_(pool), address_(std::move(address)) {}

asio::awaitable<Result<void>> UpstreamCall::send(RequestHead head, std::string_view body,
                                                 TimePoint deadline) {
  bodyless_ = head.method == "HEAD";
  const bool has_body =
      std::any_of(head.headers.begin(), head.headers.end(), [](const auto& field) {
        return boost::beast::iequals(field.first, "content-length") ||
               boost::beast::iequals(field.first, "transfer-encoding");
      });
  repeatable_ = !has_body && (bodyless_ || head.method == "GET");
  sent_head_.clear();
  render(sent_head_, head);
  if (repeatable_ || !UpstreamPool::is_daemon(address_)) lease_ = pool_.idle(address_);
  if (lease_) {
    const bool sent = co_await (*lease_)->write(sent_head_, body);
    if (sent) co_return Result<void>();
    if (!repeatable_) co_return broke_off();
  }
  auto connected = co_await pool_.connect(address_, deadline);
  if (!connected) co_return connected.error();
  lease_ = std::move(*connected);
  const bool sent = co_await (*lease_)->write(sent_head_, body);
  if (!sent) co_return broke_off();
  co_return Result<void>();
}

Error UpstreamCall::broke_off() const {
  if (lease_ && lease_->shared()->stalled()) {
    return {errc::timeout, address_ + " did not take in time what it was sent"};
  }
  const std::string why = lease_ ? lease_->shared()->tls_failure() : std::string();
  return {errc::peer_lost,
          "the connection to " + address_ + " broke off" + (why.empty() ? "" : ": " + why)};
}

/// True when the head is complete or broken. The parser forgets each field that it has taken, so
/// its own limit holds for one field only.
bool UpstreamCall::parse_head() {
  auto& buffer = (*lease_)->buffer();
  while (buffer.size() > 0 && head_bytes_ < longest_framing && !parser_->is_header_done()) {
    boost::system::error_code fault;
    const auto allowed = asio::buffer(buffer.data(), longest_framing - head_bytes_);
    const std::size_t used = parser_->put(allowed, fault);
    head_bytes_ += used;
    buffer.consume(used);
    if (fault && fault != http::error::need_more) broken_ = true;
    if (broken_ || used == 0) break;
  }
  const bool too_long = head_bytes_ + buffer.size() > longest_framing;
  if (too_long && !parser_->is_header_done()) broken_ = true;
  return broken_ || parser_->is_header_done();
}

asio::awaitable<Result<void>> UpstreamCall::read_head(TimePoint deadline) {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(longest_framing));
  parser_->body_limit(boost::none);
  if (bodyless_) parser_->skip(true);
  pass_ = PassThrough();
  head_bytes_ = 0;
  Connection* connection = lease_->shared().get();
  const bool bounded = deadline != TimePoint::max();
  if (bounded) connection->arm_until(deadline);
  while (!parse_head()) {
    const auto end = co_await connection->read_some(head_read_bytes);
    if (end == Connection::ReadEnd::some) {
      heard_ = true;
      continue;
    }
    if (end == Connection::ReadEnd::timed_out) {
      co_return Error(errc::timeout, address_ + " did not answer in time");
    }
    const bool lost = !connection->is_open();  // By UpstreamPool::break_off().
    if (lost || heard_ || !lease_->reused() || !repeatable_) co_return broke_off();
    // Closed by the other side before it saw the request.
    const TimePoint connected_by =
        std::min<TimePoint>(deadline, pool_.now() + limits::host_connect_timeout);
    auto renewed = co_await pool_.connect(address_, connected_by);
    if (!renewed) co_return renewed.error();
    lease_ = std::move(*renewed);
    connection = lease_->shared().get();
    if (bounded) connection->arm_until(deadline);
    const bool sent = co_await connection->write(sent_head_, "");
    if (!sent) co_return broke_off();
  }
  connection->disarm();
  if (broken_) co_return Error(errc::daemon_lost, address_ + " did not answer with HTTP");
  parser_->eager(true);
  co_return Result<void>();
}

asio::awaitable<Result<void>> UpstreamCall::read_final_head(TimePoint deadline) {
  for (;;) {
    auto head = co_await read_head(deadline);
    if (!head || !is_interim()) co_return head;
  }
}

bool UpstreamCall::ends_with_connection() const {
  if (bodyless_ || !parser_) return false;
  if (head().result_int() == 101) return true;
  return !parser_->is_done() && !parser_->chunked() && !parser_->content_length();
}

/// What has arrived; the piece before it is done with.
std::string_view UpstreamCall::take() {
  auto& buffer = (*lease_)->buffer();
  pass_.drop(buffer);
  const std::string_view piece = pass_.offer(buffer, *parser_);
  if (pass_.fault()) broken_ = true;
  too_large_ = pass_.fault() == http::error::body_limit;
  return piece;
}

bool UpstreamCall::complete() const {
  return parser_ && parser_->is_done();
}

asio::awaitable<std::string_view> UpstreamCall::read_raw() {
  for (;;) {
    const std::string_view piece = take();
    if (!piece.empty() || broken_) co_return piece;
    if (parser_->is_done()) {
      // Left open by the upstream, and with nothing beyond this response. After an interim head the
      // response is yet to come, and after 101 what comes is none.
      const bool final = head().result_int() >= 200;
      if (final && head().keep_alive() && (*lease_)->buffer().size() == 0) lease_->keep();
      co_return std::string_view();
    }
    const auto end = co_await (*lease_)->read_some(body_read_bytes);
    if (end == Connection::ReadEnd::some) continue;
    timed_out_ = end == Connection::ReadEnd::timed_out;
    boost::system::error_code fault;
    const bool said = !timed_out_ && !(*lease_)->truncated();
    if (said && parser_->need_eof()) parser_->put_eof(fault);
    broken_ = !parser_->is_done();
    co_return std::string_view();
  }
}

void UpstreamCall::decode_into(std::string* decoded, std::size_t limit) {
  parser_->get().body().decoded = decoded;
  parser_->get().body().limit = limit;
}

asio::awaitable<Result<WholeResponse>> UpstreamCall::read_whole(std::size_t limit,
                                                                TimePoint deadline) {
  WholeResponse response;
  response.status = static_cast<int>(head().result_int());
  response.headers = passed_on(head(), false);
  std::erase_if(response.headers, [](const auto& field) {
    return boost::beast::iequals(field.first, "content-length") ||
           boost::beast::iequals(field.first, "transfer-encoding");
  });
  decode_into(&response.body, limit);
  if (deadline != TimePoint::max()) (*lease_)->arm_until(deadline);
  for (;;) {
    const std::string_view piece = co_await read_raw();
    if (piece.empty()) break;
  }
  decode_into(nullptr, 0);
  if (complete()) co_return response;
  if (timed_out_) co_return Error(errc::timeout, address_ + " did not answer in time");
  if (too_large_) co_return Error(errc::too_large, "the answer of " + address_ + " is too large");
  co_return broke_off();
}

}  // namespace dockherd::http_api
