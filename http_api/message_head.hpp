// Heads of HTTP messages that pass through: what goes on, and what is for one connection only.
// Pure.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dockherd::http_api {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// Beast's own string_view is not the standard's.
inline std::string_view as_view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// The head of a request to an upstream. `headers` come as they are, besides Host.
struct RequestHead {
  RequestHead(std::string http_method, std::string path_and_query)
      : method(std::move(http_method)), target(std::move(path_and_query)) {}

  std::string method;
  std::string target;
  HeaderList headers;
  unsigned version = 11;  ///< 10 or 11. To a 1.0 client nothing may be sent in chunks.
};

/// Appends the request's head, its empty line included.
void render(std::string& out, const RequestHead& head);

/// Whether a header is about one connection only (RFC 9110, 7.6.1). Content-Length and
/// Transfer-Encoding are about the message, whose body passes as it is.
bool is_for_one_connection(std::string_view name);

/// Whether the client wants to leave HTTP on this connection ("Connection: Upgrade").
bool wants_upgrade(const boost::beast::http::fields& headers);

/// The headers that go on with a request or response, in their order. With `upgrade`, Connection
/// and Upgrade do, too; what says who calls does not: the other side is to take over the
/// connection. What Connection names does not, besides those and the framing.
HeaderList passed_on(const boost::beast::http::fields& headers, bool upgrade);

/// Appends status line and headers of an upstream's response, its empty line included. `keep_said`
/// and `close` add a Connection header of our own.
enum class ConnectionHeader { none, keep_alive, close };
void render_passed(std::string& out, unsigned status, std::string_view reason,
                   const HeaderList& headers, ConnectionHeader connection);

}  // namespace dockherd::http_api
