#include "docker_client/docker.hpp"

#include <strings.h>

namespace dockherd::docker_client {

std::string_view DockerResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) {
      return value;
    }
  }
  return {};
}

}  // namespace dockherd::docker_client
