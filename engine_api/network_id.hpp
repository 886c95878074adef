// The id of a network of the herd. Pure.
#pragma once

#include <string>
#include <string_view>

namespace dockherd::engine_api {

/// 64 hexadecimal digits made of the network's name, the same on every node. Each host's daemon
/// gives its own network of that name an id of its own, but clients compare a container's with the
/// network's: what the herd shows must be one.
std::string herd_network_id(std::string_view name);

/// The id in the members "Name" and "Id" of a network, as its daemon describes it.
std::string with_herd_network_id(std::string_view network);

/// Whether it may be an id, or the beginning of one.
bool looks_like_network_id(std::string_view reference);

}  // namespace dockherd::engine_api
