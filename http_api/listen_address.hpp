// "ADDRESS:PORT", as it is configured and shown. Pure.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace dockherd::http_api {

/// "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (127.0.0.1), "*:8080" (every IPv4 address).
/// Port 0 stands for any free one. Other names are not looked up: an address is needed to listen.
/// Fails with bad_config.
Result<boost::asio::ip::tcp::endpoint> parse_listen_address(std::string_view text);

/// "127.0.0.1:8080", "[::1]:8080".
std::string format_address(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace dockherd::http_api
