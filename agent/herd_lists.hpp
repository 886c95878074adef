// Lists of several nodes merged into one answer. Pure: each node's answer in, one document out.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/node_table.hpp"
#include "agent/replies.hpp"
#include "agent/verbs.hpp"
#include "base/error.hpp"
#include "bus/event_bus.hpp"

namespace dockherd::agent {

/// What one node answered.
struct NodeAnswer {
  NodeAnswer(const NodeId& id, std::string name, Result<bus::Reply> answer)
      : node(id), hostname(std::move(name)), reply(std::move(answer)) {}

  NodeId node;
  std::string hostname;
  Result<bus::Reply> reply;
};

/// The answer to a list of every node, in the shapes asked for: `Response.Body` with every entry,
/// `containers` (or `images`) with one envelope per host; and `missing` with each host that did not
/// answer, or that was lost, and why. When no host has a list, the status and error are those of
/// the first: an empty list would say that there is nothing.
VerbReply merge_lists(const std::vector<NodeAnswer>& answers, const std::vector<LostNode>& lost,
                      const ListVerb& verb, std::string_view hostname, TimePoint now);

/// A name that containers of several hosts have.
struct SharedName {
  std::string name;
  std::vector<std::pair<std::string, std::string>> containers;  ///< Hostname, id.
  bool more = false;                                            ///< There are others.
};

struct SharedNames {
  std::vector<SharedName> shown;
  std::size_t not_shown = 0;  ///< Names besides.
};

/// The answer to list-nodes: a row per node; those that did not answer or were lost have a row that
/// says so, and stand in `missing` too. `names` are those that the node sees that was asked.
VerbReply merge_nodes(const std::vector<NodeAnswer>& answers, const std::vector<LostNode>& lost,
                      const SharedNames& names, std::string_view hostname, TimePoint now);

/// A node's row of list-nodes with how long it took to ask for it.
std::string with_round_trip(std::string_view row, double milliseconds);

}  // namespace dockherd::agent
