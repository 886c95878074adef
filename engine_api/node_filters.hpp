// What filters of containers say about hosts, which no daemon knows. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.hpp"
#include "engine_api/node_view.hpp"

namespace dockherd::engine_api {

/// Hosts that a list or a stream is asked of: by the filter `node` (several: any of them), by the
/// label dockherd.node (several: all of them, as with labels), and by names as lists show them,
/// "host3/web", beside which others may stand.
class NodeFilters {
 public:
  NodeFilters() = default;
  /// Takes them out of `filters`. `key` is the filter of names, in which a value that begins with
  /// the name of what `is_node` knows, and '/', is about that host; '/' or '^' may stand before it.
  /// `name_prefix` goes before what is left of it for the host's daemon.
  NodeFilters(json& filters, std::string key, std::string name_prefix,
              const std::function<bool(const std::string&)>& is_node);

  bool wants(const NodeView& node) const;
  /// Whether daemons are to be asked by names, and not each for the same.
  bool has_names() const { return !names_.empty(); }
  /// Whether anything was taken out.
  bool empty() const { return any_of_.empty() && !labelled_ && names_.empty(); }
  /// Puts the names on this host back into the filters, as its daemon knows them.
  void add_names(json& filters, const NodeView& node) const;

 private:
  struct PlacedName {
    std::string node;
    std::string name;
  };

  void take_labels(json& filters);
  void take_names(json& filters, const std::function<bool(const std::string&)>& is_node);

  std::string key_;
  std::string name_prefix_;
  std::vector<std::string> any_of_;  // Hostnames or ids.
  std::vector<std::string> all_of_;
  std::vector<PlacedName> names_;
  bool labelled_ = false;
  bool other_names_ = false;  // On any host.
};

}  // namespace dockherd::engine_api
