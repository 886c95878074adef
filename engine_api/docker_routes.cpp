#include "engine_api/docker_routes.hpp"

#include <algorithm>
#include <cctype>

#include "docker_client/docker_requests.hpp"
#include "http_api/routes.hpp"

namespace dockherd::engine_api {

namespace {

struct RouteEntry {
  std::string_view method;  ///< "*": any.
  std::string_view prefix;  ///< Before the name; the whole path when there is no name.
  std::string_view suffix;  ///< After the name.
  bool named;
  Call call;
};

// A name may contain '/', as Docker's own routes allow: "h1/web", "library/alpine". The first line
// that fits counts.
constexpr RouteEntry route_table[] = {
    {"GET", "/_ping", "", false, Call::ping},
    {"HEAD", "/_ping", "", false, Call::ping},
    {"GET", "/version", "", false, Call::version},
    {"GET", "/info", "", false, Call::info},
    {"POST", "/auth", "", false, Call::any_daemon},
    {"GET", "/system/df", "", false, Call::disk_usage},
    {"GET", "/events", "", false, Call::events},

    {"GET", "/containers/json", "", false, Call::list_containers},
    {"GET", "/containers/ps", "", false, Call::list_containers},
    {"POST", "/containers/create", "", false, Call::create_container},
    {"POST", "/containers/prune", "", false, Call::prune},
    {"GET", "/containers/", "/json", true, Call::container_inspect},
    {"GET", "/containers/", "/top", true, Call::container},
    {"GET", "/containers/", "/logs", true, Call::container},
    {"GET", "/containers/", "/changes", true, Call::container},
    {"GET", "/containers/", "/stats", true, Call::container},
    {"GET", "/containers/", "/export", true, Call::container},
    {"GET", "/containers/", "/attach/ws", true, Call::container_hijack},
    {"GET", "/containers/", "/archive", true, Call::container},
    {"HEAD", "/containers/", "/archive", true, Call::container},
    {"PUT", "/containers/", "/archive", true, Call::container},
    {"POST", "/containers/", "/start", true, Call::container},
    {"POST", "/containers/", "/stop", true, Call::container},
    {"POST", "/containers/", "/restart", true, Call::container},
    {"POST", "/containers/", "/kill", true, Call::container},
    {"POST", "/containers/", "/pause", true, Call::container},
    {"POST", "/containers/", "/unpause", true, Call::container},
    {"POST", "/containers/", "/update", true, Call::container},
    {"POST", "/containers/", "/wait", true, Call::container},
    {"POST", "/containers/", "/resize", true, Call::container},
    {"POST", "/containers/", "/copy", true, Call::container},
    {"POST", "/containers/", "/rename", true, Call::container_rename},
    {"POST", "/containers/", "/attach", true, Call::container_hijack},
    {"POST", "/containers/", "/exec", true, Call::container_exec},
    {"DELETE", "/containers/", "", true, Call::container_remove},
    {"POST", "/exec/", "/start", true, Call::exec_hijack},
    {"POST", "/exec/", "/resize", true, Call::exec},
    {"GET", "/exec/", "/json", true, Call::exec},
    {"POST", "/commit", "", false, Call::commit},

    {"GET", "/images/json", "", false, Call::list_images},
    {"GET", "/images/search", "", false, Call::any_daemon},
    {"GET", "/images/get", "", false, Call::images_get},
    {"POST", "/images/create", "", false, Call::image_create},
    {"POST", "/images/load", "", false, Call::image_load},
    {"POST", "/images/prune", "", false, Call::prune},
    {"GET", "/images/", "/get", true, Call::image},
    {"GET", "/images/", "/history", true, Call::image},
    {"GET", "/images/", "/json", true, Call::image},
    {"POST", "/images/", "/push", true, Call::image},
    {"POST", "/images/", "/tag", true, Call::image_tag},
    {"DELETE", "/images/", "", true, Call::image_remove},
    {"GET", "/distribution/", "/json", true, Call::any_daemon},
    {"POST", "/build", "", false, Call::build},
    {"POST", "/build/prune", "", false, Call::prune},
    {"POST", "/build/cancel", "", false, Call::any_daemon},

    {"GET", "/networks", "", false, Call::list_networks},
    {"GET", "/networks/", "", false, Call::list_networks},
    {"POST", "/networks/create", "", false, Call::network_create},
    {"POST", "/networks/prune", "", false, Call::prune},
    {"GET", "/networks/", "", true, Call::network_inspect},
    {"POST", "/networks/", "/connect", true, Call::network_connect},
    {"POST", "/networks/", "/disconnect", true, Call::network_connect},
    {"DELETE", "/networks/", "", true, Call::network_remove},
    {"GET", "/volumes", "", false, Call::list_volumes},
    {"POST", "/volumes/create", "", false, Call::volume_create},
    {"POST", "/volumes/prune", "", false, Call::prune},
    {"GET", "/volumes/", "", true, Call::volume_inspect},
    {"DELETE", "/volumes/", "", true, Call::volume_remove},

    {"*", "/swarm", "", false, Call::not_offered},
    {"*", "/services", "", false, Call::not_offered},
    {"*", "/nodes", "", false, Call::not_offered},
    {"*", "/tasks", "", false, Call::not_offered},
    {"*", "/secrets", "", false, Call::not_offered},
    {"*", "/configs", "", false, Call::not_offered},
    {"*", "/plugins", "", false, Call::not_offered},
    {"*", "/session", "", false, Call::not_offered},
    {"*", "/grpc", "", false, Call::not_offered},
    {"*", "/swarm/", "", true, Call::not_offered},
    {"*", "/services/", "", true, Call::not_offered},
    {"*", "/nodes/", "", true, Call::not_offered},
    {"*", "/tasks/", "", true, Call::not_offered},
    {"*", "/secrets/", "", true, Call::not_offered},
    {"*", "/configs/", "", true, Call::not_offered},
    {"GET", "/plugins/", "/json", true, Call::no_plugin},
    {"*", "/plugins/", "", true, Call::not_offered},
};

bool fits(const RouteEntry& entry, std::string_view path) {
  if (!entry.named) return path == entry.prefix;
  return path.size() > entry.prefix.size() + entry.suffix.size() &&
         path.starts_with(entry.prefix) && path.ends_with(entry.suffix);
}

/// "/v1.41/info": "1.41"; else empty.
std::string_view version_in(std::string_view path) {
  if (!path.starts_with("/v")) return {};
  const auto end = path.find('/', 2);
  if (end == path.npos) return {};
  const std::string_view version = path.substr(2, end - 2);
  const bool numbers = !version.empty() && std::all_of(version.begin(), version.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '.';
  });
  return numbers ? version : std::string_view();
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

DockerRoute find_docker_route(std::string_view method, std::string_view target) {
  DockerRoute route;
  std::string_view path = http_api::path_of(target);
  if (const auto mark = target.find('?'); mark != target.npos) {
    route.query = target.substr(mark + 1);
  }
  if (const std::string_view version = version_in(path); !version.empty()) {
    route.version = version;
    path.remove_prefix(version.size() + 2);
  }
  route.path = path;
  for (const RouteEntry& entry : route_table) {
    if (!fits(entry, path)) continue;
    if (entry.method != "*" && entry.method != method) {
      route.call = Call::wrong_method;
      continue;
    }
    route.call = entry.call;
    if (entry.named) {
      const std::size_t length = path.size() - entry.prefix.size() - entry.suffix.size();
      route.name = percent_decode(path.substr(entry.prefix.size(), length));
      route.rest = entry.suffix;
    }
    return route;
  }
  return route;
}

std::string percent_decode(std::string_view text) {
  return decode(text, false);
}

Query parse_query(std::string_view query) {
  Query fields;
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view field = query.substr(0, end);
    query = end == query.npos ? std::string_view() : query.substr(end + 1);
    if (field.empty()) continue;
    const auto equals = field.find('=');
    fields.emplace_back(
        decode(field.substr(0, equals), true),
        equals == field.npos ? std::string() : decode(field.substr(equals + 1), true));
  }
  return fields;
}

std::string format_query(const Query& query) {
  std::string out;
  for (const auto& [key, value] : query) {
    if (!out.empty()) out += '&';
    out += docker_client::url_encode(key) + "=" + docker_client::url_encode(value);
  }
  return out;
}

std::optional<std::string> query_value(const Query& query, std::string_view key) {
  const auto found = std::find_if(query.begin(), query.end(),
                                  [key](const auto& field) { return field.first == key; });
  return found == query.end() ? std::nullopt : std::optional(found->second);
}

bool query_flag(const Query& query, std::string_view key) {
  std::string value = query_value(query, key).value_or("");
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return !value.empty() && value != "0" && value != "no" && value != "false" && value != "none";
}

}  // namespace dockherd::engine_api
