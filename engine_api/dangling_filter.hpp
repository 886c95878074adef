// The filter dangling=true of lists of networks and volumes, over several hosts.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

/// Each daemon lists what nobody uses on its own host. In the herd, what is used on any host is
/// used: with that filter the same hosts are asked for the others, too, and what has the name of
/// one of these is taken out of `answers`. `within`: the member that holds the list; empty: the
/// answer is the list. Without the filter nobody is asked.
asio::awaitable<std::vector<HostAnswer>> without_used(ApiContext& context, ApiRequest& request,
                                                      std::vector<HerdNode> nodes, Query query,
                                                      std::string within,
                                                      std::vector<HostAnswer> answers);

}  // namespace dockherd::engine_api
