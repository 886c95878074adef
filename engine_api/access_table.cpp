#include "engine_api/access_table.hpp"

#include <algorithm>
#include <cctype>

namespace dockherd::engine_api {

namespace {

using enum Reach;

struct AccessEntry {
  Call call;
  std::string_view rest;  ///< What follows the name, or the path of a call without one; "*": any.
  Reach viewer;
  Reach operator_;
};

constexpr AccessEntry reach_table[] = {
    {Call::ping, "*", all, all},
    {Call::version, "*", all, all},
    {Call::info, "*", all, all},
    {Call::disk_usage, "*", all, own},
    {Call::events, "*", all, own},
    {Call::any_daemon, "/auth", none, all},
    // Of a registry: the daemon calls whatever address the name has.
    {Call::any_daemon, "/images/search", none, all},
    {Call::any_daemon, "/json", none, all},

    {Call::list_containers, "*", all, own},
    {Call::create_container, "*", none, own},
    {Call::container_inspect, "*", all, own},
    {Call::container, "/top", all, own},
    {Call::container, "/logs", all, own},
    {Call::container, "/changes", all, own},
    {Call::container, "/stats", all, own},
    // The rest of these reads every file of a container, or changes it.
    {Call::container, "*", none, own},
    {Call::container_rename, "*", none, own},
    {Call::container_remove, "*", none, own},
    {Call::container_hijack, "*", none, own},
    {Call::container_exec, "*", none, own},
    {Call::exec, "*", none, own},
    {Call::exec_hijack, "*", none, own},

    {Call::list_images, "*", all, all},
    {Call::image, "/json", all, all},
    {Call::image, "/history", all, all},
    {Call::image_create, "*", none, own},  // A pull; an import is not.

    {Call::list_networks, "*", all, own},
    {Call::network_inspect, "*", all, own},
    {Call::network_create, "*", none, own},
    {Call::network_remove, "*", none, own},
    {Call::network_connect, "*", none, own},
    {Call::list_volumes, "*", all, own},
    {Call::volume_inspect, "*", all, own},
    {Call::volume_create, "*", none, own},
    {Call::volume_remove, "*", none, own},

    {Call::no_plugin, "*", all, all},
    {Call::not_offered, "*", all, all},  // To be told so.
    {Call::unknown, "*", all, all},
    {Call::wrong_method, "*", all, all},
};

/// "..", "." or nothing between two slashes, also when written as "%2e%2F".
bool has_odd_segments(const std::string& path) {
  std::string_view rest = path;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  while (!rest.empty()) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment.empty() || segment == "." || segment == "..") return true;
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
  }
  return path.ends_with('/') && path.size() > 1;
}

}  // namespace

Reach reach_of(trust::Role role, const DockerRoute& route) {
  if (role == trust::Role::admin) return Reach::all;
  const std::string& rest = route.rest.empty() ? route.path : route.rest;
  const auto* const entry = std::find_if(
      std::begin(reach_table), std::end(reach_table), [&](const AccessEntry& candidate) {
        return candidate.call == route.call && (candidate.rest == "*" || candidate.rest == rest);
      });
  if (entry == std::end(reach_table)) return Reach::none;
  return role == trust::Role::viewer ? entry->viewer : entry->operator_;
}

std::optional<std::string> why_not_plain(const DockerRoute& route, std::string_view content_type) {
  if (!route.version.empty() && !docker_client::ApiVersion::parse(route.version)) {
    return "the API version in the path must be as v1.41";
  }
  // "/networks/" is a list for Docker.
  if (route.path != "/networks/" && has_odd_segments(percent_decode(route.path))) {
    return "the path must not have empty segments, \".\" or \"..\"";
  }
  // Some daemons part fields there, too.
  if (route.query.find(';') != std::string::npos) return "the query must not have a \";\"";
  std::string type(content_type);
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  // A daemon takes its fields for those of the query.
  if (type.find("x-www-form-urlencoded") != type.npos) {
    return "a body must not be of type application/x-www-form-urlencoded";
  }
  return std::nullopt;
}

}  // namespace dockherd::engine_api
