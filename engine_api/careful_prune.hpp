// Pruning networks and volumes, of which the herd has one of each name on several hosts.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

/// The answers of all hosts to POST /networks/prune or /volumes/prune, as PATH. What is in use on
/// one host stays on all: a host that has unused things of such names is not pruned as a whole, but
/// each of its others is removed by itself (with the filters label and label!; what they take up is
/// not told then). With any other filter such a host is left as it is.
asio::awaitable<std::vector<HostAnswer>> prune_carefully(ApiContext& context, ApiRequest& request,
                                                         TimePoint deadline);

}  // namespace dockherd::engine_api
