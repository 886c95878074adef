// Calls about the daemon as a whole: the herd answers as one.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

/// One thread only.
class SystemCalls {
 public:
  explicit SystemCalls(ApiContext& context) : context_(context) {}

  asio::awaitable<void> ping(ApiRequest& request);
  asio::awaitable<void> version(ApiRequest& request);
  asio::awaitable<void> info(ApiRequest& request);
  asio::awaitable<void> prune(ApiRequest& request);
  asio::awaitable<void> disk_usage(ApiRequest& request);

  /// For another node: this daemon's information, and what its containers are promised.
  asio::awaitable<void> info_here(ApiRequest& request);
  /// For another node: prunes this daemon, and this node's list with it.
  asio::awaitable<void> prune_here(ApiRequest& request);

 private:
  asio::awaitable<Result<http_api::WholeResponse>> own_call(ApiRequest& request, Duration longest);
  void note_pruned(const std::string& body);

  ApiContext& context_;
  std::vector<HostAnswer> versions_;  // As they were a moment ago: each costs a daemon 5 ms.
  TimePoint versions_at_ = TimePoint::min();
  std::size_t versions_of_ = 0;  // Nodes of the herd then.
};

}  // namespace dockherd::engine_api
