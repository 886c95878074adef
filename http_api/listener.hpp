// A bound and listening TCP socket. Must not know who accepts from it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "base/error.hpp"

namespace dockherd::http_api {

namespace asio = boost::asio;

/// Fails with bad_config and a sentence that names the address, which is as parse_listen_address()
/// takes it. Port 0 is the system's choice.
Result<asio::ip::tcp::acceptor> open_listener(const asio::any_io_executor& executor,
                                              const std::string& address);

}  // namespace dockherd::http_api
