#include "bus/network_interface.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/text.hpp"

namespace dockherd::bus {

namespace {

asio::ip::address_v4 to_address(const sockaddr* address) {
  sockaddr_in ipv4{};
  std::memcpy(&ipv4, address, sizeof ipv4);
  return asio::ip::address_v4(ntohl(ipv4.sin_addr.s_addr));
}

NetworkInterface to_interface(const ifaddrs& entry) {
  NetworkInterface found;
  found.name = entry.ifa_name;
  found.address = to_address(entry.ifa_addr);
  found.netmask = to_address(entry.ifa_netmask);
  found.broadcast = asio::ip::address_v4(found.address.to_uint() | ~found.netmask.to_uint());
  found.up = (entry.ifa_flags & IFF_UP) != 0;
  found.loopback = (entry.ifa_flags & IFF_LOOPBACK) != 0;
  // A subnet of one or two addresses (point to point) has none to broadcast to.
  const bool has_broadcast_address = ~found.netmask.to_uint() > 1;
  found.can_broadcast =
      has_broadcast_address && (found.loopback || (entry.ifa_flags & IFF_BROADCAST) != 0);
  return found;
}

bool belongs_to_containers(const NetworkInterface& interface) {
  return interface.name.starts_with("docker") || interface.name.starts_with("br-") ||
         interface.name.starts_with("veth");
}

std::string describe(const std::vector<NetworkInterface>& interfaces) {
  std::vector<std::string> texts;
  texts.reserve(interfaces.size());
  for (const NetworkInterface& interface : interfaces) {
    texts.push_back(interface.name + " (" + interface.address.to_string() +
                    (interface.up ? ")" : ", down)"));
  }
  return texts.empty() ? "there is none" : "there are " + join(texts);
}

const NetworkInterface* default_interface(const std::vector<NetworkInterface>& available,
                                          std::string_view default_route) {
  const auto usable = [](const NetworkInterface& interface) {
    return interface.up && !interface.loopback && interface.can_broadcast;
  };
  for (const NetworkInterface& interface : available) {
    if (usable(interface) && interface.name == default_route) return &interface;
  }
  for (const NetworkInterface& interface : available) {
    if (usable(interface) && !belongs_to_containers(interface)) return &interface;
  }
  return nullptr;
}

}  // namespace

NetworkInterface loopback_interface() {
  NetworkInterface interface;
  interface.name = "lo";
  interface.address = asio::ip::address_v4::loopback();
  interface.netmask = asio::ip::address_v4(0xFF00'0000u);
  interface.broadcast = asio::ip::address_v4(0x7FFF'FFFFu);
  interface.loopback = true;
  return interface;
}

std::vector<NetworkInterface> list_interfaces() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(first, freeifaddrs);
  std::vector<NetworkInterface> interfaces;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_netmask == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET) interfaces.push_back(to_interface(*entry));
  }
  return interfaces;
}

std::string default_route_interface(std::string_view routes) {
  // Columns: Iface Destination Gateway Flags RefCnt Use Metric Mask ...; numbers in hexadecimal
  // except the metric, of which the smallest wins.
  std::istringstream lines{std::string(routes)};
  std::string line;
  std::string best;
  long best_metric = 0;
  while (std::getline(lines, line)) {
    std::istringstream columns(line);
    std::string name, destination, gateway, flags, references, uses, mask;
    long metric = 0;
    columns >> name >> destination >> gateway >> flags >> references >> uses >> metric >> mask;
    if (!columns || destination != "00000000" || mask != "00000000") continue;
    if (best.empty() || metric < best_metric) {
      best = name;
      best_metric = metric;
    }
  }
  return best;
}

Result<NetworkInterface> choose_interface(const std::vector<NetworkInterface>& available,
                                          std::string_view default_route, std::string_view wanted) {
  if (wanted.empty()) {
    const NetworkInterface* found = default_interface(available, default_route);
    if (found != nullptr) return *found;
    return Error(errc::bad_config,
                 "no network interface is up and can broadcast; " + describe(available));
  }
  const auto found = std::find_if(available.begin(), available.end(), [&](const auto& interface) {
    return interface.name == wanted || interface.address.to_string() == wanted;
  });
  if (found != available.end()) return *found;
  // All of 127.0.0.0/8 is this machine, though only 127.0.0.1 is listed.
  boost::system::error_code no_address;
  const auto address = asio::ip::make_address_v4(std::string(wanted), no_address);
  if (!no_address && address.is_loopback()) {
    NetworkInterface interface = loopback_interface();
    interface.address = address;
    return interface;
  }
  return Error(errc::bad_config, "no network interface has the name or address \"" +
                                     std::string(wanted) + "\"; " + describe(available));
}

Result<NetworkInterface> choose_interface(std::string_view wanted) {
  std::ifstream file("/proc/net/route");
  std::ostringstream routes;
  routes << file.rdbuf();
  return choose_interface(list_interfaces(), default_route_interface(routes.str()), wanted);
}

}  // namespace dockherd::bus
