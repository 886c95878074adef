// One complete node above the ports: bus, container directory, placement and verbs. The program
// gives it real sockets and clocks, the simulation virtual ones.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "bus/discovery.hpp"
#include "bus/event_bus.hpp"
#include "bus/transport.hpp"
#include "docker_client/docker.hpp"
#include "engine_api/herd_port.hpp"
#include "http_api/cluster_api.hpp"
#include "trust/user_book.hpp"

namespace dockherd::agent {

/// What a node reaches the world through. All outlive the node.
struct NodePorts {
  asio::any_io_executor executor;
  Clock& clock;
  bus::Transport& transport;
  std::vector<bus::Discovery*> discoveries;
  docker_client::Docker& docker;
  const trust::UserBook* users = nullptr;  ///< Null: of a herd that knows none.
};

struct NodeSettings {
  NodeId id;
  std::string hostname;
  std::string cluster_address = "deblox.docker";  ///< Group of all agents (`clusterAddress`).
  std::string herd = "herd";                      ///< Agents of other herds are not seen.
  std::string http_address;                       ///< "ADDRESS:PORT" that clients reach us by.
  std::string agents_address;  ///< The same for other agents; empty: as clients do.
  bool tls = false;            ///< Clients come by TLS.
  std::filesystem::path templates = "templates";
  std::chrono::milliseconds relist_interval{10'000};        ///< `trackingServiceInterval`.
  std::chrono::milliseconds task_timeout{2'500};            ///< `taskTimeout`.
  std::chrono::milliseconds new_container_timeout{15'000};  ///< `newContainerTimeout`.
  std::chrono::milliseconds pull_timeout{600'000};          ///< `pullTimeout`.
  bus::LivenessSettings liveness;
  double overcommit = 0.05;  ///< How much more than it has a host may promise (`overcommit`).
  engine_api::NameStyle name_style = engine_api::NameStyle::node_prefixed;  ///< In Docker's lists.
  std::chrono::milliseconds reschedule_after{2'000};  ///< `rescheduleAfter`: since a loss.
  bool remove_superseded = false;                     ///< `superseded`: "remove", not "stop".
  bool insecure = false;          ///< Listens beyond loopback without keys; said in list-nodes.
  std::uint64_t random_seed = 0;  ///< For every random choice of the node.
};

/// Purpose: owns all parts of a node and wires them to each other.
/// Lifecycle: construct, start(), begin_stop(), co_await stop(). execute_verb() may be called
/// between start and stop.
/// One thread only.
class Node final : public http_api::ClusterApi {
 public:
  Node(NodePorts ports, NodeSettings settings);
  ~Node() override;

  /// Joins the herd and begins to follow the daemon; returns at once.
  void start();
  /// Takes no new work from peers: creates are declined, so that they go elsewhere, and all else is
  /// answered with 503. Own verbs and what is being served for peers go on.
  void begin_stop();
  /// Lets both end until `drain_deadline`, then says goodbye and cancels what is left. Containers
  /// stay running.
  asio::awaitable<void> stop(TimePoint drain_deadline);

  asio::awaitable<http_api::VerbReply> execute_verb(std::string request,
                                                    http_api::Caller caller = {}) override;
  std::string greeting() const override;

  /// For the Docker Engine API; lives as long as the node.
  engine_api::HerdPort& docker_herd();
  /// Called with the address by which agents called one that is lost or gone. Set before start().
  void on_node_gone(std::function<void(const std::string& address)> gone);

  /// What this node knows: full container id -> owner, over the whole herd. For tests and metrics.
  std::map<std::string, NodeId> containers() const;
  /// Names that containers of several hosts have, with at most 16 of their ids. For tests.
  std::map<std::string, std::set<std::string>> name_collisions() const;
  const bus::EventBus& event_bus() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace dockherd::agent
