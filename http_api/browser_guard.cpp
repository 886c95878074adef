#include "http_api/browser_guard.hpp"

#include <boost/asio/ip/address.hpp>
#include <string>

namespace dockherd::http_api {

namespace {

/// "127.0.0.1:8080" to "127.0.0.1"; "[::1]:8080" to "::1".
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    return end == authority.npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

}  // namespace

bool is_trusted_origin(std::string_view origin, std::string_view host) {
  if (origin.empty()) return true;
  const auto scheme = origin.find("://");
  if (scheme == origin.npos || origin.substr(scheme + 3) != host) return false;
  const std::string_view name = host_of(host);
  if (name == "localhost") return true;
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(std::string(name), not_an_address);
  return !not_an_address;
}

}  // namespace dockherd::http_api
