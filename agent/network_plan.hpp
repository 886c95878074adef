// Which addresses of this machine an agent uses, from its configuration and the machine's
// interfaces: what the start does and what `--check` says come from here. Opens nothing that stays.
#pragma once

#include <string>
#include <string_view>

#include "agent/agent_config.hpp"
#include "base/error.hpp"
#include "bus/beacon_discovery.hpp"
#include "bus/gossip_discovery.hpp"
#include "bus/network_interface.hpp"
#include "bus/zmq_transport.hpp"

namespace dockherd::agent {

/// That the bus is on: where the user put it, else beside the beacon, else on the LAN; without
/// keys or "insecure" that is loopback. Fails, like all here, with bad_config and the key at fault
/// when this host does not have what is asked for.
Result<bus::NetworkInterface> bus_interface(const AgentConfig& config);

/// The mailbox of the bus on that interface.
bus::ZmqTransportSettings mailbox_settings(const AgentConfig& config,
                                           const bus::NetworkInterface& interface);

/// `config.beacon` is set. Beside the bus, unless it has an interface of its own.
Result<bus::BeaconSettings> beacon_settings(const AgentConfig& config,
                                            const bus::NetworkInterface& interface);

/// `config.gossip` is set.
Result<bus::GossipSettings> gossip_settings(const AgentConfig& config);

/// Where other agents call, when the herd has a key: as they reach the bus.
struct AgentsPlan {
  HostPort listen;  ///< Port 0: the system's choice.
  std::string advertised;
};
AgentsPlan agents_plan(const AgentConfig& config, const bus::NetworkInterface& interface);

/// Whether this host has the address that HTTP is to listen on.
Result<void> check_http_address(const AgentConfig& config);

/// "ADDRESS:PORT" that others reach the verbs by: for a listener on all addresses, the address by
/// which peers reach the bus.
std::string advertised_http(const AgentConfig& config, const bus::NetworkInterface& interface);

}  // namespace dockherd::agent
