#include "http_api/connection.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace dockherd::http_api {

namespace {

// A host that vanished without a word is noticed after 15 + 3 * 5 s, also where nothing is sent.
using KeepIdle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
using KeepInterval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
using KeepCount = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
constexpr int keep_idle_seconds = 15;
constexpr int keep_interval_seconds = 5;
constexpr int keep_probes = 3;
// And as soon where something is: what was sent must be acknowledged by then.
using UserTimeout = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
constexpr int longest_unacknowledged_ms = 30'000;

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
  socket.set_option(UserTimeout(longest_unacknowledged_ms), ignored);
  return Socket(std::move(socket));
}

void Connection::arm(Duration timeout) {
  deadline_ = clock_.now() + timeout;
  expired_ = false;
}

void Connection::expire(TimePoint now) {
  if (now < deadline_) return;
  expired_ = true;
  interrupt();
}

void Connection::interrupt() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

bool Connection::is_quiet() {
  char byte = 0;
  boost::system::error_code failure;
  socket_.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, failure);
  return failure == asio::error::would_block && buffer_.size() == 0;
}

void Connection::shut_send() {
  boost::system::error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void Connection::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

asio::awaitable<Connection::ReadEnd> Connection::read_some(std::size_t at_most) {
  boost::system::error_code failure;
  const auto space = buffer_.prepare(at_most);
  const std::size_t count =
      co_await socket_.async_read_some(space, asio::redirect_error(asio::use_awaitable, failure));
  buffer_.commit(count);
  if (!failure) co_return ReadEnd::some;
  co_return expired_ ? ReadEnd::timed_out : ReadEnd::ended;
}

asio::awaitable<bool> Connection::write(std::string_view head, std::string_view body,
                                        Duration timeout) {
  return write_all(head, body, timeout);
}

asio::awaitable<bool> Connection::write(std::string_view head, std::string_view body) {
  return write_all(head, body, std::nullopt);
}

asio::awaitable<bool> Connection::write_all(std::string_view head, std::string_view body,
                                            std::optional<Duration> timeout) {
  // Nearly always the socket takes all at once: no suspension, no deadline.
  boost::system::error_code failure;
  const Pieces all = pieces_after(0, head, body);
  const std::size_t done = socket_.write_some(all, failure);
  if (failure && failure != asio::error::would_block) co_return false;
  if (done == head.size() + body.size()) co_return true;
  if (timeout) arm(*timeout);
  const Pieces rest = pieces_after(done, head, body);
  co_await asio::async_write(socket_, rest, asio::redirect_error(asio::use_awaitable, failure));
  if (timeout) disarm();
  co_return !failure;
}

void Connection::write_now(std::string_view bytes) {
  boost::system::error_code ignored;
  socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ignored);
}

asio::awaitable<void> Connection::linger(Duration timeout) {
  boost::system::error_code failure;
  socket_.shutdown(asio::socket_base::shutdown_send, failure);
  if (failure) co_return;
  arm(timeout);
  ReadEnd end = ReadEnd::some;
  while (end == ReadEnd::some && clock_.now() < deadline_) {
    buffer_.clear();
    end = co_await read_some(64u << 10);
  }
  disarm();
}

}  // namespace dockherd::http_api
