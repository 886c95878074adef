// Connection's part that goes through a TlsChannel. The channel's input is fed only when somebody
// reads and has taken what was there, so that TCP holds back a peer that sends too fast.
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "http_api/connection.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::size_t pull_bytes = 32u << 10;
constexpr std::size_t sealed_at_once = 64u << 10;
/// Of what waits to be sent. More than one write and its framing: the peer asks for answers of
/// TLS's own, as for new keys, and does not read them.
constexpr std::size_t most_unsent = 4 * sealed_at_once;

}  // namespace

void Connection::secure(std::unique_ptr<TlsChannel> channel) {
  channel_ = std::move(channel);
}

std::string_view Connection::client_name() const {
  return channel_ ? std::string_view(channel_->peer_name()) : std::string_view();
}

std::string Connection::tls_failure() const {
  return channel_ ? channel_->failure() : std::string();
}

asio::awaitable<Connection::Handshake> Connection::handshake() {
  for (;;) {
    const auto progress = channel_->handshake();
    if (progress == TlsChannel::Progress::failed && channel_->heard_plain_http()) {
      channel_.reset();
      co_return Handshake::plain_http;
    }
    const bool sent = co_await push(std::nullopt);
    if (progress == TlsChannel::Progress::failed) co_return Handshake::failed;
    if (progress == TlsChannel::Progress::done && sent) co_return Handshake::done;
    auto end = ReadEnd::ended;
    if (sent) end = co_await pull();
    if (end == ReadEnd::some) continue;
    co_return expired_ ? Handshake::timed_out : Handshake::failed;
  }
}

// --- reading -------------------------------------------------------------------------------------

asio::awaitable<Connection::ReadEnd> Connection::read_sealed(std::size_t at_most) {
  for (;;) {
    if (channel_->holds_input() && open_some(at_most)) co_return ReadEnd::some;
    const bool pushed = push_now();
    if (!pushed || channel_->failed()) truncated_ = true;
    if (truncated_ || channel_->heard_end()) co_return ReadEnd::ended;
    const auto end = co_await pull();
    if (end != ReadEnd::some) co_return end;
  }
}

/// Whether there was something for the buffer.
bool Connection::open_some(std::size_t at_most) {
  std::size_t total = 0;
  while (total < at_most) {
    const auto space = buffer_.prepare(at_most - total);
    const std::size_t count = channel_->read(static_cast<char*>(space.data()), space.size());
    buffer_.commit(count);
    total += count;
    if (count == 0) break;
  }
  return total > 0;
}

/// Feeds the channel with at least one byte, within the deadline set by arm(). Waits without a
/// buffer of its own: most connections idle.
asio::awaitable<Connection::ReadEnd> Connection::pull() {
  for (;;) {
    boost::system::error_code failure;
    if (pull_now(failure)) co_return ReadEnd::some;
    if (failure == asio::error::would_block) {
      failure = {};
      co_await socket_.async_wait(asio::socket_base::wait_read,
                                  asio::redirect_error(asio::use_awaitable, failure));
      if (!failure) continue;
      co_return expired_ ? ReadEnd::timed_out : ReadEnd::ended;
    }
    truncated_ = true;
    co_return ReadEnd::ended;
  }
}

bool Connection::pull_now(boost::system::error_code& failure) {
  char bytes[pull_bytes];
  const std::size_t count = socket_.read_some(asio::buffer(bytes), failure);
  if (failure) return false;
  moved_ += count;
  channel_->feed({bytes, count});
  return true;
}

// --- writing -------------------------------------------------------------------------------------

asio::awaitable<bool> Connection::write_sealed(std::string_view head, std::string_view body,
                                               std::optional<Duration> timeout) {
  do {
    const std::string_view first = head.substr(0, sealed_at_once);
    const std::string_view second = body.substr(0, sealed_at_once - first.size());
    head.remove_prefix(first.size());
    body.remove_prefix(second.size());
    if (!channel_->write(first, second)) co_return false;
    const bool sent = co_await push(timeout);
    if (!sent) co_return false;
  } while (!head.empty() || !body.empty());
  co_return true;
}

/// Sends what the socket takes at once. False when it broke, or when the other side lets too much
/// pile up.
bool Connection::push_now() {
  boost::system::error_code failure;
  while (!channel_->output().empty() && !failure) {
    const std::string_view bytes = channel_->output();
    const std::size_t count = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), failure);
    channel_->sent(count);
    moved_ += count;
  }
  if (failure)
    return failure == asio::error::would_block && channel_->output().size() < most_unsent;
  if (std::exchange(shut_, false)) socket_.shutdown(asio::socket_base::shutdown_send, failure);
  return true;
}

/// Sends all. Waits without pointing at what is to be sent: a reader may add to it meanwhile.
asio::awaitable<bool> Connection::push(std::optional<Duration> timeout) {
  boost::system::error_code failure;
  bool good = push_now();
  while (good && !failure && !channel_->output().empty()) {
    if (timeout) write_deadline_ = clock_.now() + *timeout;
    writing_ = true;
    co_await socket_.async_wait(asio::socket_base::wait_write,
                                asio::redirect_error(asio::use_awaitable, failure));
    if (!failure) good = push_now();
  }
  write_deadline_ = TimePoint::max();
  writing_ = false;
  co_return good && !failure;
}

/// What has been written, then close_notify, then the socket's end: a peer that looks at either
/// sees the same. By the sweep when the socket has no room now.
void Connection::shut_sealed() {
  channel_->end();
  shut_ = true;
  if (is_open()) push_now();
}

}  // namespace dockherd::http_api
