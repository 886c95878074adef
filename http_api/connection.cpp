#include "http_api/connection.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "http_api/listen_address.hpp"

namespace dockherd::http_api {

namespace {

// A host that vanished without a word is noticed after 15 + 3 * 5 s where nothing is sent. Where
// something is, the system does not probe: see has_vanished(). TCP_USER_TIMEOUT would end a reader
// that pauses, too, for it counts the time in which the other side has no room.
using KeepIdle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
using KeepInterval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
using KeepCount = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
constexpr int keep_idle_seconds = 15;
constexpr int keep_interval_seconds = 5;
constexpr int keep_probes = 3;
constexpr int looks_per_silence = 8;

using Pieces = std::array<asio::const_buffer, 2>;

Pieces pieces_after(std::size_t done, std::string_view head, std::string_view body) {
  const std::size_t head_done = std::min(done, head.size());
  head.remove_prefix(head_done);
  body.remove_prefix(done - head_done);
  return {asio::buffer(head.data(), head.size()), asio::buffer(body.data(), body.size())};
}

}  // namespace

Connection::Connection(Socket socket, const Clock& clock)
    : socket_(std::move(socket)), clock_(clock) {
  boost::system::error_code ignored;  // A client that is already gone shows at the first read.
  socket_.non_blocking(true, ignored);
}

Connection::Socket Connection::without_delay(asio::ip::tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.set_option(KeepIdle(keep_idle_seconds), ignored);
  socket.set_option(KeepInterval(keep_interval_seconds), ignored);
  socket.set_option(KeepCount(keep_probes), ignored);
  return Socket(std::move(socket));
}

std::string Connection::remote_address() const {
  boost::system::error_code failure;
  const auto remote = socket_.remote_endpoint(failure);
  const int family = remote.protocol().family();
  if (failure || (family != AF_INET && family != AF_INET6)) return {};
  asio::ip::tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), remote.data(), std::min(endpoint.capacity(), remote.size()));
  endpoint.resize(remote.size());
  return format_address(endpoint);
}

void Connection::arm(Duration timeout) {
  deadline_ = clock_.now() + timeout;
  expired_ = false;
}

void Connection::expire(TimePoint now, Duration longest_silence) {
  if (now >= write_deadline_) {
    stalled_ = true;
    reset();
    return;
  }
  // What a reader had to say, or the end, and the socket had no room for.
  if (channel_ && !writing_ && is_open()) push_now();
  if (now >= next_look_ && is_open()) {
    next_look_ = now + longest_silence / looks_per_silence;
    if (has_vanished(now, longest_silence)) {
      close();
      return;
    }
  }
  if (now < deadline_) return;
  expired_ = true;
  interrupt();
}

bool Connection::has_vanished(TimePoint now, Duration longest_silence) {
  tcp_info info{};
  socklen_t size = sizeof info;
  const bool is_tcp =
      ::getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
  if (!is_tcp) {
    next_look_ = TimePoint::max();  // A unix socket's other end does not vanish.
    return false;
  }
  // Where the other side has no room, nothing is under way but probes. It answers them or is gone.
  const bool awaits = info.tcpi_unacked > 0 || info.tcpi_probes >= keep_probes;
  if (!awaits) {
    silent_since_.reset();
    return false;
  }
  // What comes acknowledges, too, but the system counts it apart. Before something was sent there
  // was nothing to be heard, so the time counts from when it was first seen.
  const std::chrono::milliseconds heard_ago(
      std::min(info.tcpi_last_ack_recv, info.tcpi_last_data_recv));
  silent_since_ = std::max<TimePoint>(silent_since_.value_or(now), now - heard_ago);
  return now - *silent_since_ >= longest_silence;
}

void Connection::interrupt() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

bool Connection::is_quiet() {
  char byte = 0;
  boost::system::error_code failure;
  socket_.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, failure);
  const bool held = buffer_.size() > 0 || (channel_ && channel_->holds_input());
  return failure == asio::error::would_block && !held;
}

Connection::FarEnd Connection::far_end() {
  if (!is_open() || truncated_) return FarEnd::broken;
  const bool said = channel_ && channel_->heard_end();
  pollfd look{socket_.native_handle(), POLLRDHUP, 0};
  if (::poll(&look, 1, 0) <= 0) return said ? FarEnd::ended : FarEnd::open;
  if ((look.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return FarEnd::broken;
  return said || (look.revents & POLLRDHUP) != 0 ? FarEnd::ended : FarEnd::open;
}

void Connection::shut_send() {
  if (channel_) return shut_sealed();
  boost::system::error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

/// Without waiting until the other side has taken what was written: it does not.
void Connection::reset() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

void Connection::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

asio::awaitable<Connection::ReadEnd> Connection::read_some(std::size_t at_most) {
  return channel_ ? read_sealed(at_most) : read_plain(at_most);
}

asio::awaitable<Connection::ReadEnd> Connection::read_plain(std::size_t at_most) {
  boost::system::error_code failure;
  const auto space = buffer_.prepare(at_most);
  const std::size_t count =
      co_await socket_.async_read_some(space, asio::redirect_error(asio::use_awaitable, failure));
  buffer_.commit(count);
  moved_ += count;
  if (!failure) co_return ReadEnd::some;
  co_return expired_ ? ReadEnd::timed_out : ReadEnd::ended;
}

asio::awaitable<bool> Connection::write(std::string_view head, std::string_view body,
                                        Duration timeout) {
  return channel_ ? write_sealed(head, body, timeout) : write_all(head, body, timeout);
}

asio::awaitable<bool> Connection::write(std::string_view head, std::string_view body) {
  return channel_ ? write_sealed(head, body, std::nullopt) : write_all(head, body, std::nullopt);
}

asio::awaitable<bool> Connection::write_all(std::string_view head, std::string_view body,
                                            std::optional<Duration> timeout) {
  // Nearly always the socket takes all at once: no suspension, no deadline.
  boost::system::error_code failure;
  const std::size_t size = head.size() + body.size();
  const Pieces all = pieces_after(0, head, body);
  std::size_t done = socket_.write_some(all, failure);
  if (failure && failure != asio::error::would_block) co_return false;
  failure = {};
  moved_ += done;
  while (done < size && !failure) {
    if (timeout) write_deadline_ = clock_.now() + *timeout;
    writing_ = true;
    const Pieces rest = pieces_after(done, head, body);
    const std::size_t count =
        co_await socket_.async_write_some(rest, asio::redirect_error(asio::use_awaitable, failure));
    done += count;
    moved_ += count;
  }
  write_deadline_ = TimePoint::max();
  writing_ = false;
  co_return !failure;
}

void Connection::write_now(std::string_view bytes) {
  if (channel_) {
    if (channel_->write(bytes)) push_now();
    return;
  }
  boost::system::error_code ignored;
  socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ignored);
}

asio::awaitable<void> Connection::linger(Duration timeout) {
  boost::system::error_code failure;
  if (channel_) {
    shut_sealed();
  } else {
    socket_.shutdown(asio::socket_base::shutdown_send, failure);
  }
  if (failure) co_return;
  arm(timeout);
  ReadEnd end = ReadEnd::some;
  while (end == ReadEnd::some && clock_.now() < deadline_) {
    buffer_.clear();
    end = co_await read_plain(64u << 10);  // What nobody wants need not be opened.
  }
  disarm();
}

}  // namespace dockherd::http_api
