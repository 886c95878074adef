#include "http_api/routes.hpp"

namespace dockherd::http_api {

namespace {

struct Entry {
  http::verb method;
  std::string_view path;
  Route route;
};

constexpr Entry table[] = {
    {http::verb::get, "/", Route::greeting},
    {http::verb::head, "/", Route::greeting},
    {http::verb::post, "/", Route::run_verb},
};

}  // namespace

bool is_plain_target(std::string_view target) {
  return target.starts_with('/') || target.starts_with("http://") || target.starts_with("https://");
}

std::string_view path_of(std::string_view target) {
  // The scheme is what the target begins with; further on "://" is a part of the path or query.
  const auto scheme = target.find("://");
  if (is_plain_target(target) && !target.starts_with('/')) {
    const auto path = target.find_first_of("/?", scheme + 3);
    target = path == target.npos ? std::string_view() : target.substr(path);
  }
  const std::string_view path = target.substr(0, target.find('?'));
  return path.empty() ? std::string_view("/") : path;
}

Route find_route(http::verb method, std::string_view target) {
  const std::string_view path = path_of(target);
  Route found = Route::docker;
  for (const Entry& entry : table) {
    if (entry.path != path) continue;
    if (entry.method == method) return entry.route;
    found = Route::wrong_method;
  }
  return found;
}

std::string allowed_methods(std::string_view path) {
  std::string methods;
  for (const Entry& entry : table) {
    if (entry.path != path) continue;
    if (!methods.empty()) methods += ", ";
    methods += http::to_string(entry.method);
  }
  return methods;
}

}  // namespace dockherd::http_api
