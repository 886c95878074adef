// Pruning networks and volumes, of which the herd has one of each name on several hosts.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

/// The herd's answer to POST /networks/prune or /volumes/prune, as PATH. What is in use on one host
/// stays on all: a host that has unused things of such names is not pruned as a whole, but each of
/// its others that its daemon would prune is removed by itself (with the filters label and label!,
/// and all of volumes; what they take up is not told then). With any other filter such a host is
/// left as it is, which the answer says. When a host does not say what it uses nothing is removed.
asio::awaitable<Merged> prune_carefully(ApiContext& context, ApiRequest& request,
                                        TimePoint deadline);

}  // namespace dockherd::engine_api
