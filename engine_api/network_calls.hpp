// Calls about networks: those of one name on all hosts are one.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "engine_api/api_context.hpp"
#include "engine_api/herd_networks.hpp"
#include "engine_api/made_everywhere.hpp"

namespace dockherd::engine_api {

/// One thread only.
class NetworkCalls {
 public:
  explicit NetworkCalls(ApiContext& context) : context_(context) {}

  asio::awaitable<void> list(ApiRequest& request);
  asio::awaitable<void> inspect(ApiRequest& request);
  asio::awaitable<void> create(ApiRequest& request);
  asio::awaitable<void> remove(ApiRequest& request);
  /// Connect and disconnect.
  asio::awaitable<void> connect(ApiRequest& request);
  /// For another node: connects a container of this one.
  asio::awaitable<void> connect_here(ApiRequest& request);

 private:
  asio::awaitable<bool> may_make(const ApiRequest& request, std::string network);
  asio::awaitable<HostAnswer> connect_at(FoundContainer container, std::string network,
                                         ApiRequest& request, JsonBody body);
  asio::awaitable<void> answer_no_network(ApiRequest& request);
  asio::awaitable<std::optional<Error>> why_not_connect(const ApiRequest& request, const json& body,
                                                        Result<FoundContainer> found,
                                                        std::string& network);
  asio::awaitable<bool> may_connect_here(const ApiRequest& request, const json& body,
                                         std::string container);
  asio::awaitable<HostAnswer> disconnect_leftover(ApiRequest& request, JsonBody body);
  asio::awaitable<std::string> name_at(HerdNode host, std::string network);

  ApiContext& context_;
};

}  // namespace dockherd::engine_api
