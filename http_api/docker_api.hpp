// Port: who answers the Docker Engine API.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "http_api/exchange.hpp"

namespace dockherd::http_api {

class DockerApi {
 public:
  virtual ~DockerApi() = default;

  /// Answers one request, whatever its path. Throws only when cancelled.
  virtual asio::awaitable<void> serve(Exchange& exchange) = 0;
};

}  // namespace dockherd::http_api
