// Follows the other nodes: their status and containers into the node table and the directory, and
// tells newcomers what this node has. The only writer of the others' part of the directory.
#pragma once

#include <string>

#include "agent/docker_watcher.hpp"
#include "agent/herd.hpp"
#include "bus/event_bus.hpp"

namespace dockherd::agent {

class PeerWatcher final : public bus::BusListener {
 public:
  PeerWatcher(Herd& herd, const DockerWatcher& own_containers)
      : herd_(herd), own_containers_(own_containers) {}

  void on_peer_joined(const bus::PeerInfo& peer) override;
  void on_peer_lost(const bus::PeerInfo& peer, const std::string& reason) override;
  void on_session_renewed(const bus::PeerInfo& peer) override;
  void on_notice(const NodeId& from, const std::string& topic, const std::string& body) override;

  /// Takes in what a node says of itself; also the verb between agents, which is acknowledged.
  Result<void> take_status(const NodeId& from, const std::string& text);

 private:
  void tell_everything(const NodeId& to);
  Result<void> take_containers(const NodeId& from, const std::string& text);

  Herd& herd_;
  const DockerWatcher& own_containers_;
};

}  // namespace dockherd::agent
