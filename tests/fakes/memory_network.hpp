// A network in memory on virtual time: mailboxes, links and beacons with the faults of real ones.
// Must not know what the frames mean.
//
// What is modelled. A link is one TCP connection: its messages arrive in order or not at all.
// A direction between two hosts can be cut: what is sent that way is held, and arrives at TCP's
// first try after the cut heals; its tries double their distance, so that after a long cut it takes
// as long again, while a new link is quick. Held for longer than `link_patience` it breaks the link
// instead, as TCP gives up. Establishing a link needs both directions and is tried again until it
// succeeds or is given up by disconnect(). When a process ends, established links to it close at
// their other ends after a latency (or after the cut heals); when a host loses power they stay
// silent until the host is back and resets them. As the real transport does, a mailbox that saw a
// peer's link end, and no other begin within 200 ms, reports its own link to that peer closed.
// Datagrams (beacons) can be lost, doubled and late, and cut ones are gone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/discovery.hpp"
#include "bus/transport.hpp"
#include "tests/fakes/virtual_clock.hpp"

namespace dockherd::fakes {

/// A host of the memory network, 1 to 65535. Its address is "10.0.HIGH.LOW".
using Host = int;

struct NetworkSettings {
  Duration latency_low = std::chrono::microseconds(100);  ///< One way, drawn evenly.
  Duration latency_high = std::chrono::microseconds(2'000);
  Duration announce_interval = std::chrono::seconds(1);  ///< Between beacons of a host.
  Duration link_patience = std::chrono::minutes(15);     ///< Held bytes break a link after this.
  double datagram_loss = 0;                              ///< Probabilities, 0 to 1.
  double datagram_duplication = 0;
  double datagram_lateness = 0;  ///< Of one that arrives up to `datagram_delay` late.
  Duration datagram_delay = std::chrono::milliseconds(3'000);
  /// A beacon reaches all who hear it at the same time, without the faults above: what keeps a herd
  /// of a thousand, with a million of them a second, quick to simulate.
  bool datagrams_together = false;
  std::uint64_t random_seed = 1;
};

/// What a host sent. Payload only: no headers of ZMTP, TCP or IP.
struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t datagrams = 0;  ///< A broadcast counts once.
};

class MemoryTransport;
class MemoryDiscovery;

/// Purpose: the wires between hosts, their faults and their counters. Owned by the test; outlives
/// all transports and discoveries on it.
/// One process (one transport) per host at a time; a later one gets the same endpoint.
class MemoryNetwork {
 public:
  MemoryNetwork(VirtualTime& time, NetworkSettings settings = {});
  ~MemoryNetwork();

  NetworkSettings& settings() { return settings_; }

  /// Faults. A cut is one-way, and undone by heal().
  void cut(Host from, Host to);
  void heal(Host from, Host to);
  void heal_all();
  bool is_cut(Host from, Host to) const {
    return cuts_.contains({from, to}) || unplugged_.contains(from) || unplugged_.contains(to);
  }
  /// Every direction from and to the host is cut, until it is plugged in again.
  void unplug(Host host) { unplugged_.insert(host); }
  void plug_in(Host host);
  /// Resets the link that `from` opened to `to`: messages in flight are lost. `from` is told at
  /// once, `to` after its grace.
  void break_link(Host from, Host to);
  /// Everything from or to the host takes this much longer until called with zero.
  void delay(Host host, Duration extra);
  /// The host loses power: no peer is told. Call it before its transport is destroyed.
  void power_off(Host host);

  Traffic traffic(Host host) const;
  /// What hosts sent to peers whose link was gone, and known to be, without dialling again.
  const std::vector<std::string>& sends_to_lost_peers() const { return sends_to_lost_peers_; }
  /// Of all deliveries and closures so far, with their times.
  std::uint64_t trace_hash() const { return trace_hash_; }
  /// Mixes something else into the hash: results of verbs.
  void add_to_trace(std::string_view text);
  /// Is told every delivery and closure, for a person.
  std::function<void(const std::string&)> tracer;
  /// May change a message as it leaves its host.
  std::function<void(Host from, Host to, bus::Frames& frames)> on_departure;
  /// May change a message that arrives at a host, before the host sees it.
  std::function<void(Host to, bus::Frames& frames)> on_arrival;

