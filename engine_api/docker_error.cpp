#include "engine_api/docker_error.hpp"

#include "base/json_reader.hpp"

namespace dockherd::engine_api {

std::string docker_message(std::string_view message) {
  return "{\"message\":" + quote_json(message) + "}\n";
}

std::string no_such_container(std::string_view reference) {
  return docker_message("No such container: " + std::string(reference));
}

}  // namespace dockherd::engine_api
