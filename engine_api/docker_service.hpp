// The herd as one Docker Engine API: which handler answers which call.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "engine_api/api_context.hpp"
#include "engine_api/build_calls.hpp"
#include "engine_api/container_calls.hpp"
#include "engine_api/create_calls.hpp"
#include "engine_api/event_calls.hpp"
#include "engine_api/image_calls.hpp"
#include "engine_api/image_spread.hpp"
#include "engine_api/list_calls.hpp"
#include "engine_api/network_calls.hpp"
#include "engine_api/system_calls.hpp"
#include "engine_api/volume_calls.hpp"
#include "http_api/docker_api.hpp"

namespace dockherd::engine_api {

/// Purpose: answers every path but those of the JSON verbs.
/// Lifecycle: outlives the server. One thread only.
class DockerService final : public http_api::DockerApi {
 public:
  explicit DockerService(ApiContext context);

  asio::awaitable<void> serve(http_api::Exchange& exchange) override;

 private:
  asio::awaitable<void> serve_unless_cancelled(http_api::Exchange& exchange);
  asio::awaitable<void> dispatch(ApiRequest& request);
  asio::awaitable<void> dispatch_things(ApiRequest& request);
  asio::awaitable<void> dispatch_here(ApiRequest& request);
  std::optional<std::string> version_refused(const DockerRoute& route) const;

  ApiContext context_;
  ContainerCalls containers_;
  ListCalls lists_;
  CreateCalls creates_;
  ImageCalls images_;
  ImageSpread spread_;
  BuildCalls builds_;
  SystemCalls system_;
  NetworkCalls networks_;
  VolumeCalls volumes_;
  EventCalls events_;
};

}  // namespace dockherd::engine_api
