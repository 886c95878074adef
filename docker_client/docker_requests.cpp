#include "docker_client/docker_requests.hpp"

#include <utility>

#include "base/json_reader.hpp"

namespace dockherd::docker_client {

namespace {

/// "/containers/ID" + rest, ID encoded.
std::string container_path(std::string_view id, std::string_view rest = "") {
  return "/containers/" + url_encode(id) + std::string(rest);
}

/// Adds "key=value" to a target, after "?" or "&".
void add_query(std::string& target, std::string_view key, std::string_view value) {
  target += target.find('?') == std::string::npos ? '?' : '&';
  target.append(key).append("=").append(url_encode(value));
}

DockerRequest graceful(std::string_view id, std::string_view action,
                       std::optional<std::chrono::seconds> grace, std::string_view signal,
                       TimePoint deadline) {
  std::string target = container_path(id, action);
  if (grace) add_query(target, "t", std::to_string(grace->count()));
  if (!signal.empty()) add_query(target, "signal", signal);
  return {"POST", std::move(target), deadline};
}

std::string list_target(std::string_view path, bool all, std::string_view filters) {
  std::string target(path);
  if (all) add_query(target, "all", "1");
  if (!filters.empty()) add_query(target, "filters", filters);
  return target;
}

/// "1700000000.000000001", the form in which dockerd reads fractions of a second.
std::string docker_timestamp(std::int64_t nano) {
  const std::string fraction = std::to_string(nano % 1'000'000'000);
  return std::to_string(nano / 1'000'000'000) + "." + std::string(9 - fraction.size(), '0') +
         fraction;
}

}  // namespace

std::string url_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += digits[byte >> 4];
      encoded += digits[byte & 15];
    }
  }
  return encoded;
}

DockerRequest ping_request(TimePoint deadline) {
  return {"GET", "/_ping", deadline};
}

DockerRequest version_request(TimePoint deadline) {
  return {"GET", "/version", deadline};
}

DockerRequest info_request(TimePoint deadline) {
  return {"GET", "/info", deadline};
}

DockerRequest list_containers_request(bool all, std::string_view filters, TimePoint deadline) {
  return {"GET", list_target("/containers/json", all, filters), deadline};
}

DockerRequest list_container_request(std::string_view full_id, TimePoint deadline) {
  return list_containers_request(true, "{\"id\":[" + quote_json(full_id) + "]}", deadline);
}

DockerRequest inspect_request(std::string_view id, TimePoint deadline) {
  return {"GET", container_path(id, "/json"), deadline};
}

DockerRequest create_request(std::string_view name, std::string body, TimePoint deadline,
                             std::string_view platform) {
  std::string target = "/containers/create";
  if (!name.empty()) add_query(target, "name", name);
  if (!platform.empty()) add_query(target, "platform", platform);
  return DockerRequest("POST", std::move(target), deadline).with_body(std::move(body));
}

DockerRequest start_request(std::string_view id, TimePoint deadline) {
  return {"POST", container_path(id, "/start"), deadline};
}

DockerRequest stop_request(std::string_view id, std::optional<std::chrono::seconds> grace,
                           TimePoint deadline, std::string_view signal) {
  return graceful(id, "/stop", grace, signal, deadline);
}

DockerRequest restart_request(std::string_view id, std::optional<std::chrono::seconds> grace,
                              TimePoint deadline, std::string_view signal) {
  return graceful(id, "/restart", grace, signal, deadline);
}

DockerRequest kill_request(std::string_view id, std::string_view signal, TimePoint deadline) {
  std::string target = container_path(id, "/kill");
  if (!signal.empty()) add_query(target, "signal", signal);
  return {"POST", std::move(target), deadline};
}

DockerRequest pause_request(std::string_view id, TimePoint deadline) {
  return {"POST", container_path(id, "/pause"), deadline};
}

DockerRequest unpause_request(std::string_view id, TimePoint deadline) {
  return {"POST", container_path(id, "/unpause"), deadline};
}

DockerRequest remove_request(std::string_view id, bool force, bool volumes, TimePoint deadline) {
  std::string target = container_path(id);
  if (force) add_query(target, "force", "1");
  if (volumes) add_query(target, "v", "1");
  return {"DELETE", std::move(target), deadline};
}

DockerRequest list_images_request(bool all, std::string_view filters, TimePoint deadline) {
  return {"GET", list_target("/images/json", all, filters), deadline};
}

DockerRequest inspect_image_request(std::string_view image, TimePoint deadline) {
  // The slashes of "host:5000/a/b" are part of the path.
  std::string target = "/images/";
  for (std::size_t begin = 0; begin <= image.size();) {
    const std::size_t slash = std::min(image.find('/', begin), image.size());
    if (begin > 0) target += '/';
    target += url_encode(image.substr(begin, slash - begin));
    begin = slash + 1;
  }
  return {"GET", target + "/json", deadline};
}

DockerRequest pull_request(std::string_view image, TimePoint deadline) {
  std::string_view repository = image;
  std::string_view tag = "latest";
  const auto slash = image.rfind('/');
  if (const auto at = image.find('@'); at != std::string_view::npos) {
    repository = image.substr(0, at);
    tag = image.substr(at + 1);
  } else if (const auto colon = image.rfind(':');
             colon != std::string_view::npos &&
             (slash == std::string_view::npos || colon > slash)) {
    repository = image.substr(0, colon);
    tag = image.substr(colon + 1);
  }
  std::string target = "/images/create";
  add_query(target, "fromImage", repository);
  add_query(target, "tag", tag);
  return {"POST", std::move(target), deadline};
}

DockerRequest events_request(std::optional<std::int64_t> since_nano,
                             const std::vector<std::string>& types, TimePoint deadline) {
  std::string target = "/events";
  if (since_nano) add_query(target, "since", docker_timestamp(*since_nano));
  if (!types.empty()) {
    const json filters = {{"type", types}};
    add_query(target, "filters", dump_json(filters));
  }
  return {"GET", std::move(target), deadline};
}

}  // namespace dockherd::docker_client
