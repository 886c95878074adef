// The whole HTTP API on one screen: method and path to what answers it. Pure; no cluster, no
// socket.
#pragma once

#include <ostream>  // Beast 1.81 forgets it.

#include <boost/beast/http/verb.hpp>
#include <string>
#include <string_view>

namespace dockherd::http_api {

namespace http = boost::beast::http;

enum class Route {
  run_verb,      ///< POST /: a JSON verb, whatever the content type says.
  greeting,      ///< GET and HEAD /: a short text.
  wrong_method,  ///< The path exists, not with this method: 405 and allowed_methods().
  docker,        ///< Every other path is the Docker Engine API's, known there or not.
};

/// `target` is the request target as received (RFC 9112, 3.2): a path with an optional query, or an
/// absolute URI, whose scheme and authority are ignored.
Route find_route(http::verb method, std::string_view target);

/// Whether everybody takes the same path out of it: it begins with '/', http:// or https://. Any
/// other may not be served, for a daemon may read another path than path_of() does.
bool is_plain_target(std::string_view target);

/// The target without scheme, authority and query; "/" when nothing is left.
std::string_view path_of(std::string_view target);

/// "GET, HEAD, POST": the value of Allow for that path, empty when no route has it.
std::string allowed_methods(std::string_view path);

}  // namespace dockherd::http_api
