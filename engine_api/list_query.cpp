#include "engine_api/list_query.hpp"

#include <algorithm>
#include <charconv>

namespace dockherd::engine_api {

namespace {

Error bad_filters() {
  return Error(errc::bad_request, "invalid filter").at_field("filters");
}

bool knows(const std::vector<TimeBound>& bounds, const std::string& node) {
  return std::any_of(bounds.begin(), bounds.end(),
                     [&node](const TimeBound& bound) { return bound.node == node; });
}

void add_known(json& filters, const char* key, const std::vector<TimeBound>& bounds,
               const std::string& node) {
  for (const TimeBound& bound : bounds) {
    if (bound.node == node) filters[key][bound.id] = true;
  }
}

}  // namespace

Result<json> read_filters(const std::string& text) {
  json filters = json::object();
  if (text.empty()) return filters;
  const auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return bad_filters();
  for (const auto& [key, values] : parsed->items()) {
    if (values.is_object()) {
      for (const auto& [value, set] : values.items()) {
        if (!set.is_boolean()) return bad_filters();
        if (set.get<bool>()) filters[key][value] = true;
      }
    } else if (values.is_array()) {
      for (const json& value : values) {
        if (!value.is_string()) return bad_filters();
        filters[key][value.get<std::string>()] = true;
      }
    } else {
      return bad_filters();
    }
  }
  return filters;
}

std::vector<std::string> take_filter(json& filters, std::string_view key) {
  std::vector<std::string> values;
  const auto found = filters.find(std::string(key));
  if (found == filters.end()) return values;
  for (const auto& [value, set] : found->items()) values.push_back(value);
  filters.erase(found);
  return values;
}

Result<ListQuery> read_list_query(const Query& query,
                                  const std::function<bool(const std::string&)>& is_node) {
  ListQuery wanted;
  auto filters = read_filters(query_value(query, "filters").value_or(""));
  if (!filters) return filters.error();
  wanted.filters = std::move(*filters);
  // Daemons look for a name with its slash, too; with it, it begins where the host's name ends.
  wanted.nodes = NodeFilters(wanted.filters, "name", "^/", is_node);
  wanted.before = take_filter(wanted.filters, "before");
  wanted.since = take_filter(wanted.filters, "since");
  for (const char* key : {"before", "since"}) {
    const auto reference = query_value(query, key);
    if (!reference || reference->empty()) continue;
    (std::string_view(key) == "before" ? wanted.before : wanted.since).push_back(*reference);
  }
  wanted.all = query_flag(query, "all");
  wanted.size = query_flag(query, "size");
  if (const auto text = query_value(query, "limit"); text && !text->empty()) {
    std::int64_t limit = 0;
    const auto end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, limit);
    if (read.ec != std::errc() || read.ptr != end) {
      return Error(errc::bad_request,
                   "strconv.Atoi: parsing " + quote_json(*text) + ": invalid syntax")
          .at_field("limit");
    }
    if (limit > 0) wanted.limit = static_cast<std::size_t>(limit);
  }
  return wanted;
}

Query ListQuery::for_node(const NodeView& node) const {
  json own = filters;
  nodes.add_names(own, node);
  add_known(own, "before", before_bounds, node.id);
  add_known(own, "since", since_bounds, node.id);
  Query query;
  // A limit looks at all containers, as with dockerd. One that is applied before the bounds are
  // would leave out what belongs in.
  const bool bounded = !before_bounds.empty() || !since_bounds.empty();
  if (all || limit) query.emplace_back("all", "1");
  if (limit && !bounded) query.emplace_back("limit", std::to_string(*limit));
  if (size) query.emplace_back("size", "1");
  if (!own.empty()) query.emplace_back("filters", dump_json(own));
  return query;
}

bool ListQuery::within_bounds(const std::string& node, std::int64_t created) const {
  if (!knows(before_bounds, node)) {
    for (const TimeBound& bound : before_bounds) {
      if (created >= bound.created) return false;
    }
  }
  if (!knows(since_bounds, node)) {
    for (const TimeBound& bound : since_bounds) {
      if (created <= bound.created) return false;
    }
  }
  return true;
}

}  // namespace dockherd::engine_api
