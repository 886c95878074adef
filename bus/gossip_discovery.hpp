// Finding peers by gossip, for networks without broadcast: zgossip's wire format over ZeroMQ. Must
// not know links or membership.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "bus/discovery.hpp"
#include "bus/gossip_seed.hpp"
#include "bus/gossip_server.hpp"
#include "bus/gossip_table.hpp"
#include "bus/told_once.hpp"

namespace dockherd::bus {

struct GossipSettings {
  std::string bind;                ///< "HOST:PORT" to serve others; empty: client only.
  std::vector<std::string> seeds;  ///< "HOST:PORT" or "tcp://HOST:PORT"; any live one is enough.
  /// Encrypted, and for members of the herd only. Null: for everybody.
  std::shared_ptr<const BusKeys> keys;
  GossipTimes times;
  Duration repeat_sightings = std::chrono::seconds(1);  ///< Every known tuple is told so often.
};

/// Purpose: joins a GossipTable, a GossipServer and a GossipSeed per seed, and tells the listener
/// of every tuple again and again: whether and when to dial a peer that does not answer is the
/// event bus's to decide. An agent may be its own seed (one list of seeds for all hosts).
/// Lifecycle: start() (a bind address in use is logged and tried again), stop() or the destructor.
/// One thread only. CURVE peers' tuples are passed on but not sighted.
class GossipDiscovery final : public Discovery {
 public:
  /// errc::bad_config when the bind address or a seed is no HOST:PORT.
  static Result<void> check(const GossipSettings& settings);

  GossipDiscovery(asio::any_io_executor executor, GossipSettings settings, Logger log);
  ~GossipDiscovery() override;
  GossipDiscovery(const GossipDiscovery&) = delete;
  GossipDiscovery& operator=(const GossipDiscovery&) = delete;

  void start(DiscoveryListener& listener, const NodeId& self, const std::string& endpoint) override;
  void stop() override;
  std::string_view name() const override { return "gossip"; }

  std::size_t clients() const { return server_ ? server_->clients() : 0; }
  std::size_t seeds_up() const;
  std::size_t tuples() const { return table_.size(); }

 private:
  GossipHandlers handlers();
  void serve();
  void tick();
  void take(GossipLinkId from, const GossipMessage& message);
  void tell_all(const GossipMessage& message, GossipLinkId except);
  void sight(const GossipTuple& tuple);

  asio::any_io_executor executor_;
  GossipSettings settings_;
  Logger log_;
  GossipTable table_;
  std::unique_ptr<zmq::context_t> context_;  // Made by start(): it brings two threads.
  std::unique_ptr<GossipServer> server_;
  std::vector<std::unique_ptr<GossipSeed>> seeds_;
  asio::steady_timer timer_;
  DiscoveryListener* listener_ = nullptr;  // Null when stopped.
  ToldOnce told_;                          // Who has another key.
  bool bind_failed_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // Queued handlers hold it weakly.
};

}  // namespace dockherd::bus
