// The body of a request whose header has been read: as raw pieces for passing on, or decoded.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http_api/connection.hpp"
#include "http_api/pass_through.hpp"
#include "http_api/passing_body.hpp"

namespace dockherd::http_api {

/// Purpose: reads one request's body from the client, bit by bit, and knows where it ends.
/// Shared by the session and by the coroutine that passes the body on. One reader at a time.
class RequestBody {
 public:
  using HeadParser = boost::beast::http::request_parser<boost::beast::http::empty_body>;

  /// `head`: complete, with nothing of its body.
  RequestBody(std::shared_ptr<Connection> client, HeadParser&& head);
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;

  const boost::beast::http::request<PassingBody>& head() const { return parser_.get(); }

  /// All of it has been taken.
  bool complete() const { return parser_.is_done(); }
  /// The client has sent less than it announced, or no HTTP: no more can be read from it.
  bool broken() const { return static_cast<bool>(pass_.fault()); }

  /// Its chunks are not framed as they must be to be passed on: judged as far as they have arrived,
  /// and before any of them is given by arrived().
  bool malformed();

  /// What has arrived of the body, as it came (chunk lines included), without waiting; valid until
  /// drop(). Empty: nothing has, or the body is complete or broken.
  std::string_view arrived();
  /// A piece given by arrived() is in use.
  bool holds() const { return pass_.holds(); }
  /// The piece given by arrived() is done with.
  void drop();
  /// Waits until there is more for arrived(). False when there will be no more.
  asio::awaitable<bool> wait_for_more();

  /// The whole body without its framing, sent within `timeout`; a client that waits to be told to
  /// send it is told so. Else body_limit, bad_chunk, bad_chunk_extension, timed_out,
  /// partial_message, or what is wrong with its framing; the rest of it cannot be read then.
  asio::awaitable<boost::system::error_code> read_whole(std::string& whole, std::size_t limit,
                                                        Duration timeout);

  /// The client waits for "100 Continue" before it sends anything.
  bool awaits_go_ahead() const;
  /// Tells it to send when it waits for that and nothing has come yet. False: the client is gone.
  asio::awaitable<bool> give_go_ahead(Duration timeout);

 private:
  std::shared_ptr<Connection> client_;
  boost::beast::http::request_parser<PassingBody> parser_;
  PassThrough pass_;
};

}  // namespace dockherd::http_api
