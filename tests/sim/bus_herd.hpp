// Many event buses on one network in memory, without containers and verbs: for membership alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bus/event_bus.hpp"
#include "tests/fakes/memory_network.hpp"
#include "tests/fakes/virtual_clock.hpp"
#include "tests/sim/sim_host.hpp"

namespace dockherd::sim {

/// What one bus said of a peer.
struct PeerEvent {
  TimePoint when;
  fakes::Host at = 0;
  NodeId peer;
  bool joined = false;  ///< Else lost.
  std::string reason;
};

/// One agent that is nothing but a bus.
class BusProcess final : public bus::BusListener {
 public:
  BusProcess(fakes::VirtualTime& time, fakes::MemoryNetwork& network, fakes::Host number,
             bus::BusSettings settings, std::uint64_t seed, std::vector<PeerEvent>& events);
  ~BusProcess() override;
  BusProcess(const BusProcess&) = delete;
  BusProcess& operator=(const BusProcess&) = delete;

  void vanish(Ending ending);
  bus::EventBus& event_bus() { return *bus_; }
  asio::io_context& context() { return context_; }
  const NodeId& id() const { return bus_->self(); }
  const std::vector<std::string>& notices() const { return notices_; }

  void on_peer_joined(const bus::PeerInfo& peer) override;
  void on_peer_lost(const bus::PeerInfo& peer, const std::string& reason) override;
  void on_session_renewed(const bus::PeerInfo&) override {}
  void on_notice(const NodeId& from, const std::string& topic, const std::string& body) override;

 private:
  fakes::VirtualTime& time_;
  fakes::MemoryNetwork& network_;
  fakes::Host number_;
  std::vector<PeerEvent>& events_;
  std::vector<std::string> notices_;
  fakes::VirtualContext context_;
  fakes::VirtualClock clock_;
  fakes::MemoryTransport transport_;
  fakes::MemoryDiscovery discovery_;
  std::unique_ptr<bus::EventBus> bus_;
};

/// Hosts are numbered from 1.
class BusHerd {
 public:
  BusHerd(std::size_t size, std::uint64_t seed, fakes::NetworkSettings network = {},
          bus::LivenessSettings liveness = {});

  void start(fakes::Host host);
  /// All, at random times within `within`.
  void start_all(Duration within);
  void end(fakes::Host host, Ending ending);
  /// Says goodbye.
  void stop(fakes::Host host);
  void freeze(fakes::Host host, Duration duration);

  bool alive(fakes::Host host) const { return at(host) != nullptr; }
  BusProcess& process(fakes::Host host) { return *at(host); }
  std::size_t size() const { return processes_.size(); }
  /// Every living bus sees every other, and nobody else.
  bool whole() const;
  /// How many buses see that peer.
  std::size_t seen_by(const NodeId& peer) const;
  /// Since the last call of forget_events().
  const std::vector<PeerEvent>& events() const { return events_; }
  void forget_events() { events_.clear(); }
  std::size_t losses() const;
  /// Of messages, bytes and datagrams, summed over all hosts.
  fakes::Traffic traffic() const;

  fakes::VirtualTime time;
  fakes::MemoryNetwork network;

 private:
  const std::unique_ptr<BusProcess>& at(fakes::Host host) const {
    return processes_[static_cast<std::size_t>(host - 1)];
  }

  bus::LivenessSettings liveness_;
  std::mt19937_64 random_;
  std::vector<PeerEvent> events_;
  std::vector<std::unique_ptr<BusProcess>> processes_;
};

}  // namespace dockherd::sim
