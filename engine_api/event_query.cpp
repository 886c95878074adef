#include "engine_api/event_query.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "engine_api/list_query.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::size_t decimals = 9;
constexpr std::int64_t most_seconds = 9'000'000'000;

std::optional<std::int64_t> whole_number(std::string_view digits) {
  std::int64_t number = 0;
  const auto end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, number);
  if (digits.empty() || read.ec != std::errc() || read.ptr != end || number < 0) {
    return std::nullopt;
  }
  return number;
}

/// Whether a filter, if it is set, has the value.
bool allows(const json& filters, const char* key, std::string_view value) {
  const auto found = filters.find(key);
  return found == filters.end() || found->contains(std::string(value));
}

}  // namespace

std::optional<std::int64_t> read_event_time(std::string_view text) {
  const auto point = text.find('.');
  const auto seconds = whole_number(text.substr(0, point));
  if (!seconds || *seconds > most_seconds) return std::nullopt;
  if (point == text.npos) return *seconds * nanos_per_second;
  std::string fraction(text.substr(point + 1));
  if (fraction.empty() || fraction.size() > decimals) return std::nullopt;
  fraction.resize(decimals, '0');
  const auto nanoseconds = whole_number(fraction);
  if (!nanoseconds) return std::nullopt;
  return *seconds * nanos_per_second + *nanoseconds;
}

std::string event_time_text(std::int64_t nanoseconds) {
  nanoseconds = std::max<std::int64_t>(nanoseconds, 0);
  std::string fraction = std::to_string(nanoseconds % nanos_per_second);
  fraction.insert(0, decimals - fraction.size(), '0');
  return std::to_string(nanoseconds / nanos_per_second) + "." + fraction;
}

std::int64_t moment_after(std::int64_t nanoseconds) {
  constexpr auto last = std::numeric_limits<std::int64_t>::max();
  return nanoseconds == last ? last : nanoseconds + 1;
}

EventQuery::EventQuery(Query query) : query_(std::move(query)) {
  until_ = read_event_time(query_value(query_, "until").value_or(""));
  auto filters = read_filters(query_value(query_, "filters").value_or(""));
  if (!filters) return;
  // No container has a name with a slash, and hosts may join later: any name may be one's.
  nodes_ = NodeFilters(*filters, "container", "", [](const std::string&) { return true; });
  filters_ = std::move(*filters);
}

bool EventQuery::wants_node(const NodeView& node) const {
  return nodes_.wants(node);
}

bool EventQuery::wants_node_event(std::string_view action, const NodeView& node) const {
  if (!wants_node(node) || nodes_.has_names()) return false;
  // Any other filter asks for something that a node has not: a container, an image, a label.
  for (const auto& [key, values] : filters_.items()) {
    if (key != "type" && key != "event" && key != "scope") return false;
  }
  return allows(filters_, "type", "node") && allows(filters_, "event", action) &&
         allows(filters_, "scope", "swarm");
}

bool EventQuery::wants_collision_event(std::string_view action, const NodeView& node,
                                       std::string_view id, std::string_view name) const {
  if (!wants_node(node)) return false;
  json filters = filters_;
  nodes_.add_names(filters, node);
  // Any other filter is about what its daemon knows: its image, its labels.
  for (const auto& [key, values] : filters.items()) {
    if (key != "type" && key != "event" && key != "scope" && key != "container") return false;
  }
  const auto wanted = filters.find("container");
  const auto begins_it = [&](const auto& value) {
    return id.starts_with(value.key()) || name.starts_with(value.key());
  };
  if (wanted != filters.end()) {
    const auto values = wanted->items();
    if (std::none_of(values.begin(), values.end(), begins_it)) return false;
  }
  return allows(filters, "type", "container") && allows(filters, "event", action) &&
         allows(filters, "scope", "swarm");
}

Query EventQuery::for_daemon(const NodeView& node, std::optional<std::int64_t> since_nano) const {
  Query query;
  for (const auto& field : query_) {
    if (field.first != "since" || !since_nano) query.push_back(field);
    if (field.first != "filters" || nodes_.empty()) continue;
    json own = filters_;
    nodes_.add_names(own, node);
    query.back().second = own.empty() ? "" : dump_json(own);
  }
  if (since_nano) query.emplace_back("since", event_time_text(*since_nano));
  return query;
}

}  // namespace dockherd::engine_api
