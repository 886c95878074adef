// The Docker Engine API on one screen: method and path to what the herd makes of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "docker_client/api_version.hpp"

namespace dockherd::engine_api {

/// Who answers a call, and how.
enum class Call {
  ping,
  version,
  info,
  any_daemon,  ///< One daemon answers as well as any other: this node's.

  container,          ///< The owner's daemon; `name` is the container.
  container_inspect,  ///< The same, with the herd's additions.
  container_rename,
  container_remove,
  container_hijack,  ///< Attach: the connection is taken over.
  container_exec,    ///< Makes an exec id, to be remembered.
  commit,            ///< The container is in the query.
  exec,              ///< `name` is an exec id.
  exec_hijack,
  list_containers,
  create_container,
  prune,  ///< Every daemon; answers are added up.
  disk_usage,
  events,

  list_images,
  image,         ///< A host that has it answers.
  images_get,    ///< Several by the query `names`.
  image_tag,     ///< Every host that has it.
  image_remove,  ///< The same.
  image_create,  ///< Pull or import: every host in the pool.
  image_load,
  build,

  list_networks,
  network_inspect,
  network_create,
  network_remove,
  network_connect,  ///< The owner of the container in the body.
  list_volumes,
  volume_inspect,
  volume_create,
  volume_remove,

  no_plugin,    ///< "docker inspect" asks for one of that name last.
  not_offered,  ///< Swarm and the like: 501.
  unknown,      ///< 404 as dockerd's.
  wrong_method,
};

struct DockerRoute {
  Call call = Call::unknown;
  std::string version;  ///< "1.41"; empty when the path has none.
  std::string path;     ///< Without version and query, not decoded: "/containers/web/json".
  std::string name;     ///< Of what the path is about, decoded; may contain '/'.
  std::string rest;     ///< What follows the name: "/json".
  std::string query;    ///< Without '?'.
};

/// `target` as received (RFC 9112, 3.2).
DockerRoute find_docker_route(std::string_view method, std::string_view target);

/// The fields of a query, decoded, in their order.
using Query = std::vector<std::pair<std::string, std::string>>;
Query parse_query(std::string_view query);
std::string format_query(const Query& query);
/// The first value of a field.
std::optional<std::string> query_value(const Query& query, std::string_view key);
/// As Docker reads flags: absent, "", "0", "no", "false" and "none" are false.
bool query_flag(const Query& query, std::string_view key);

/// "%2F" to "/". Invalid escapes stay.
std::string percent_decode(std::string_view text);

}  // namespace dockherd::engine_api
