#include "agent/placement.hpp"

#include <algorithm>

namespace dockherd::agent {

namespace {

struct Candidate {
  Candidate(std::size_t of_remainder, std::size_t containers, std::uint64_t drawn, const NodeId& id)
      : extras(of_remainder), load(containers), lot(drawn), node(id) {}

  std::size_t extras;
  std::size_t load;
  std::uint64_t lot;  // Breaks ties.
  NodeId node;

  auto operator<=>(const Candidate&) const = default;
};

}  // namespace

Loads loads_in_pool(const NodeTable& nodes, const ContainerDirectory& directory) {
  Loads loads;
  loads.reserve(nodes.nodes().size());
  for (const auto& [node, status] : nodes.nodes()) {
    if (!status.in_pool || !status.daemon_up) continue;
    loads.emplace_hint(loads.end(), node, directory.count(node));  // Both are in order.
  }
  return loads;
}

Shares spread(std::uint32_t instances, const Loads& loads, std::mt19937_64& random) {
  Shares shares;
  if (loads.empty()) return shares;
  const auto nodes = static_cast<std::uint32_t>(loads.size());
  std::vector<Candidate> candidates;
  candidates.reserve(loads.size());
  shares.reserve(loads.size());
  for (const auto& [node, load] : loads) {
    shares.emplace_hint(shares.end(), node, Share{instances / nodes, 0});  // Both are in order.
    candidates.emplace_back(0, load, random(), node);
  }
  const auto remainder = static_cast<std::ptrdiff_t>(instances % nodes);
  std::partial_sort(candidates.begin(), candidates.begin() + remainder, candidates.end());
  for (std::ptrdiff_t i = 0; i < remainder; ++i) {
    shares[candidates[static_cast<std::size_t>(i)].node].extra = 1;
  }
  return shares;
}

std::optional<NodeId> next_of_remainder(const Loads& loads, const Loads& extras,
                                        const std::set<NodeId>& excluded, std::mt19937_64& random) {
  std::optional<Candidate> best;
  for (const auto& [node, load] : loads) {
    if (excluded.contains(node)) continue;
    const auto has = extras.find(node);
    const Candidate candidate(has == extras.end() ? 0 : has->second, load, random(), node);
    if (!best || candidate < *best) best = candidate;
  }
  if (!best) return std::nullopt;
  return best->node;
}

}  // namespace dockherd::agent
