#include "http_api/listen_address.hpp"

#include <charconv>
#include <cstdint>
#include <optional>

namespace dockherd::http_api {

namespace ip = boost::asio::ip;

namespace {

std::optional<ip::address> parse_host(std::string_view host) {
  if (host == "localhost") return ip::address(ip::address_v4::loopback());
  if (host == "*") return ip::address(ip::address_v4::any());
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  boost::system::error_code failure;
  const ip::address address = ip::make_address(std::string(host), failure);
  // Without brackets "::1:80" could be read in two ways.
  if (failure || address.is_v6() != bracketed) return std::nullopt;
  return address;
}

}  // namespace

Result<ip::tcp::endpoint> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto host = parse_host(text.substr(0, colon == text.npos ? 0 : colon));
  const std::string_view digits = colon == text.npos ? "" : text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (!host || failure != std::errc() || end != digits.data() + digits.size()) {
    return Error(errc::bad_config, "cannot listen on \"" + std::string(text) +
                                       "\": expected ADDRESS:PORT such as 127.0.0.1:8080 or "
                                       "[::1]:8080");
  }
  return ip::tcp::endpoint(*host, port);
}

std::string format_address(const ip::tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace dockherd::http_api
