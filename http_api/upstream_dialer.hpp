// New connections to upstreams: by a unix socket or TCP, plain or by TLS as the upstream wants it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "http_api/connection.hpp"
#include "trust/ssl_context.hpp"

namespace dockherd::http_api {

/// How upstreams are called. Without any of it, all of them plainly.
struct UpstreamTls {
  /// Other agents: by the first of these that they take (trust/herd_tls). When there is any, they
  /// are never called plainly.
  std::vector<trust::SslContext> agents;
  trust::SslContext daemon;  ///< A daemon on TCP (trust/certificate_tls).
};

/// Purpose: opens one connection, and knows which of the herd's keys each agent took.
/// Owner: the upstream pool. One thread only.
class UpstreamDialer {
 public:
  UpstreamDialer(asio::any_io_executor executor, const Clock& clock, UpstreamTls tls);

  /// Fails with not_sent. Waits for as long as it is not cancelled.
  asio::awaitable<Result<std::shared_ptr<Connection>>> dial(std::string address);

  /// A unix socket of this host: "unix:///PATH".
  static bool is_local(const std::string& address);
  /// A daemon, here or elsewhere, and not another agent: that or "tcp://HOST:PORT".
  static bool is_daemon(const std::string& address);

 private:
  asio::awaitable<Result<std::shared_ptr<Connection>>> dial_plain(std::string address);
  asio::awaitable<Result<std::shared_ptr<Connection>>> dial_daemon(std::string address);
  asio::awaitable<Result<std::shared_ptr<Connection>>> dial_agent(std::string address);
  asio::awaitable<Result<Connection::Socket>> open(std::string address);
  asio::awaitable<Result<Connection::Socket>> open_local(std::string address);

  asio::any_io_executor executor_;
  const Clock& clock_;
  UpstreamTls tls_;
  std::map<std::string, std::size_t>
      taken_;  // Address -> the key that it took; not there: the first.
};

}  // namespace dockherd::http_api
