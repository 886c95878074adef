// The part of an agent that watches: its daemon and its peers, on fakes and open to a test. Whole
// nodes are in node_herd.hpp.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/docker_watcher.hpp"
#include "agent/herd.hpp"
#include "agent/peer_watcher.hpp"
#include "tests/fakes/fake_docker.hpp"
#include "tests/fakes/memory_network.hpp"
#include "tests/fakes/virtual_clock.hpp"

namespace dockherd::agent {

/// Owned by WatchingTest, which stops it before it is destroyed.
struct WatchingAgent {
  WatchingAgent(fakes::VirtualTime& world, fakes::MemoryNetwork& network, fakes::Host host,
                fakes::FakeDockerSettings daemon_times);
  ~WatchingAgent();
  WatchingAgent(const WatchingAgent&) = delete;
  WatchingAgent& operator=(const WatchingAgent&) = delete;

  /// Joins the herd and follows the daemon, as Node::start() does.
  void start();
  asio::awaitable<void> stop();

  /// As if somebody had used the docker command on this agent's host.
  std::string create(const std::string& name);
  void remove(const std::string& container);

  const NodeId& id() const { return herd.self(); }
  bool knows(const std::string& container) const { return herd.directory.has(id(), container); }
  /// Whether the container's endpoint is this node's.
  bool serves(const std::string& container) const { return herd.bus.is_member(container, id()); }

  fakes::VirtualTime& time;
  fakes::VirtualContext context;
  fakes::VirtualClock clock;
  fakes::MemoryTransport transport;
  fakes::MemoryDiscovery discovery;
  fakes::DaemonModel daemon;
  fakes::FakeDocker docker;
  Herd herd;
  PromiseKeeper promises;
  NameClaims claims;
  QuotaJudge quotas;
  CreateKeys keys;
  DockerWatcher docker_watcher;
  PeerWatcher peer_watcher;
};

class WatchingTest : public testing::Test {
 protected:
  WatchingTest();
  ~WatchingTest() override;

  /// Agents are of hosts 1, 2, …, in this order. It has yet to be started.
  WatchingAgent& add_agent(fakes::FakeDockerSettings daemon_times = {});
  /// What DockerWatcher::list() comes to.
  Result<std::string> list(WatchingAgent& agent);

  fakes::VirtualTime time;
  fakes::MemoryNetwork network{time};
  std::vector<std::unique_ptr<WatchingAgent>> agents;
};

}  // namespace dockherd::agent
