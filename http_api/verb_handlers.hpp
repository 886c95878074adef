// JSON verbs: a request's body to the cluster, its reply to a response. No sockets.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "base/log.hpp"
#include "http_api/cluster_api.hpp"
#include "http_api/responses.hpp"

namespace dockherd::http_api {

/// Always gives a response: a failure inside the cluster is logged and answered with 500. Only
/// cancellation is thrown.
asio::awaitable<Response> run_verb(ClusterApi& cluster, std::string body, Caller caller,
                                   Logger log);

}  // namespace dockherd::http_api