  static std::string endpoint_of(Host host);

 private:
  friend class MemoryTransport;
  friend class MemoryDiscovery;
  struct Mailbox;
  struct Link;
  using MailboxPointer = std::shared_ptr<Mailbox>;
  using LinkPointer = std::shared_ptr<Link>;

  void open(const MailboxPointer& mailbox);
  void close(Mailbox& mailbox);
  void sweep();
  void dial(const LinkPointer& link);
  void establish(const LinkPointer& link);
  void pump(const LinkPointer& link);
  void retransmit(const LinkPointer& link);
  void look_after_heal(const LinkPointer& link);
  void arrive(const LinkPointer& link, const bus::Frames& frames);
  void healed(const LinkPointer& link, bool forth);
  void give_up_if_held(const LinkPointer& link, std::uint64_t generation);
  void report_closed(const LinkPointer& link, const std::string& reason);
  void linger(const LinkPointer& link);
  void target_ended(const LinkPointer& link);
  void source_ended(const LinkPointer& link);

  void broadcast(const MemoryDiscovery& from, bool leaving);
  void broadcast_together(const MemoryDiscovery& from, bool leaving);
  static void hear(MemoryDiscovery& to, NodeId peer, const std::string& endpoint, bool leaving);
  void send_datagram(const MemoryDiscovery& from, MemoryDiscovery& to, bool leaving);

  Duration latency(Host from, Host to);
  bool chance(double probability);
  Duration draw(Duration low, Duration high);
  void trace(const std::string& text);

  VirtualTime& time_;
  NetworkSettings settings_;
  std::mt19937_64 random_;
  std::map<std::string, MailboxPointer> mailboxes_;  // Open ones, by endpoint.
  std::vector<LinkPointer> links_;                   // Dead ones are swept now and then.
  std::size_t sweep_at_ = 64;
  std::map<Host, MemoryDiscovery*> discoveries_;
  std::set<std::pair<Host, Host>> cuts_;
  std::set<Host> unplugged_;
  std::set<Host> dark_;  // Without power until a new transport starts there.
  std::map<Host, Duration> delays_;
  std::map<Host, Traffic> traffic_;
  std::vector<std::string> sends_to_lost_peers_;
  std::uint64_t trace_hash_ = 1469598103934665603u;
};

/// One node's mailbox. Destroying it without stop() is the death of the process.
class MemoryTransport final : public bus::Transport {
 public:
  MemoryTransport(MemoryNetwork& network, asio::io_context& context, Host host, NodeId self);
  ~MemoryTransport() override;

  void start(bus::TransportListener& listener) override;
  void stop() override;
  std::string endpoint() const override;
  bool connect(const NodeId& peer, const std::string& endpoint) override;
  bool send(const NodeId& peer, bus::Frames frames) override;
  std::size_t unsent_bytes(const NodeId& peer) const override;
  void disconnect(const NodeId& peer) override;
  std::string_view address_of(const NodeId& peer) const override;

  std::size_t links() const;

 private:
  MemoryNetwork& network_;
  std::shared_ptr<MemoryNetwork::Mailbox> mailbox_;
  mutable std::string address_;  // Of the last call of address_of().
};

/// Beacons of one node, heard by every other on the network: at start, then every interval.
class MemoryDiscovery final : public bus::Discovery {
 public:
  MemoryDiscovery(MemoryNetwork& network, asio::io_context& context, Host host);
  ~MemoryDiscovery() override;

  void start(bus::DiscoveryListener& listener, const NodeId& self,
             const std::string& endpoint) override;
  void stop() override;
  /// Ends without a goodbye, as the process does.
  void vanish() { leave_network(); }
  std::string_view name() const override { return "memory"; }

 private:
  friend class MemoryNetwork;
  void announce();
  void leave_network();

  MemoryNetwork& network_;
  asio::io_context& context_;
  Host host_;
  bus::DiscoveryListener* listener_ = nullptr;
  NodeId self_;
  std::string endpoint_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // Watched by what is under way to us.
};

}  // namespace dockherd::fakes
