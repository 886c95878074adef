// One client's socket with its read buffer and its deadline. Knows nothing of HTTP.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <string_view>

#include "base/clock.hpp"

namespace dockherd::http_api {

/// Purpose: reads and writes with an end. A deadline is only a point in time here: the server's
/// sweep calls expire() every so often, which costs a request nothing, where a timer of its own
/// would cost each read two system calls.
/// Owned by a Session. One thread only.
class Connection {
 public:
  enum class ReadEnd {
    some,       ///< The buffer has more bytes.
    ended,      ///< The client sends no more (it may still read), or the connection broke.
    timed_out,  ///< The deadline passed.
  };

  Connection(asio::ip::tcp::socket socket, const Clock& clock);

  /// What was read and not yet consumed.
  boost::beast::flat_buffer& buffer() { return buffer_; }

  /// Reads at least one byte, at most `at_most`, within the deadline set by arm(). interrupt() and
  /// cancellation end it as `ended`.
  asio::awaitable<ReadEnd> read_some(std::size_t at_most);

  /// Writes both, in one call where the socket takes them. False when the client is gone or does
  /// not read them within `timeout`.
  asio::awaitable<bool> write(std::string_view head, std::string_view body, Duration timeout);

  /// Writes what the socket takes at once: for a last word when nothing can be waited for.
  void write_now(std::string_view bytes);

  /// Ends our side, then reads and drops what still comes until the client closes, for at most
  /// `timeout`. Closing a socket with unread bytes resets it, and the reset may overtake the
  /// response (RFC 9112, 9.6).
  asio::awaitable<void> linger(Duration timeout);

  /// The deadline of the next reads, from now.
  void arm(Duration timeout);
  void disarm() { deadline_ = TimePoint::max(); }
  /// Ends the wait under way when its deadline is before `now`. Called by the server's sweep.
  void expire(TimePoint now);
  /// Ends the wait under way.
  void interrupt();

 private:
  asio::ip::tcp::socket socket_;
  const Clock& clock_;
  boost::beast::flat_buffer buffer_;
  TimePoint deadline_ = TimePoint::max();
  bool expired_ = false;
};

}  // namespace dockherd::http_api
