#include "trust/host_paths.hpp"

#include <algorithm>

namespace dockherd::trust {

namespace {

/// /var/run is a link to /run.
constexpr std::string_view of_docker[] = {
    "/run/docker.sock", "/var/run/docker.sock", "/run/docker",       "/var/run/docker",
    "/run/containerd",  "/var/run/containerd",  "/var/lib/docker",   "/var/lib/containerd",
    "/etc/docker",      "/run/dockherd",        "/var/run/dockherd", "/etc/dockherd",
    "/var/lib/dockherd"};

}  // namespace

std::optional<std::string> normal_path(std::string_view path) {
  if (!path.starts_with('/') || path.find('\0') != path.npos) return std::nullopt;
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
      continue;
    }
    if (parts.empty()) return std::nullopt;
    parts.pop_back();
  }
  std::string normal;
  for (const std::string_view part : parts) {
    normal += '/';
    normal += part;
  }
  return normal.empty() ? "/" : normal;
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

bool gives_docker(std::string_view normal) {
  return std::any_of(std::begin(of_docker), std::end(of_docker), [normal](std::string_view known) {
    return is_within(normal, known) || is_within(known, normal);
  });
}

bool is_within_any(std::string_view normal, const std::vector<std::string>& directories) {
  return std::any_of(directories.begin(), directories.end(), [normal](const std::string& allowed) {
    const auto directory = normal_path(allowed);
    return directory && is_within(normal, *directory);
  });
}

}  // namespace dockherd::trust
