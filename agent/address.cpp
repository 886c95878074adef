#include "agent/address.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace dockherd::agent {

namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view tcp_scheme = "tcp://";
constexpr std::string_view unix_scheme = "unix://";

std::optional<ip::address> literal(std::string_view text) {
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  return address;
}

/// RFC 1123's letters, digits, '-' and '.', and the '_' of container names.
bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text.front() != '-' && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_';
         });
}

/// True for "10.0.0" or "1.2.3.999": meant as an address, and no name of a host.
bool looks_like_ipv4(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

struct Split {
  std::string_view host;
  std::optional<std::string_view> port;
};

/// "[IPV6]:PORT", "[IPV6]", "IPV6", "HOST:PORT" or "HOST" in two.
std::optional<Split> split(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(close + 1);
    const std::string_view host = text.substr(1, close - 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
    if (rest.empty()) return Split{host, std::nullopt};
    if (rest.front() != ':') return std::nullopt;
    return Split{host, rest.substr(1)};
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return Split{text, std::nullopt};
  if (text.find(':', colon + 1) != std::string_view::npos) return Split{text, std::nullopt};
  return Split{text.substr(0, colon), text.substr(colon + 1)};
}

std::string_view without_prefix(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix ? text.substr(prefix.size()) : text;
}

}  // namespace

std::string HostPort::text() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < 1 || value > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

std::optional<std::string> parse_ip(std::string_view text, IpVersion version) {
  if (text == "localhost") return std::string("127.0.0.1");
  if (text == "*") return std::string("0.0.0.0");
  const auto address = literal(text);
  if (!address || (version == IpVersion::four && !address->is_v4())) return std::nullopt;
  return address->to_string();
}

std::optional<ListenAddress> parse_listen_address(std::string_view text, IpVersion version) {
  const auto parts = split(without_prefix(text, tcp_scheme));
  if (!parts || (parts->host.empty() && !parts->port)) return std::nullopt;
  ListenAddress listen;
  if (!parts->host.empty()) {
    listen.address = parse_ip(parts->host, version);
    if (!listen.address) return std::nullopt;
  }
  if (parts->port) {
    listen.port = parse_port(*parts->port);
    if (!listen.port) return std::nullopt;
  }
  return listen;
}

std::optional<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port) {
  const auto parts = split(without_prefix(text, tcp_scheme));
  if (!parts) return std::nullopt;
  HostPort result;
  result.port = default_port;
  if (const auto address = literal(parts->host)) {
    result.host = address->to_string();
  } else if (is_host_name(parts->host) && !looks_like_ipv4(parts->host)) {
    result.host = std::string(parts->host);
  } else {
    return std::nullopt;
  }
  if (parts->port) {
    const auto port = parse_port(*parts->port);
    if (!port) return std::nullopt;
    result.port = *port;
  }
  return result;
}

std::optional<std::string> parse_docker_address(std::string_view text, std::uint16_t default_port) {
  if (text.substr(0, unix_scheme.size()) == unix_scheme) {
    const std::string_view path = text.substr(unix_scheme.size());
    // sockaddr_un holds 108 bytes, the last of them zero.
    if (path.size() < 2 || path.size() > 107 || path.front() != '/') return std::nullopt;
    if (path.find('\0') != std::string_view::npos) return std::nullopt;
    return std::string(text);
  }
  if (text.substr(0, tcp_scheme.size()) != tcp_scheme) return std::nullopt;
  std::string_view rest = text;
  if (rest.back() == '/' && rest.size() > tcp_scheme.size()) rest.remove_suffix(1);
  const auto host = parse_host_port(rest, default_port);
  if (!host) return std::nullopt;
  return std::string(tcp_scheme) + host->text();
}

bool is_loopback(std::string_view host_or_interface) {
  if (host_or_interface == "localhost" || host_or_interface == "lo") return true;
  const auto address = literal(host_or_interface);
  return address && address->is_loopback();
}

}  // namespace dockherd::agent
