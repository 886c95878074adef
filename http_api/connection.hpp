// One socket, of a client or to an upstream, with its read buffer and its deadline, plain or by
// TLS. Knows nothing of HTTP.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http_api/tls_channel.hpp"

namespace dockherd::http_api {

/// Purpose: reads and writes with an end. A deadline is only a point in time here: the server's
/// sweep calls expire() every so often, which costs a request nothing, where a timer of its own
/// would cost each read two system calls.
/// By TLS after secure() and handshake(); then all below is said of what is inside of it. A
/// half-closed connection is one as by TCP: close_notify goes before the socket's own end. Shared
/// by the coroutines that read it and that write it: at most one of each at a time. One thread
/// only.
class Connection {
 public:
  using Socket = asio::generic::stream_protocol::socket;  ///< TCP or unix.

  enum class ReadEnd {
    some,       ///< The buffer has more bytes.
    ended,      ///< The client sends no more (it may still read), or the connection broke.
    timed_out,  ///< The deadline passed.
  };

  Connection(Socket socket, const Clock& clock);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Without waiting for more segments (TCP_NODELAY), and with probes of who is silent.
  static Socket without_delay(asio::ip::tcp::socket socket);

  /// From now on all goes through `channel`. Once, before anything is read or written.
  void secure(std::unique_ptr<TlsChannel> channel);
  enum class Handshake {
    done,
    plain_http,  ///< The other side does not speak TLS but HTTP. All is plain from now on.
    timed_out,   ///< The deadline set by arm() passed.
    failed,      ///< tls_failure() says why.
  };
  asio::awaitable<Handshake> handshake();
  /// For people: why the handshake failed, or what came later was not believed. Empty when TLS has
  /// found no fault.
  std::string tls_failure() const;
  /// The common name of the verified certificate of the other side; empty without one.
  std::string_view client_name() const;
  /// "127.0.0.1:8080" of the other side; empty for a unix socket.
  std::string remote_address() const;

  /// What was read and not yet consumed.
  boost::beast::flat_buffer& buffer() { return buffer_; }

  /// Reads at least one byte, at most `at_most`, within the deadline set by arm(). interrupt() and
  /// cancellation end it as `ended`.
  asio::awaitable<ReadEnd> read_some(std::size_t at_most);

  /// Writes both, in one call where the socket takes them. False when the other side is gone or
  /// takes nothing of it for `timeout`; then the connection is closed, too.
  asio::awaitable<bool> write(std::string_view head, std::string_view body, Duration timeout);
  /// As above, for as long as the other side is there.
  asio::awaitable<bool> write(std::string_view head, std::string_view body);

  /// Writes what the socket takes at once: for a last word when nothing can be waited for.
  void write_now(std::string_view bytes);

  /// Ends our side, then reads and drops what still comes until the client closes, for at most
  /// `timeout`. Closing a socket with unread bytes resets it, and the reset may overtake the
  /// response (RFC 9112, 9.6).
  asio::awaitable<void> linger(Duration timeout);

  /// The deadline of the next reads, from now.
  void arm(Duration timeout);
  void arm_until(TimePoint deadline) {
    deadline_ = deadline;
    expired_ = false;
  }
  void disarm() { deadline_ = TimePoint::max(); }
  /// Ends the wait under way when its deadline is before `now`, and the connection when the other
  /// side has vanished: for `longest_silence` something that was sent has not been acknowledged,
  /// and nothing has come. A reader that pauses has acknowledged all that it was sent, for as long
  /// as it likes. Called by the server's and the upstream pool's sweep.
  void expire(TimePoint now, Duration longest_silence);
  /// Ends the wait under way.
  void interrupt();
  /// Says that we send no more; the other side may go on.
  void shut_send();
  /// Ends both directions; waits under way end, too. May be called again.
  void close();
  bool is_open() const { return socket_.is_open(); }
  /// It ended without the other side's saying so: what came may be a part of what was sent. By TLS
  /// only; plain, that cannot be known.
  bool truncated() const { return truncated_; }
  /// Nothing has come, not even the other side's end. For one that nobody reads.
  bool is_quiet();
  /// How the other side stands, whatever has been read: a system call, without waiting.
  enum class FarEnd {
    open,    ///< As far as is known.
    ended,   ///< It sends no more. Whether it still reads cannot be known.
    broken,  ///< It is gone; both directions have ended.
  };
  FarEnd far_end();
  /// How many bytes have been read and written: whether anything moves.
  std::uint64_t moved() const { return moved_; }
  /// Something waits until the other side takes it.
  bool writing() const { return writing_; }
  /// It was closed because the other side did not take in time what was written.
  bool stalled() const { return stalled_; }

 private:
  bool has_vanished(TimePoint now, Duration longest_silence);
  void reset();
  asio::awaitable<bool> write_all(std::string_view head, std::string_view body,
                                  std::optional<Duration> timeout);
  asio::awaitable<ReadEnd> read_plain(std::size_t at_most);
  // connection_tls.cpp
  asio::awaitable<ReadEnd> read_sealed(std::size_t at_most);
  asio::awaitable<bool> write_sealed(std::string_view head, std::string_view body,
                                     std::optional<Duration> timeout);
  bool open_some(std::size_t at_most);
  asio::awaitable<ReadEnd> pull();
  bool pull_now(boost::system::error_code& failure);
  bool push_now();
  asio::awaitable<bool> push(std::optional<Duration> timeout);
  void shut_sealed();

  Socket socket_;
  const Clock& clock_;
  boost::beast::flat_buffer buffer_;
  TimePoint deadline_ = TimePoint::max();        // Of the reads.
  TimePoint write_deadline_ = TimePoint::max();  // Of the write under way.
  TimePoint next_look_ = TimePoint::min();       // When the system is asked whether it vanished.
  std::optional<TimePoint> silent_since_;        // While something is not acknowledged.
  std::uint64_t moved_ = 0;
  std::unique_ptr<TlsChannel> channel_;  // None: plain.
  bool truncated_ = false;
  bool shut_ = false;  // The socket's own end follows what the channel has still to send.
  bool expired_ = false;
  bool writing_ = false;
  bool stalled_ = false;
};

}  // namespace dockherd::http_api
