// Which node gets the next container. Pure: what is known of the herd in, node out.
//
// A bulk of N over H nodes in the pool gives each floor(N/H), and the remainder N mod H goes, one
// each, to the nodes that have the fewest containers. From counts that differ by at most one,
// counts after the bulk differ by at most one again, so remainders of successive bulks even out,
// whichever node places them.
#pragma once

#include <boost/container/flat_map.hpp>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "agent/container_directory.hpp"
#include "agent/node_table.hpp"
#include "base/ids.hpp"

namespace dockherd::agent {

/// Containers that a node has, or will have once creates in flight have ended.
/// One block of memory in the order of ids: a herd of 1,000 is walked for every container.
using Loads = boost::container::flat_map<NodeId, std::size_t>;

/// Nodes that take new containers, with the containers that each has by the directory.
Loads loads_in_pool(const NodeTable& nodes, const ContainerDirectory& directory);

/// The share of one node in a bulk.
struct Share {
  std::uint32_t base = 0;   ///< floor(N/H): every node's.
  std::uint32_t extra = 0;  ///< 0 or 1: of the remainder.
};

using Shares = boost::container::flat_map<NodeId, Share>;

/// Shares of `instances` over all nodes in `loads`. Ties for the remainder are broken at random, so
/// that several nodes placing at once choose different ones. Empty when `loads` is.
Shares spread(std::uint32_t instances, const Loads& loads, std::mt19937_64& random);

/// The node for one more of a bulk's remainder, not in `excluded`: of those with the fewest in
/// `extras`, which is what they have of that remainder already, the least loaded, ties broken at
/// random. So nobody gets a second one before everybody has a first. Nothing when no node is left.
std::optional<NodeId> next_of_remainder(const Loads& loads, const Loads& extras,
                                        const std::set<NodeId>& excluded, std::mt19937_64& random);

}  // namespace dockherd::agent
