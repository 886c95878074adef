// Lists of networks and volumes of several hosts, with Docker's filters.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

/// What the hosts answer to the list asked for. `within`: the member that holds it; empty: the
/// answer is the list.
/// With the filter dangling=true each daemon lists what nobody uses on its own host. In the herd,
/// what is used on any host is used: then the hosts are asked for the others, too, and what has the
/// name of one of these is taken out.
asio::awaitable<std::vector<HostAnswer>> filtered_lists(ApiContext& context, ApiRequest& request,
                                                        std::string within);

}  // namespace dockherd::engine_api
