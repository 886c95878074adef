#include "engine_api/node_filters.hpp"

#include <algorithm>

#include "engine_api/list_query.hpp"

namespace dockherd::engine_api {

namespace {

bool is(const NodeView& node, const std::string& wanted) {
  return wanted == node.name || wanted == node.id;
}

}  // namespace

NodeFilters::NodeFilters(json& filters, std::string key, std::string name_prefix,
                         const std::function<bool(const std::string&)>& is_node)
    : key_(std::move(key)), name_prefix_(std::move(name_prefix)) {
  any_of_ = take_filter(filters, "node");
  take_labels(filters);
  take_names(filters, is_node);
}

void NodeFilters::take_labels(json& filters) {
  const std::string mark(node_label);
  std::vector<std::string> others;
  for (std::string& label : take_filter(filters, "label")) {
    if (label.starts_with(mark + "=")) {
      all_of_.push_back(label.substr(mark.size() + 1));
      labelled_ = true;
    } else if (label == mark) {
      labelled_ = true;  // Each container in a list has it.
    } else {
      others.push_back(std::move(label));
    }
  }
  for (const std::string& label : others) filters["label"][label] = true;
}

void NodeFilters::take_names(json& filters,
                             const std::function<bool(const std::string&)>& is_node) {
  std::vector<std::string> others;
  for (std::string& value : take_filter(filters, key_)) {
    const std::size_t begin = value.starts_with("^/")                            ? 2
                              : value.starts_with('^') || value.starts_with('/') ? 1
                                                                                 : 0;
    const std::size_t slash = value.find('/', begin);
    PlacedName placed;
    if (slash != std::string::npos) placed.node = value.substr(begin, slash - begin);
    if (placed.node.empty() || !is_node(placed.node)) {
      others.push_back(std::move(value));
      continue;
    }
    placed.name = value.substr(slash + 1);
    names_.push_back(std::move(placed));
  }
  for (const std::string& value : others) filters[key_][value] = true;
  other_names_ = !others.empty();
}

bool NodeFilters::wants(const NodeView& node) const {
  const auto is_this = [&node](const std::string& wanted) { return is(node, wanted); };
  const bool placed_here =
      names_.empty() || other_names_ ||
      std::any_of(names_.begin(), names_.end(),
                  [&node](const PlacedName& placed) { return placed.node == node.name; });
  return placed_here && std::all_of(all_of_.begin(), all_of_.end(), is_this) &&
         (any_of_.empty() || std::any_of(any_of_.begin(), any_of_.end(), is_this));
}

void NodeFilters::add_names(json& filters, const NodeView& node) const {
  for (const PlacedName& placed : names_) {
    if (placed.node == node.name) filters[key_][name_prefix_ + placed.name] = true;
  }
}

}  // namespace dockherd::engine_api
