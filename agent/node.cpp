#include "agent/node.hpp"

#include <utility>

#include "agent/bus_handlers.hpp"
#include "agent/cluster_service.hpp"
#include "agent/collision_watcher.hpp"
#include "agent/create_keys.hpp"
#include "agent/docker_herd.hpp"
#include "agent/docker_watcher.hpp"
#include "agent/herd.hpp"
#include "agent/name_claims.hpp"
#include "agent/peer_watcher.hpp"
#include "agent/promise_keeper.hpp"
#include "agent/rescheduler.hpp"
#include "agent/specification_keeper.hpp"
#include "agent/superseded_watcher.hpp"
#include "agent/verb_executor.hpp"
#include "base/counted.hpp"

namespace dockherd::agent {

namespace {

/// How often a stop looks whether all is done.
constexpr std::chrono::milliseconds drain_look{20};

/// What peers had sent before they heard of the stop is still to be declined: lost with the
/// connection, nobody would know whether it was done.
constexpr std::chrono::milliseconds on_its_way{100};

bus::BusSettings bus_settings(const NodeSettings& settings) {
  bus::BusSettings bus;
  bus.id = settings.id;
  bus.name = settings.hostname;
  bus.herd = settings.herd;
  bus.headers[std::string(bus::header_version)] = DOCKHERD_VERSION;
  bus.headers[std::string(bus::header_http)] = settings.http_address;
  if (!settings.agents_address.empty()) {
    bus.headers[std::string(bus::header_agents)] = settings.agents_address;
  }
  bus.headers[std::string(bus::header_hostname)] = settings.hostname;
  bus.liveness = settings.liveness;
  return bus;
}

}  // namespace

/// In the order of construction; each part knows those above it only.
struct Node::Parts {
  Parts(NodePorts ports, NodeSettings settings)
      : herd(ports, settings, bus_settings(settings)),
        collisions(herd),
        promises(herd, ports.docker),
        claims(herd),
        quotas(herd, promises),
        docker_watcher(herd, ports.docker, promises),
        keys(herd, ports.docker),
        peer_watcher(herd, docker_watcher, claims, quotas, keys),
        executor(herd, ports.docker, docker_watcher, promises),
        cluster(herd, executor, claims, quotas, keys),
        docker_herd(herd, docker_watcher, promises, executor, claims, quotas, keys),
        handlers(herd, cluster, executor, peer_watcher, claims, quotas, keys),
        specifications(herd, ports.docker),
        rescheduler(herd, claims, specifications, docker_herd),
        superseded(herd, ports.docker, docker_watcher) {
    docker_watcher.on_listed([this](const ContainerSummary& summary) {
      specifications.listed(summary);
      superseded.listed(summary);
    });
    docker_watcher.on_updated([this](const std::string& id) { specifications.changed(id); });
    docker_watcher.on_removed([this](const std::string& id) {
      specifications.removed(id);
      superseded.removed(id);
    });
    peer_watcher.reschedule_with({specifications, rescheduler, superseded});
  }

  Herd herd;
  CollisionWatcher collisions;
  PromiseKeeper promises;
  NameClaims claims;
  QuotaJudge quotas;
  DockerWatcher docker_watcher;
  CreateKeys keys;
  PeerWatcher peer_watcher;
  VerbExecutor executor;
  ClusterService cluster;
  DockerHerd docker_herd;
  BusHandlers handlers;
  SpecificationKeeper specifications;
  Rescheduler rescheduler;
  SupersededWatcher superseded;
  std::size_t verbs_running = 0;
  TimePoint stop_begun{};
};

Node::Node(NodePorts ports, NodeSettings settings)
    : parts_(std::make_unique<Parts>(std::move(ports), std::move(settings))) {}

Node::~Node() = default;

void Node::start() {
  Herd& herd = parts_->herd;
  herd.started = herd.clock.now();
  NodeStatus status;
  status.hostname = herd.settings.hostname;
  status.address = herd.settings.http_address;
  status.agents_address = herd.settings.agents_address;
  status.version = DOCKHERD_VERSION;
  status.insecure = herd.settings.insecure;
  herd.nodes.put(herd.self(), std::move(status));

  herd.bus.serve(
      [this](bus::IncomingRequest request) { return parts_->handlers.handle(std::move(request)); });
  herd.bus.listen(parts_->peer_watcher);
  herd.bus.join(herd.settings.cluster_address);
  herd.bus.join(herd.settings.cluster_address + "." + herd.settings.hostname);
  herd.bus.start();
  parts_->promises.start();
  parts_->docker_watcher.start();
  parts_->peer_watcher.start();
  parts_->specifications.start();
  parts_->rescheduler.start();
}

void Node::begin_stop() {
  Herd& herd = parts_->herd;
  if (std::exchange(herd.stopping, true)) return;
  parts_->stop_begun = herd.clock.now();
  herd.own_status().in_pool = false;
  herd.bus.notify_all(std::string(topic_status), encode_status(herd.own_status()));
}

asio::awaitable<void> Node::stop(TimePoint drain_deadline) {
  begin_stop();
  Herd& herd = parts_->herd;
  const TimePoint all_told = parts_->stop_begun + on_its_way;
  const auto busy = [&] {
    return parts_->verbs_running > 0 || herd.bus.serving() > 0 || herd.clock.now() < all_told;
  };
  while (busy() && herd.clock.now() < drain_deadline) {
    co_await herd.clock.sleep_until(herd.clock.now() + drain_look);
  }
  co_await herd.bus.stop();
  co_await herd.tasks.close();
}

asio::awaitable<http_api::VerbReply> Node::execute_verb(std::string request,
                                                        http_api::Caller caller) {
  const Counted running(parts_->verbs_running);
  co_return co_await parts_->cluster.execute(std::move(request), std::move(caller.principal),
                                             std::move(caller.idempotency_key));
}

std::string Node::greeting() const {
  const Herd& herd = parts_->herd;
  const bool tls = herd.settings.tls;
  return "dockherd " DOCKHERD_VERSION " on " + herd.settings.hostname + ", a herd of " +
         std::to_string(herd.nodes.nodes().size()) +
         ".\n"
         "POST a JSON verb to /, for example:\n"
         "  curl -X POST --data '{\"action\":\"list-nodes\"}' " +
         (tls ? "https://" : "") + herd.settings.http_address +
         "\n"
         "Docker's own command drives the herd, too:\n"
         "  DOCKER_HOST=tcp://" +
         herd.settings.http_address + (tls ? " docker --tlsverify ps\n" : " docker ps\n") +
         "All verbs with requests and answers: docs/rest.md; Docker's API: docs/docker-api.md; the "
         "bus: docs/bus.md; man dockherd.\n";
}

engine_api::HerdPort& Node::docker_herd() {
  return parts_->docker_herd;
}

void Node::on_node_gone(std::function<void(const std::string& address)> gone) {
  parts_->peer_watcher.on_gone(std::move(gone));
}

std::map<std::string, NodeId> Node::containers() const {
  return parts_->herd.directory.owners();
}

std::map<std::string, std::set<std::string>> Node::name_collisions() const {
  std::map<std::string, std::set<std::string>> collisions;
  for (const auto& [name, containers] : parts_->herd.name_collisions.standing()) {
    for (const ContainerLocation& each : containers.candidates) collisions[name].insert(each.id);
  }
  return collisions;
}

const bus::EventBus& Node::event_bus() const {
  return parts_->herd.bus;
}

}  // namespace dockherd::agent
