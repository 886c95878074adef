#include "agent/agent.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdlib>
#include <memory>

#include "agent/gatekeeper.hpp"
#include "agent/http_servers.hpp"
#include "agent/network_plan.hpp"
#include "agent/node.hpp"
#include "agent/reloaders.hpp"
#include "base/limits.hpp"
#include "base/task_group.hpp"
#include "bus/beacon_discovery.hpp"
#include "bus/gossip_discovery.hpp"
#include "bus/zmq_transport.hpp"
#include "docker_client/engine_client.hpp"
#include "engine_api/docker_service.hpp"

namespace dockherd::agent {

namespace {

docker_client::EngineSettings engine_settings(const AgentConfig& config) {
  docker_client::EngineSettings engine;
  engine.address = config.docker;
  engine.tls = config.docker_by_tls();
  if (!engine.tls) return engine;
  engine.tls_files = {config.docker_tls->authority, config.docker_tls->certificate,
                      config.docker_tls->key};
  return engine;
}

/// Beyond loopback somebody is neither asked for a key nor who he is.
bool lets_everybody_in(const AgentConfig& config) {
  const bool asks = config.users_file || (config.tls && !config.tls->authority.empty());
  return config.insecure && (config.keys.empty() || !asks);
}

/// Everything of a running agent, in the order in which it is built; stopped in reverse.
class Agent {
 public:
  explicit Agent(const AgentConfig& config) : config_(config), log_(get_logger("agent")) {}

  Result<void> build();
  void run();

 private:
  Result<void> build_docker_api();
  Result<void> build_discoveries(const bus::NetworkInterface& interface);
  NodeSettings node_settings(const bus::NetworkInterface& interface) const;
  asio::awaitable<void> run_until_signalled();
  asio::awaitable<void> reload_when_told();
  asio::awaitable<void> stop();

