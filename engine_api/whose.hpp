// Whose something is that this node's daemon, or the herd's daemons, tell of.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <set>
#include <string>

#include "engine_api/api_context.hpp"
#include "engine_api/owned_view.hpp"

namespace dockherd::engine_api {

/// By this node's daemon: whose the container is, by id. Fails when there is none, or nobody knows.
asio::awaitable<Result<std::string>> container_owner(ApiContext& context, std::string id);
/// The id of the container that an exec of this node's daemon is of. Fails when there is none.
asio::awaitable<Result<std::string>> container_of_exec(ApiContext& context, std::string exec);
/// By this node's daemon: whose a network or a volume is, at that path; empty: nobody's, or not
/// here.
asio::awaitable<std::string> thing_owner(ApiContext& context, std::string path);

/// The ids of all containers of the herd that are `owner`'s.
asio::awaitable<std::set<std::string>> ids_of(ApiContext& context, std::string owner);

}  // namespace dockherd::engine_api
