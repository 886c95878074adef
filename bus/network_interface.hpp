// Which of the machine's IPv4 interfaces the bus uses. Must not know what is sent there.
#pragma once

#include <boost/asio/ip/address_v4.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace dockherd::bus {

namespace asio = boost::asio;

/// One IPv4 address of one interface.
struct NetworkInterface {
  std::string name;
  asio::ip::address_v4 address;
  asio::ip::address_v4 netmask;
  asio::ip::address_v4 broadcast;  ///< Directed: the last address of the subnet.
  bool up = true;
  bool loopback = false;
  bool can_broadcast = true;  ///< Beacons work; true for loopback too.

  /// Whether `other` is an address of the same subnet.
  bool contains(const asio::ip::address_v4& other) const {
    return (other.to_uint() & netmask.to_uint()) == (address.to_uint() & netmask.to_uint());
  }
};

/// 127.0.0.1/8, broadcast 127.255.255.255: several agents on one host find each other there.
NetworkInterface loopback_interface();

/// Every IPv4 address that the machine has now.
std::vector<NetworkInterface> list_interfaces();

/// The interface of the default route in the text of /proc/net/route; empty when there is none.
std::string default_route_interface(std::string_view routes);

/// By name, by address, or, when `wanted` is empty, the interface of the default route, else the
/// first that is up, broadcasts, and is no loopback and no bridge of containers.
/// errc::bad_config names what exists.
Result<NetworkInterface> choose_interface(const std::vector<NetworkInterface>& available,
                                          std::string_view default_route, std::string_view wanted);

/// The same for this machine.
Result<NetworkInterface> choose_interface(std::string_view wanted);

}  // namespace dockherd::bus
