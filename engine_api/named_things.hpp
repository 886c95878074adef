// Networks or volumes of several hosts: those that are the same, told by name, become one. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

/// The label that says in lists which hosts have a network or a volume: "h1,h2".
inline constexpr std::string_view nodes_label = "dockherd.nodes";

/// Gathers the lists of hosts, one after the other. Each thing is shown as the first host gives it.
class NamedThings {
 public:
  using Identity = std::function<std::string(const ObjectText&)>;

  /// False, with nothing added, when the text is no list of objects with a Name. Several things of
  /// one identity in the same list are several; the second is the same as others' second.
  bool add(const std::string& hostname, std::string_view list, const Identity& identity);

  /// In the order in which they were first seen, each with the label dockherd.nodes and "Nodes".
  std::string text() const;

 private:
  struct Thing {
    ObjectText first;
    std::vector<std::string> nodes;
    std::optional<std::pair<std::int64_t, std::int64_t>> usage;  ///< References and size, summed.
  };

  void put(ObjectText object, const std::string& hostname, const std::string& identity);

  std::vector<Thing> things_;
  std::map<std::string, std::size_t> index_;
};

}  // namespace dockherd::engine_api
