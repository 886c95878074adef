// Images that come from outside: to every host in the pool at once.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "engine_api/api_context.hpp"
#include "engine_api/host_streams.hpp"

namespace dockherd::engine_api {

/// POST /images/create (pull and import) and POST /images/load. One thread only.
class ImageSpread {
 public:
  explicit ImageSpread(ApiContext& context) : context_(context) {}

  asio::awaitable<void> serve(ApiRequest& request);

 private:
  asio::awaitable<void> spread(ApiRequest& request, std::vector<HerdNode> pool);
  asio::awaitable<void> pass_progress(ApiRequest& request, HostStreams& streams);
  asio::awaitable<void> finish(ApiRequest& request, HostStreams& streams);

  ApiContext& context_;
};

}  // namespace dockherd::engine_api
