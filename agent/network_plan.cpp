#include "agent/network_plan.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace dockherd::agent {

namespace {

constexpr std::string_view any_ipv4 = "0.0.0.0";
constexpr std::string_view any_ipv6 = "::";

/// An interface by name or address, or, when `wanted` is empty, that of the default route.
Result<bus::NetworkInterface> interface_of(std::string_view key, const std::string& wanted) {
  if (is_loopback(wanted)) return bus::loopback_interface();
  auto found = bus::choose_interface(wanted);
  if (found) return found;
  return Error(errc::bad_config, std::string(key) + ": " + found.error().message)
      .at_field(std::string(key));
}

/// Tried by binding a socket there, to a port that the system chooses; a port in use is not looked
/// for, because the agent that is checked may be running.
Result<void> check_own_address(std::string_view key, const std::string& host) {
  namespace ip = boost::asio::ip;
  boost::system::error_code failure;
  const ip::address address = ip::make_address(host, failure);
  boost::asio::io_context context;
  ip::tcp::socket socket(context);
  const ip::tcp::endpoint endpoint(address, 0);
  if (!failure) socket.open(endpoint.protocol(), failure);
  if (!failure) socket.bind(endpoint, failure);
  if (!failure) return {};
  return Error(errc::bad_config, std::string(key) + ": this host does not have the address " +
                                     host + " (" + failure.message() + ")")
      .at_field(std::string(key));
}

}  // namespace

Result<bus::NetworkInterface> bus_interface(const AgentConfig& config) {
  const std::string& bind = config.bus.bind_address;
  if (!bind.empty() && bind != any_ipv4) return interface_of("bus.bind", bind);
  if (config.beacon && !config.beacon->interface.empty()) {
    return interface_of("discovery.beacon.interface", config.beacon->interface);
  }
  if (!config.networked()) return bus::loopback_interface();
  return interface_of("bus.bind", "");
}

bus::ZmqTransportSettings mailbox_settings(const AgentConfig& config,
                                           const bus::NetworkInterface& interface) {
  bus::ZmqTransportSettings mailbox;
  mailbox.address =
      config.bus.bind_address.empty() ? interface.address.to_string() : config.bus.bind_address;
  mailbox.port_low = config.bus.first_port;
  mailbox.port_high = config.bus.last_port;
  mailbox.advertised = config.bus.advertise;
  if (mailbox.advertised.empty() && mailbox.address == any_ipv4) {
    mailbox.advertised = interface.address.to_string();
  }
  return mailbox;
}

Result<bus::BeaconSettings> beacon_settings(const AgentConfig& config,
                                            const bus::NetworkInterface& interface) {
  bus::BeaconSettings beacon;
  beacon.interface = interface;
  if (!config.beacon->interface.empty() && !is_loopback(config.beacon->interface)) {
    auto chosen = interface_of("discovery.beacon.interface", config.beacon->interface);
    if (!chosen) return chosen.error();
    beacon.interface = std::move(*chosen);
  }
  beacon.port = config.beacon->port;
  beacon.announce_interval = config.beacon->interval;
  return beacon;
}

Result<bus::GossipSettings> gossip_settings(const AgentConfig& config) {
  bus::GossipSettings gossip;
  gossip.bind = config.gossip->bind.text();
  for (const HostPort& seed : config.gossip->seeds) gossip.seeds.push_back(seed.text());
  if (auto checked = bus::GossipDiscovery::check(gossip); !checked) return checked.error();
  auto own = check_own_address("discovery.gossip.bind", config.gossip->bind.host);
  if (!own) return own.error();
  return gossip;
}

AgentsPlan agents_plan(const AgentConfig& config, const bus::NetworkInterface& interface) {
  const bus::ZmqTransportSettings mailbox = mailbox_settings(config, interface);
  return {{mailbox.address, config.agents_port},
          mailbox.advertised.empty() ? mailbox.address : mailbox.advertised};
}

Result<void> check_http_address(const AgentConfig& config) {
  return check_own_address("http", config.http.host);
}

std::string advertised_http(const AgentConfig& config, const bus::NetworkInterface& interface) {
  HostPort http = config.http;
  if (http.host == any_ipv4 || http.host == any_ipv6) {
    http.host = config.bus.advertise.empty() ? interface.address.to_string() : config.bus.advertise;
  }
  return http.text();
}

}  // namespace dockherd::agent
