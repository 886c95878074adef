#include "http_api/upstream_dialer.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/limits.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::string_view unix_scheme = "unix://";
constexpr std::string_view tcp_scheme = "tcp://";

Error cannot_connect(const std::string& address, const std::string& why) {
  return {errc::not_sent, "cannot connect to " + address + ": " + why};
}

struct HostAndPort {
  std::string host;
  std::string port;
};

/// Of "tcp://HOST:PORT" or "HOST:PORT"; an IPv6 address without its brackets.
HostAndPort split(const std::string& address) {
  const std::string plain =
      address.starts_with(tcp_scheme) ? address.substr(tcp_scheme.size()) : address;
  const auto colon = plain.rfind(':');
  HostAndPort parts{plain.substr(0, colon), ""};
  if (colon != std::string::npos) parts.port = plain.substr(colon + 1);
  if (parts.host.starts_with('[') && parts.host.ends_with(']')) {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  }
  return parts;
}

std::string refusal_of(const Connection& connection) {
  const std::string why = connection.tls_failure();
  return why.empty() ? "it closed the connection during the TLS handshake" : why;
}

/// By TLS, or why not.
asio::awaitable<Result<void>> secure(std::shared_ptr<Connection> connection,
                                     std::unique_ptr<TlsChannel> channel) {
  connection->secure(std::move(channel));
  const auto result = co_await connection->handshake();
  if (result == Connection::Handshake::done) co_return Result<void>();
  if (result == Connection::Handshake::plain_http) {
    co_return Error(errc::not_sent, "it speaks plain HTTP, TLS was expected");
  }
  co_return Error(errc::not_sent, refusal_of(*connection));
}

}  // namespace

UpstreamDialer::UpstreamDialer(asio::any_io_executor executor, const Clock& clock, UpstreamTls tls)
    : executor_(std::move(executor)), clock_(clock), tls_(std::move(tls)) {}

bool UpstreamDialer::is_local(const std::string& address) {
  return address.starts_with(unix_scheme);
}

bool UpstreamDialer::is_daemon(const std::string& address) {
  return is_local(address) || address.starts_with(tcp_scheme);
}

asio::awaitable<Result<std::shared_ptr<Connection>>> UpstreamDialer::dial(std::string address) {
  if (!is_daemon(address) && !tls_.agents.empty()) return dial_agent(std::move(address));
  if (address.starts_with(tcp_scheme) && tls_.daemon) return dial_daemon(std::move(address));
  return dial_plain(std::move(address));
}

asio::awaitable<Result<std::shared_ptr<Connection>>> UpstreamDialer::dial_plain(
    std::string address) {
  auto socket = co_await open(std::move(address));
  if (!socket) co_return socket.error();
  co_return std::make_shared<Connection>(*std::move(socket), clock_);
}

asio::awaitable<Result<std::shared_ptr<Connection>>> UpstreamDialer::dial_daemon(
    std::string address) {
  auto connection = co_await dial_plain(address);
  if (!connection) co_return connection;
  auto channel =
      std::make_unique<TlsChannel>(tls_.daemon, TlsChannel::Side::client, split(address).host);
  const auto secured = co_await secure(*connection, std::move(channel));
  if (!secured) co_return cannot_connect(address, secured.error().message);
  co_return connection;
}

/// Keys are renewed agent by agent, so one may have another first key than we. It says no to what
/// it does not know, and is then called with the next.
asio::awaitable<Result<std::shared_ptr<Connection>>> UpstreamDialer::dial_agent(
    std::string address) {
  const auto known = taken_.find(address);
  const std::size_t first = known == taken_.end() ? 0 : known->second;
  std::string why;
  for (std::size_t i = 0; i < tls_.agents.size(); ++i) {
    const std::size_t key = (first + i) % tls_.agents.size();
    auto connection = co_await dial_plain(address);
    if (!connection) co_return connection;
    auto channel = std::make_unique<TlsChannel>(tls_.agents[key], TlsChannel::Side::client);
    const auto secured = co_await secure(*connection, std::move(channel));
    if (secured) {
      if (taken_.size() >= limits::bus_peers) taken_.clear();
      taken_[address] = key;
      co_return connection;
    }
    why = secured.error().message;
  }
  co_return cannot_connect(address, "it does not take this herd's key (" + why + ")");
}

asio::awaitable<Result<Connection::Socket>> UpstreamDialer::open_local(std::string address) {
  const std::string path = address.substr(unix_scheme.size());
  if (path.size() >= 108) {
    co_return Error(errc::not_sent, "the path of " + address + " is too long");
  }
  Connection::Socket socket(executor_);
  boost::system::error_code failure;
  const asio::local::stream_protocol::endpoint endpoint(path);
  co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return cannot_connect(address, failure.message());
  co_return std::move(socket);
}

asio::awaitable<Result<Connection::Socket>> UpstreamDialer::open(std::string address) {
  if (is_local(address)) co_return co_await open_local(std::move(address));
  const HostAndPort to = split(address);
  boost::system::error_code failure;
  asio::ip::tcp::resolver resolver(executor_);
  // An address is read at once, a name by a thread of Asio's.
  auto found = resolver.resolve(to.host, to.port, asio::ip::resolver_base::numeric_host, failure);
  if (failure) {
    found = co_await resolver.async_resolve(to.host, to.port,
                                            asio::redirect_error(asio::use_awaitable, failure));
  }
  if (failure) co_return cannot_connect(address, failure.message());
  asio::ip::tcp::socket connected(executor_);
  co_await asio::async_connect(connected, found,
                               asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return cannot_connect(address, failure.message());
  co_return Connection::without_delay(std::move(connected));
}

}  // namespace dockherd::http_api
