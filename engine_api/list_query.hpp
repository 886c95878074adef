// What a list of containers is asked for: the part that the herd decides, and the part that each
// daemon does. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "engine_api/docker_routes.hpp"
#include "engine_api/node_filters.hpp"

namespace dockherd::engine_api {

/// "Created before (or since) this container", for daemons that do not know it.
struct TimeBound {
  std::string node;  ///< Of the one that does: it decides by itself.
  std::string id;
  std::int64_t created = 0;  ///< Nanoseconds since 1970.
};

struct ListQuery {
  bool all = false;
  bool size = false;
  std::optional<std::size_t> limit;
  NodeFilters nodes;                ///< What the filters say about hosts.
  std::vector<std::string> before;  ///< References; `before` in the query or the filters.
  std::vector<std::string> since;
  json filters = json::object();  ///< The others, for the daemons: {"label": {"a=b": true}}.

  std::vector<TimeBound> before_bounds;  ///< Once they have been looked up.
  std::vector<TimeBound> since_bounds;

  /// Every owner can answer from what it keeps.
  bool is_plain() const {
    return filters.empty() && !nodes.has_names() && !size && before.empty() && since.empty();
  }
  /// The query for one node's daemon.
  Query for_node(const NodeView& node) const;
  /// Whether one of its containers is within the bounds that its daemon does not know.
  bool within_bounds(const std::string& node, std::int64_t created) const;
};

/// Fails with bad_request in dockerd's words. `is_node` knows the hostnames of the herd.
Result<ListQuery> read_list_query(const Query& query,
                                  const std::function<bool(const std::string&)>& is_node);

/// A `filters` value: {"key": {"value": true}} or {"key": ["value"]}, as the values of each key.
Result<json> read_filters(const std::string& text);

/// Takes a key out of such filters; its values.
std::vector<std::string> take_filter(json& filters, std::string_view key);

}  // namespace dockherd::engine_api
