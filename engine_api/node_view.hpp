// A host as Docker's clients see it in the herd's answers. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace dockherd::engine_api {

/// The label that every container carries in lists, with its host's name.
inline constexpr std::string_view node_label = "dockherd.node";

struct NodeView {
  std::string id;       ///< Our own id of the node, never the engine's: cloned hosts share that.
  std::string name;     ///< The hostname that the node announces.
  std::string ip;       ///< Where what is published on 0.0.0.0 can be reached; empty if unknown.
  std::string address;  ///< "10.0.0.1:8080": its agent.
  std::int64_t cpus = 0;
  std::int64_t memory_bytes = 0;
  std::map<std::string, std::string> labels = {};  ///< The engine's.
};

/// Whether lists show "/h1/web" or "/web".
enum class NameStyle { node_prefixed, plain };

/// {"k":"v"}.
std::string labels_text(const std::map<std::string, std::string>& labels);

/// Classic Swarm's object in inspections: ID, IP, Addr, Name, Cpus, Memory, Labels.
std::string node_object(const NodeView& node);

}  // namespace dockherd::engine_api
