// Whole calls to the daemons of one or all nodes, each by way of its own agent.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/host_answer.hpp"
#include "http_api/upstream_call.hpp"

namespace dockherd::engine_api {

/// A small call, its answer read whole.
struct NodeCall {
  NodeCall(std::string http_method, std::string path_and_query)
      : method(std::move(http_method)), target(std::move(path_and_query)) {}

  std::string method;
  std::string target;  ///< With the API version, if any.
  http_api::HeaderList headers;
  std::string body;                               ///< Or empty.
  std::string content_type = "application/json";  ///< Of the body.
  trust::Principal in_name_of;                    ///< Of the agent itself, when he has no name.
};

/// Where a node's daemon is reached from here, and the headers that take a request there.
std::string upstream_of(const ApiContext& context, const HerdNode& node);
void add_node_header(const HerdNode& node, http_api::HeaderList& headers);
/// The same, and that it is asked for `caller`: that node looks whether he may.
void add_node_header(const HerdNode& node, const trust::Principal& caller,
                     http_api::HeaderList& headers);

/// The request as it goes on to a daemon: without the client's words for its own connection, and
/// without what only agents say. With `may_upgrade` the connection may be taken over.
http_api::RequestHead passed_head(const http_api::Exchange& exchange, std::string target,
                                  bool may_upgrade = false);

/// Passes the request on to one node's daemon, body and answer as they are. What fails before the
/// answer has begun is answered with an error that names the host.
asio::awaitable<void> relay_to(ApiContext& context, http_api::Exchange& exchange, HerdNode node,
                               std::string target);

/// One node's answer. What it says by an HTTP status is an answer, too.
asio::awaitable<Result<http_api::WholeResponse>> call_node(ApiContext& context, HerdNode node,
                                                           NodeCall call, TimePoint deadline);

/// The answers of several, in their order. A failure is an answer with the status that it has for
/// clients and a {"message"} that names the host.
asio::awaitable<std::vector<HostAnswer>> call_nodes(ApiContext& context,
                                                    std::vector<HerdNode> nodes, NodeCall call,
                                                    TimePoint deadline);

/// The same of one.
asio::awaitable<HostAnswer> call_host(ApiContext& context, HerdNode node, NodeCall call,
                                      TimePoint deadline);

/// The same of every node of the herd, by hostname.
asio::awaitable<std::vector<HostAnswer>> call_all(ApiContext& context, NodeCall call,
                                                  TimePoint deadline);

/// The nodes that take new things, by hostname.
std::vector<HerdNode> pool_of(const ApiContext& context);

std::vector<std::string> names_of(const std::vector<HerdNode>& nodes);

/// What is said when there are none.
inline constexpr std::string_view no_host_in_pool =
    "no host of the herd takes new things: none is in the pool and has a daemon that is up";

/// What a merged answer must say is missing: hosts left out and hosts lost.
std::vector<std::string> missing_hosts(const ApiContext& context,
                                       std::vector<std::string> left_out);

/// Answers with what was merged.
asio::awaitable<void> answer_merged(const ApiContext& context, http_api::Exchange& exchange,
                                    Merged merged);

}  // namespace dockherd::engine_api
