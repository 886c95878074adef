#include "agent/http_servers.hpp"

#include <utility>

#include "agent/network_plan.hpp"
#include "base/log.hpp"
#include "http_api/listener.hpp"
#include "trust/herd_tls.hpp"

namespace dockherd::agent {

namespace {

/// Says what should be looked at; it works as it is.
Result<trust::SslContext> clients_context(const trust::CertificateFiles& files) {
  std::vector<std::string> notes;
  auto context = trust::listener_context(files, notes);
  for (const std::string& note : notes) get_logger("agent")->warn("{}", note);
  return context;
}

}  // namespace

Result<http_api::UpstreamTls> upstream_tls(const AgentConfig& config) {
  http_api::UpstreamTls tls;
  for (const trust::HerdKey& key : config.keys) {
    tls.agents.push_back(trust::agent_client_context(key));
  }
  if (!config.docker_by_tls()) return tls;
  auto daemon = trust::daemon_context(*config.docker_tls);
  if (!daemon) return daemon.error();
  tls.daemon = *std::move(daemon);
  return tls;
}

HttpServers::HttpServers(asio::any_io_executor executor, Clock& clock, const AgentConfig& config)
    : executor_(std::move(executor)), clock_(clock), config_(config) {}

HttpServers::~HttpServers() = default;

Result<void> HttpServers::open(const bus::NetworkInterface& interface, Reloaders& reloaders) {
  if (config_.tls) {
    auto holder =
        trust::TlsHolder::create([files = *config_.tls] { return clients_context(files); });
    if (!holder) return holder.error();
    clients_tls_ = *std::move(holder);
    reloaders.add("the certificate of the clients' port",
                  [holder = clients_tls_] { return holder->reload(); });
  }
  return config_.keys.empty() ? Result<void>() : open_for_agents(interface);
}

Result<void> HttpServers::open_for_agents(const bus::NetworkInterface& interface) {
  auto holder = trust::TlsHolder::create([keys = config_.keys]() -> Result<trust::SslContext> {
    return trust::agents_listener_context(keys);
  });
  if (!holder) return holder.error();
  agents_tls_ = *std::move(holder);
  const AgentsPlan plan = agents_plan(config_, interface);
  auto listener = http_api::open_listener(executor_, plan.listen.text());
  if (!listener) return Error(listener.error()).at_field("agentsPort");
  agents_listen_ = plan.listen.text();
  agents_address_ = HostPort{plan.advertised, listener->local_endpoint().port()}.text();
  agents_listener_ = *std::move(listener);
  return {};
}

std::unique_ptr<http_api::Server> HttpServers::make_server(const http_api::Handlers& handlers,
                                                           http_api::ServerSettings settings) {
  settings.product = "dockherd/" DOCKHERD_VERSION;
  return std::make_unique<http_api::Server>(executor_, clock_, handlers, std::move(settings),
                                            get_logger("http_api"));
}

Result<void> HttpServers::start(const http_api::Handlers& handlers) {
  http_api::ServerSettings for_clients;
  for_clients.address = config_.http.text();
  for_clients.tls = clients_tls_;
  for_clients.limits = config_.limits;
  clients_ = make_server(handlers, std::move(for_clients));
  if (auto started = clients_->start(); !started) return started;
  if (!agents_listener_) return {};
  http_api::ServerSettings for_agents;
  for_agents.address = agents_listen_;
  for_agents.tls = agents_tls_;
  for_agents.for_agents = true;
  agents_ = make_server(handlers, std::move(for_agents));
  agents_->start(*std::exchange(agents_listener_, std::nullopt));
  return {};
}

asio::awaitable<void> HttpServers::stop(TimePoint drain_deadline) {
  clients_->begin_stop();
  if (agents_) agents_->begin_stop();
  co_await clients_->stop(drain_deadline);
  if (agents_) co_await agents_->stop(drain_deadline);
}

}  // namespace dockherd::agent
