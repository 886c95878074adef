// Builds: on one host, and then the image for all in the pool.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/build_progress.hpp"
#include "engine_api/image_copy.hpp"
#include "http_api/upstream_call.hpp"

namespace dockherd::engine_api {

/// POST /build. One thread only.
class BuildCalls {
 public:
  explicit BuildCalls(ApiContext& context) : context_(context) {}

  asio::awaitable<void> serve(ApiRequest& request);

 private:
  asio::awaitable<void> build(ApiRequest& request, HerdNode builder, std::vector<HerdNode> others);
  /// Fails before anything has been answered. True: the whole progress has reached the client.
  asio::awaitable<Result<bool>> pass_build(ApiRequest& request, http_api::UpstreamCall& call,
                                           const HerdNode& builder, BuildProgress& progress);
  asio::awaitable<bool> pass_progress(ApiRequest& request, http_api::UpstreamCall& call,
                                      BuildProgress& progress);
  asio::awaitable<void> spread(ApiRequest& request, HerdNode builder, std::vector<HerdNode> others,
                               const BuildProgress& progress);

  ApiContext& context_;
};

}  // namespace dockherd::engine_api