  const AgentConfig& config_;
  Logger log_;
  asio::io_context io_{1};
  SystemClock clock_;
  NodeId id_;
  std::shared_ptr<const bus::BusKeys> bus_keys_;  // Null without a herd key.
  std::uint64_t seed_ = 0;
  Reloaders reloaders_{log_};
  asio::signal_set hangups_{io_, SIGHUP};
  TaskGroup tasks_{io_.get_executor(), log_};
  TaskGroup docker_tasks_{io_.get_executor(), log_};  // Of the Docker API and its upstreams.
  std::unique_ptr<docker_client::EngineClient> docker_;
  trust::UserBook users_;
  std::unique_ptr<Gatekeeper> gatekeeper_;
  std::unique_ptr<bus::ZmqTransport> transport_;
  std::vector<std::unique_ptr<bus::Discovery>> discoveries_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<http_api::UpstreamPool> upstreams_;
  std::unique_ptr<engine_api::DockerService> docker_api_;
  std::unique_ptr<HttpServers> servers_;
};

Result<void> Agent::build() {
  auto random = make_random_generator();
  if (!config_.keys.empty()) bus_keys_ = std::make_shared<const bus::BusKeys>(config_.keys);
  id_ = bus_keys_ ? bus_keys_->node() : NodeId::random(random);
  seed_ = random();

  docker_ =
      std::make_unique<docker_client::EngineClient>(io_.get_executor(), engine_settings(config_));

  if (config_.users_file) {
    auto users = trust::UserBook::open(*config_.users_file);
    if (!users) return users.error();
    users_ = std::move(*users);
    reloaders_.add("the users file", [this] { return users_.reload(); });
  }
  const bool asks_certificates = config_.tls && !config_.tls->authority.empty();
  gatekeeper_ = std::make_unique<Gatekeeper>(users_, asks_certificates);

  const auto interface = bus_interface(config_);
  if (!interface) return interface.error();
  auto mailbox = mailbox_settings(config_, *interface);
  mailbox.keys = bus_keys_;
  auto transport = bus::ZmqTransport::open(io_.get_executor(), id_, mailbox, get_logger("bus"));
  if (!transport) return transport.error();
  transport_ = std::move(*transport);
  if (auto built = build_discoveries(*interface); !built) return built.error();
  servers_ = std::make_unique<HttpServers>(io_.get_executor(), clock_, config_);
  if (auto opened = servers_->open(*interface, reloaders_); !opened) return opened.error();

  NodePorts ports{io_.get_executor(), clock_, *transport_, {}, *docker_, &users_};
  for (const auto& discovery : discoveries_) ports.discoveries.push_back(discovery.get());
  node_ = std::make_unique<Node>(std::move(ports), node_settings(*interface));

  if (auto built = build_docker_api(); !built) return built.error();
  return servers_->start(http_api::Handlers{*node_, *docker_api_, *upstreams_, gatekeeper_.get(),
                                            get_logger("audit")});
}

Result<void> Agent::build_docker_api() {
  auto tls = upstream_tls(config_);
  if (!tls) return tls.error();
  upstreams_ = std::make_unique<http_api::UpstreamPool>(io_.get_executor(), clock_, docker_tasks_,
                                                        *std::move(tls));
  node_->on_node_gone([this](const std::string& address) { upstreams_->break_off(address); });
  engine_api::ApiSettings settings;
  settings.daemon = config_.docker;
  settings.names = config_.name_style;
  settings.task_timeout = config_.task_timeout;
  docker_api_ = std::make_unique<engine_api::DockerService>(
      engine_api::ApiContext(node_->docker_herd(), *upstreams_, clock_, docker_tasks_,
                             std::move(settings), get_logger("engine_api"), &users_));
  return {};
}

Result<void> Agent::build_discoveries(const bus::NetworkInterface& interface) {
  if (config_.beacon) {
    auto beacon = beacon_settings(config_, interface);
    if (!beacon) return beacon.error();
    beacon->keys = bus_keys_;
    discoveries_.push_back(std::make_unique<bus::BeaconDiscovery>(
        io_.get_executor(), std::move(*beacon), get_logger("bus")));
  }
  if (config_.gossip) {
    auto gossip = gossip_settings(config_);
    if (!gossip) return gossip.error();
    gossip->keys = bus_keys_;
    discoveries_.push_back(std::make_unique<bus::GossipDiscovery>(
        io_.get_executor(), std::move(*gossip), get_logger("bus")));
  }
  return {};
}

NodeSettings Agent::node_settings(const bus::NetworkInterface& interface) const {
  NodeSettings settings;
  settings.id = id_;
  settings.hostname = config_.hostname;
  settings.cluster_address = config_.cluster_address;
  settings.herd = config_.herd;
  settings.http_address = advertised_http(config_, interface);
  settings.agents_address = servers_->agents_address();
  settings.tls = config_.tls.has_value();
  settings.templates = config_.templates;
  settings.relist_interval = config_.relist_interval;
  settings.task_timeout = config_.task_timeout;
  settings.new_container_timeout = config_.new_container_timeout;
  settings.pull_timeout = config_.pull_timeout;
  settings.liveness = config_.liveness;
  settings.reschedule_after = config_.reschedule_after;
  settings.remove_superseded = config_.remove_superseded;
  settings.insecure = lets_everybody_in(config_);
  settings.overcommit = config_.overcommit;
  settings.name_style = config_.name_style;
  settings.random_seed = seed_;
  return settings;
}

void Agent::run() {
  node_->start();
  log_->info("started version={} host={} id={} herd={} key={} http={} bus={} docker={}",
             DOCKHERD_VERSION, config_.hostname, id_.short_hex(), config_.herd,
             bus_keys_ ? bus_keys_->id() : "none", servers_->local_address(),
             transport_->endpoint(), config_.docker);
  if (lets_everybody_in(config_)) {
    log_->warn(
        "insecure: anybody who reaches {} has root on this host by way of Docker; use it on "
        "trusted networks only",
        bus_keys_ ? "http=" + servers_->local_address()
                  : "http=" + servers_->local_address() + " or bus=" + transport_->endpoint());
  }
  tasks_.spawn("run", run_until_signalled());
  tasks_.spawn("reload", reload_when_told());
  io_.run();
}

asio::awaitable<void> Agent::run_until_signalled() {
  asio::signal_set signals(io_, SIGINT, SIGTERM);
  const int signal = co_await signals.async_wait(asio::use_awaitable);
  log_->info("stopping signal={}", signal == SIGINT ? "SIGINT" : "SIGTERM");
  // A second signal ends the program at once.
  signals.cancel();
  signals.clear();
  hangups_.cancel();
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  co_await stop();
}

/// SIGHUP. Ends with the stop.
asio::awaitable<void> Agent::reload_when_told() {
  boost::system::error_code failure;
  while (!failure) {
    co_await hangups_.async_wait(asio::redirect_error(asio::use_awaitable, failure));
    if (!failure) reloaders_.run();
  }
}

asio::awaitable<void> Agent::stop() {
  // One drain time for both: clients by HTTP and what is served for peers.
  const TimePoint drained = clock_.now() + limits::drain;
  node_->begin_stop();
  co_await servers_->stop(drained);
  co_await node_->stop(drained);
  co_await docker_tasks_.close();
  servers_.reset();
  docker_api_.reset();
  upstreams_.reset();
  node_.reset();
  discoveries_.clear();
  transport_->stop();
  transport_.reset();
  docker_.reset();
  log_->info("stopped");
}

/// The usual soft limit of 1024 descriptors is what HTTP clients alone may use; a herd of hundreds
/// needs several for each peer.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65'536);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int run_agent(const AgentConfig& config) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  Agent agent(config);
  if (const auto built = agent.build(); !built) {
    get_logger("agent")->error("cannot start: {}", built.error().message);
    return EXIT_FAILURE;
  }
  agent.run();
  return EXIT_SUCCESS;
}

}  // namespace dockherd::agent
