// A network of the herd: one name, and on each host an id of its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

/// What all hosts say of one network.
struct NetworkSearch {
  std::string name;  ///< Empty: nobody has it.
  /// As daemons know it: what was asked for, or the name where that was the herd's id.
  std::string reference;
  bool local = true;  ///< Each host has its own; else several hosts share one.
  std::vector<HerdNode> nodes;
  std::vector<HostAnswer> answers;  ///< Of GET /networks/{id}, in their order: 200 where it is.

  std::vector<HerdNode> holders() const;
};

/// By name, by the herd's id or a prefix of it, or by the id or a prefix of the id that any host
/// gave it. `fields` go to the daemons.
asio::awaitable<NetworkSearch> find_network(ApiContext& context, std::string reference,
                                            Query fields);

/// Makes networks that a container is to join on those of `hosts` that lack them, as another host
/// has them: a host may have joined the herd after they were made. Networks that nobody has are
/// left for the daemon to refuse. The hosts where it failed, each with why.
asio::awaitable<std::vector<HostAnswer>> ensure_networks(ApiContext& context,
                                                         std::vector<HerdNode> hosts,
                                                         std::vector<std::string> networks);

/// The body of POST /networks/create that makes a network like the one inspected. Pure.
std::string create_body_of(std::string_view inspection, bool with_addresses);

}  // namespace dockherd::engine_api
