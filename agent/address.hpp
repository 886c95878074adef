// Addresses as people write them in files and flags. Pure: no name is looked up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dockherd::agent {

/// A host and a port as one writes them. IPv6 addresses are held without brackets.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  /// "HOST:PORT", with brackets around an IPv6 address.
  std::string text() const;
  bool operator==(const HostPort&) const = default;
};

/// "ADDRESS:PORT", "ADDRESS" or ":PORT": what is left out is for a default to fill in.
struct ListenAddress {
  std::optional<std::string> address;
  std::optional<std::uint16_t> port;
};

/// Which addresses are taken: ZRE's beacons and mailboxes are IPv4.
enum class IpVersion { four, any };

/// A decimal number from 1 to 65535, without sign or space.
std::optional<std::uint16_t> parse_port(std::string_view text);

/// An IP address in its usual form; "localhost" is 127.0.0.1 and "*" is 0.0.0.0. Nothing for other
/// names.
std::optional<std::string> parse_ip(std::string_view text, IpVersion version);

/// As ListenAddress says, with an IP address; "tcp://" before it is allowed. IPv6 needs brackets
/// where a port follows.
std::optional<ListenAddress> parse_listen_address(std::string_view text, IpVersion version);

/// "HOST", "HOST:PORT" or "tcp://HOST:PORT", HOST being a name or IPv4 address, perhaps "[IPv6]".
std::optional<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port);

/// Docker's own ports, for TCP without and with TLS.
inline constexpr std::uint16_t docker_port = 2375;
inline constexpr std::uint16_t docker_tls_port = 2376;

/// "unix:///PATH" or "tcp://HOST:PORT", in that form.
std::optional<std::string> parse_docker_address(std::string_view text,
                                                std::uint16_t default_port = docker_port);

/// True for a loopback address, "localhost" and the interface "lo".
bool is_loopback(std::string_view host_or_interface);

}  // namespace dockherd::agent
