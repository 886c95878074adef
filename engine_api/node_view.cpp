#include "engine_api/node_view.hpp"

#include "base/json_reader.hpp"

namespace dockherd::engine_api {

std::string labels_text(const std::map<std::string, std::string>& labels) {
  std::string text = "{";
  for (const auto& [key, value] : labels) {
    if (text.size() > 1) text += ',';
    text.append(quote_json(key)).append(1, ':').append(quote_json(value));
  }
  return text + "}";
}

std::string node_object(const NodeView& node) {
  return "{\"ID\":" + quote_json(node.id) + ",\"IP\":" + quote_json(node.ip) +
         ",\"Addr\":" + quote_json(node.address) + ",\"Name\":" + quote_json(node.name) +
         ",\"Cpus\":" + std::to_string(node.cpus) +
         ",\"Memory\":" + std::to_string(node.memory_bytes) +
         ",\"Labels\":" + labels_text(node.labels) + "}";
}

}  // namespace dockherd::engine_api
