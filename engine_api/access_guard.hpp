// Stands before every call: whether its sender may make it at all, and of what. What it leaves to
// the calls is in ApiRequest::only_of.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "engine_api/api_context.hpp"

namespace dockherd::engine_api {

/// False when the request has been answered: with 400, 403 or 404.
asio::awaitable<bool> admit(ApiContext& context, ApiRequest& request);

/// The same of a request that another agent has passed on, about what this node's daemon has: whose
/// it is is asked of the daemon. For calls that `ContainerCalls` does not judge itself.
asio::awaitable<bool> admit_here(ApiContext& context, ApiRequest& request);

/// Answers with 404 as if there were no such container.
asio::awaitable<void> answer_no_container(ApiContext& context, ApiRequest& request);

}  // namespace dockherd::engine_api
