// Finding peers by ZRE's UDP beacon (RFC 36). Must not know links or membership.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "bus/beacon_codec.hpp"
#include "bus/bus_keys.hpp"
#include "bus/discovery.hpp"
#include "bus/network_interface.hpp"

namespace dockherd::bus {

struct BeaconSettings {
  NetworkInterface interface = loopback_interface();
  std::uint16_t port = beacon_udp_port;  ///< From and to which beacons go.
  Duration announce_interval = std::chrono::milliseconds(1'000);
  /// Only beacons of those who have the herd's key count. Null: everybody's.
  std::shared_ptr<const BusKeys> keys;
};

struct BeaconCounters {
  std::uint64_t sent = 0;
  std::uint64_t send_errors = 0;
  std::uint64_t received = 0;  ///< Of peers; not our own.
  std::uint64_t ignored = 0;   ///< No beacon, another version, or from outside the subnet.
  std::uint64_t forged = 0;    ///< Of another key than the herd's, or of none.
};

/// Purpose: broadcasts our beacon and hears those of the interface's subnet. Broadcasts go from
/// ADDRESS:5670 (deployed peers do so too); everything is heard on 0.0.0.0:5670 and told apart by
/// the sender's subnet, so that two interfaces do not mix and an address that is briefly gone
/// changes nothing. On loopback it is 127.255.255.255:5670, which nobody else can reach. Errors are
/// logged when they begin and when they end, and never end it.
/// Lifecycle: start(), stop() or the destructor. Port 0 is sent at stop().
/// One thread only.
class BeaconDiscovery final : public Discovery {
 public:
  BeaconDiscovery(asio::any_io_executor executor, BeaconSettings settings, Logger log);
  ~BeaconDiscovery() override;
  BeaconDiscovery(const BeaconDiscovery&) = delete;
  BeaconDiscovery& operator=(const BeaconDiscovery&) = delete;

  void start(DiscoveryListener& listener, const NodeId& self, const std::string& endpoint) override;
  void stop() override;
  std::string_view name() const override { return "beacon"; }

  const BeaconCounters& counters() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;  // Handlers on the event loop share it and may outlive this.
};

}  // namespace dockherd::bus
