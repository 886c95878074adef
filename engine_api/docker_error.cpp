#include "engine_api/docker_error.hpp"

#include "base/json_reader.hpp"

namespace dockherd::engine_api {

std::string docker_message(std::string_view message) {
  return "{\"message\":" + quote_json(message) + "}\n";
}

}  // namespace dockherd::engine_api
