// One request to an upstream and its response: the head first, then the body, raw or decoded.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http_api/message_head.hpp"
#include "http_api/pass_through.hpp"
#include "http_api/passing_body.hpp"
#include "http_api/upstream_pool.hpp"

namespace dockherd::http_api {

/// A response that has been read whole.
struct WholeResponse {
  int status = 0;
  HeaderList headers;  ///< Without those for one connection, Content-Length and Transfer-Encoding.
  std::string body;    ///< Without framing.

  bool ok() const { return status >= 200 && status < 400; }
};

/// Purpose: carries one exchange over one connection of the pool.
/// Lifecycle: make, send(), read_head() or read_final_head(), then one of read_raw() and
/// read_whole(). The connection is given back when all has been read, else closed.
class UpstreamCall {
 public:
  UpstreamCall(UpstreamPool& pool, std::string address);
  UpstreamCall(const UpstreamCall&) = delete;
  UpstreamCall& operator=(const UpstreamCall&) = delete;

  /// Sends the head and what there is of the body, on a connection that has been used before where
  /// there is one: of other agents any, because a new one for each call would use up the ports; of
  /// a daemon for requests that change nothing (GET, HEAD) only. Those are sent again on a new one
  /// when the used one proves closed; what may change something is sent once. Fails with not_sent,
  /// or peer_lost when it may have arrived.
  asio::awaitable<Result<void>> send(RequestHead head, std::string_view body, TimePoint deadline);

  /// The next response head, interim ones (100) included. Fails with timeout or peer_lost: what
  /// was asked may have been done. TimePoint::max() waits for as long as the connection lives.
  asio::awaitable<Result<void>> read_head(TimePoint deadline);
  /// The same, past all interim ones.
  asio::awaitable<Result<void>> read_final_head(TimePoint deadline);
  const boost::beast::http::response<PassingBody>& head() const { return parser_->get(); }
  /// After an interim head (100) the next one is to be read.
  bool is_interim() const { return head().result_int() < 200 && head().result_int() != 101; }
  /// The upstream leaves HTTP: 101, or a body that only the connection's end ends.
  bool ends_with_connection() const;

  /// What has arrived of the body, as it came, without waiting. Valid until the next call.
  std::string_view arrived() { return take(); }
  /// The next piece of the body as it comes, chunk lines included; empty at its end, or when it
  /// broke off (see complete()). Valid until the next call.
  asio::awaitable<std::string_view> read_raw();
  bool complete() const;

  /// The rest of the response, decoded. Fails with too_large, timeout or peer_lost.
  asio::awaitable<Result<WholeResponse>> read_whole(std::size_t limit, TimePoint deadline);
  /// For reading a body piece by piece, decoded: what read_raw() passes is appended here, too.
  void decode_into(std::string* decoded, std::size_t limit);

  /// For what is not HTTP any more, and for passing on a body.
  const std::shared_ptr<Connection>& connection() const { return lease_->shared(); }
  bool connected() const { return lease_ != nullptr; }
  /// See Lease::outlive_loss().
  void outlive_loss() { lease_->outlive_loss(); }
  /// The connection cannot be used again.
  void give_up() { lease_.reset(); }

 private:
  asio::awaitable<Result<void>> send_on(std::string_view head, std::string_view body);
  bool parse_head();
  std::string_view take();
  Error broke_off() const;

  UpstreamPool& pool_;
  std::string address_;
  std::unique_ptr<UpstreamPool::Lease> lease_;
  std::optional<boost::beast::http::response_parser<PassingBody>> parser_;
  std::string sent_head_;  // Kept to be sent again when a used connection proves closed.
  PassThrough pass_;
  bool repeatable_ = false;
  bool bodyless_ = false;  // The answer to HEAD.
  bool broken_ = false;
  bool heard_ = false;  // Any byte of the response.
  bool timed_out_ = false;
  std::size_t head_bytes_ = 0;  // That the parser has taken, until the head is complete.
  bool too_large_ = false;
};

}  // namespace dockherd::http_api
