// The two HTTP ports of an agent: for clients, and, where the herd has a key, for other agents.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "agent/agent_config.hpp"
#include "agent/reloaders.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "bus/network_interface.hpp"
#include "http_api/server.hpp"

namespace dockherd::agent {

/// How other agents and the daemon are called. Fails with bad_config when a file of `dockerTls` is
/// unusable.
Result<http_api::UpstreamTls> upstream_tls(const AgentConfig& config);

/// Purpose: opens both ports and gives them to a server each. By TLS clients come with certificates
/// and agents with the herd's key; they are different ports, so that no client can be taken for an
/// agent.
/// Lifecycle: open(), start(), co_await stop(). What is given outlives it. One thread only.
class HttpServers {
 public:
  HttpServers(asio::any_io_executor executor, Clock& clock, const AgentConfig& config);
  ~HttpServers();

  /// The port for agents, which must be known before the herd is told of this node. What SIGHUP has
  /// read again is added to `reloaders`.
  Result<void> open(const bus::NetworkInterface& interface, Reloaders& reloaders);
  /// "ADDRESS:PORT" that other agents are told; empty without a key.
  const std::string& agents_address() const { return agents_address_; }
  Result<void> start(const http_api::Handlers& handlers);
  /// See http_api::Server::stop().
  asio::awaitable<void> stop(TimePoint drain_deadline);
  /// Where clients come to.
  const std::string& local_address() const { return clients_->local_address(); }

 private:
  Result<void> open_for_agents(const bus::NetworkInterface& interface);
  std::unique_ptr<http_api::Server> make_server(const http_api::Handlers& handlers,
                                                http_api::ServerSettings settings);

  asio::any_io_executor executor_;
  Clock& clock_;
  const AgentConfig& config_;
  std::shared_ptr<trust::TlsHolder> clients_tls_;
  std::shared_ptr<trust::TlsHolder> agents_tls_;
  std::optional<asio::ip::tcp::acceptor> agents_listener_;  // Until start().
  std::string agents_listen_;
  std::string agents_address_;
  std::unique_ptr<http_api::Server> clients_;
  std::unique_ptr<http_api::Server> agents_;
};

}  // namespace dockherd::agent
