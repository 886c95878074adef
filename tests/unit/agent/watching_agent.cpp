#include "tests/unit/agent/watching_agent.hpp"

#include <boost/asio/co_spawn.hpp>
#include <optional>
#include <random>

namespace dockherd::agent {

namespace {

NodeId id_of(fakes::Host host) {
  std::mt19937_64 random(static_cast<std::uint64_t>(host));
  return NodeId::random(random);
}

fakes::DaemonSettings daemon_of(fakes::Host host) {
  fakes::DaemonSettings settings;
  settings.random_seed = static_cast<std::uint64_t>(host);
  return settings;
}

NodeSettings node_of(fakes::Host host) {
  NodeSettings settings;
  settings.id = id_of(host);
  settings.hostname = "host" + std::to_string(host);
  settings.http_address = "10.0.0." + std::to_string(host) + ":8080";
  settings.random_seed = static_cast<std::uint64_t>(host);
  return settings;
}

bus::BusSettings bus_of(fakes::Host host) {
  bus::BusSettings settings;
  settings.id = id_of(host);
  settings.name = "host" + std::to_string(host);
  settings.herd = "herd";
  settings.headers[std::string(bus::header_version)] = "1";
  return settings;
}

}  // namespace

WatchingAgent::WatchingAgent(fakes::VirtualTime& world, fakes::MemoryNetwork& network,
                             fakes::Host host, fakes::FakeDockerSettings daemon_times)
    : time(world),
      clock(world, context),
      transport(network, context, host, id_of(host)),
      discovery(network, context, host),
      daemon(daemon_of(host)),
      docker(clock, context.get_executor(), daemon, daemon_times),
      herd(NodePorts{context.get_executor(), clock, transport, {&discovery}, docker}, node_of(host),
           bus_of(host)),
      promises(herd, docker),
      claims(herd),
      quotas(herd, promises),
      keys(herd, docker),
      docker_watcher(herd, docker, promises),
      peer_watcher(herd, docker_watcher, claims, quotas, keys) {
  time.add(context);
  NodeStatus status;
  status.hostname = herd.settings.hostname;
  herd.nodes.put(herd.self(), std::move(status));
}

WatchingAgent::~WatchingAgent() {
  context.shutdown();
  time.remove(context);
}

void WatchingAgent::start() {
  herd.bus.listen(peer_watcher);
  herd.bus.start();
  docker_watcher.start();
  peer_watcher.start();
  time.touch(context);
}

asio::awaitable<void> WatchingAgent::stop() {
  co_await herd.bus.stop();
  co_await herd.tasks.close();
}

std::string WatchingAgent::create(const std::string& name) {
  const auto id = daemon.create(name, "busybox", clock.wall_now());
  time.touch(context);
  return id.value();
}

void WatchingAgent::remove(const std::string& container) {
  EXPECT_TRUE(daemon.remove(container, clock.wall_now()));
  time.touch(context);
}

WatchingTest::WatchingTest() {
  LogSettings quiet;
  quiet.level = "off";
  configure_logging(quiet).value();
}

WatchingTest::~WatchingTest() {
  for (const auto& agent : agents) {
    bool ended = false;
    asio::co_spawn(agent->context, agent->stop(), [&ended](const std::exception_ptr& failure) {
      EXPECT_FALSE(failure);
      ended = true;
    });
    time.touch(agent->context);
    EXPECT_TRUE(time.run_until([&ended] { return ended; }, time.now() + std::chrono::minutes(1)));
  }
}

WatchingAgent& WatchingTest::add_agent(fakes::FakeDockerSettings daemon_times) {
  const auto host = static_cast<fakes::Host>(agents.size() + 1);
  agents.push_back(std::make_unique<WatchingAgent>(time, network, host, daemon_times));
  return *agents.back();
}

Result<std::string> WatchingTest::list(WatchingAgent& agent) {
  std::optional<Result<std::string>> listed;
  asio::co_spawn(agent.context, agent.docker_watcher.list(time.now() + std::chrono::seconds(5)),
                 [&listed](const std::exception_ptr& failure, Result<std::string> result) {
                   EXPECT_FALSE(failure);
                   listed.emplace(std::move(result));
                 });
  time.touch(agent.context);
  EXPECT_TRUE(time.run_until([&listed] { return listed.has_value(); },
                             time.now() + std::chrono::minutes(1)));
  return std::move(listed.value());
}

}  // namespace dockherd::agent
