// Port: one Docker daemon's Engine API. Who speaks it (a socket, a fake) is not known here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace dockherd::docker_client {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A call. `target` is a path and query without the API version ("/containers/json?all=1"); the
/// client puts the negotiated version before it.
struct DockerRequest {
  DockerRequest(std::string http_method, std::string path_and_query, TimePoint absolute_deadline)
      : method(std::move(http_method)),
        target(std::move(path_and_query)),
        deadline(absolute_deadline) {}

  DockerRequest&& with_body(std::string json_text) && {
    body = std::move(json_text);
    return std::move(*this);
  }
  DockerRequest&& with_headers(Headers extra) && {
    headers = std::move(extra);
    return std::move(*this);
  }
  DockerRequest&& as_own_look() && {
    own_look = true;
    return std::move(*this);
  }
  DockerRequest&& with_api_version(std::string version) && {
    api_version = std::move(version);
    return std::move(*this);
  }

  std::string method;  ///< "GET", "POST", "DELETE", "HEAD", "PUT".
  std::string target;
  std::string body;    ///< JSON text, or empty. Sent as application/json unless headers say else.
  Headers headers;     ///< In addition to the client's own.
  TimePoint deadline;  ///< For the whole call.
  std::string
      api_version;  ///< "1.40": in this one, whose meaning depends on it. Empty: negotiated.
  /// The agent keeps true by it what it knows: not to wait behind the calls of its callers.
  bool own_look = false;
};

struct DockerResponse {
  DockerResponse() = default;
  DockerResponse(int http_status, std::string text) : status(http_status), body(std::move(text)) {}

  bool ok() const { return status >= 200 && status < 400; }
  /// The value of a header, any case, or an empty view.
  std::string_view header(std::string_view name) const;

  int status = 0;   ///< HTTP status: 2xx, 304, or an error with {"message": …}.
  Headers headers;  ///< In the order received, names as received.
  std::string body;
};

/// What the client knows of its daemon.
struct DaemonVersion {
  std::string version;      ///< "20.10.24".
  std::string api_version;  ///< Negotiated, "1.41"; empty until the daemon was reached.
};

class Docker {
 public:
  virtual ~Docker() = default;

  /// One request and its whole response. An HTTP error status is a response, not an error.
  /// Fails with daemon_down (could not connect: nothing changed), busy (too many wait
  /// already, or not sent before the deadline: nothing changed), too_large (the target is: nothing
  /// changed), daemon_lost (broke off, or answers more than we take: may have changed), timeout
  /// (may have changed), canceled.
  virtual asio::awaitable<Result<DockerResponse>> call(DockerRequest request) = 0;

  /// A GET whose response is a stream of lines (JSON objects, one a line), as of `/events`: calls
  /// `on_line` for each, from the event loop, until the daemon ends the stream (success), the
  /// connection breaks, or the caller cancels. `on_open` is called once the status is 200 and
  /// headers are in; dockerd subscribes to its own events a moment later, and what happens in
  /// between is not told. The request's deadline holds until then only.
  virtual asio::awaitable<Result<void>> stream_lines(
      DockerRequest request, std::function<void()> on_open,
      std::function<void(std::string_view)> on_line) = 0;

  /// What was learnt at the last (re)connection.
  virtual DaemonVersion version() const = 0;
};

}  // namespace dockherd::docker_client
