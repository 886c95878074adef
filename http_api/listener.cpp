#include "http_api/listener.hpp"

#include <boost/asio/error.hpp>

#include "http_api/listen_address.hpp"

namespace dockherd::http_api {

namespace {

std::string explain(const boost::system::error_code& failure) {
  if (failure == asio::error::address_in_use) return "another program listens there already";
  if (failure == asio::error::access_denied) return "ports below 1024 need more rights";
  if (failure == boost::system::errc::address_not_available) {
    return "this host does not have that address";
  }
  return failure.message();
}

}  // namespace

Result<asio::ip::tcp::acceptor> open_listener(const asio::any_io_executor& executor,
                                              const std::string& address) {
  const auto endpoint = parse_listen_address(address);
  if (!endpoint) return endpoint.error();
  asio::ip::tcp::acceptor acceptor(executor);
  boost::system::error_code failure;
  acceptor.open(endpoint->protocol(), failure);
  if (!failure) acceptor.set_option(asio::socket_base::reuse_address(true), failure);
  if (!failure) acceptor.bind(*endpoint, failure);
  if (!failure) acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (!failure) return acceptor;
  return Error(errc::bad_config, "cannot listen on " + address + " for HTTP: " + explain(failure));
}

}  // namespace dockherd::http_api
