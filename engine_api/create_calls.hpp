// POST /containers/create: the herd chooses the host.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/create_rules.hpp"
#include "engine_api/placement_filter.hpp"

namespace dockherd::engine_api {

/// Purpose: reads the rules of a create body, finds what they need to know of each host, and has
/// the container made on one of those that fit. Which one, the herd's placement says. One thread
/// only.
class CreateCalls {
 public:
  explicit CreateCalls(ApiContext& context) : context_(context) {}

  asio::awaitable<void> serve(ApiRequest& request);

 private:
  asio::awaitable<std::vector<HostFacts>> facts_for(CreateRules rules, std::string only_of);
  asio::awaitable<void> add_containers(std::vector<HostFacts>& facts, std::string only_of);
  asio::awaitable<void> add_images(std::vector<HostFacts>& facts);
  asio::awaitable<void> add_volumes(std::vector<HostFacts>& facts);
  asio::awaitable<void> name_networks(json& body, CreateRules& rules);
  asio::awaitable<void> bring_networks(CreateOrder& order, std::vector<std::string> networks);
  Result<void> judge(const ApiRequest& request, json& body) const;
  asio::awaitable<void> let_daemon_refuse(ApiRequest& request, std::string body);
  asio::awaitable<Result<RepeatedCreate>> begin_once(ApiRequest& request, const json& body,
                                                     CreateOrder& order);
  asio::awaitable<CreateAnswer> place(ApiRequest& request, json body, CreateRules rules);

  ApiContext& context_;
};

}  // namespace dockherd::engine_api
