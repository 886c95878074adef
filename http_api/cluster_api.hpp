// Port: what the HTTP side needs of the cluster.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "http_api/caller.hpp"

namespace dockherd::http_api {

/// The answer to a JSON verb.
struct VerbReply {
  VerbReply(int http_status, std::string json_text)
      : status(http_status), body(std::move(json_text)) {}

  int status;        ///< HTTP status for the client: 200, 207, 4xx, 5xx.
  std::string body;  ///< A complete JSON document.
};

class ClusterApi {
 public:
  virtual ~ClusterApi() = default;

  /// Carries out the JSON verb in `request` (a document as received, within
  /// limits::http_body_bytes), here or on the nodes that it concerns. Always answers: errors are
  /// replies. What `caller` may not do is refused. Ends before the verb's own deadline.
  /// Cancellation by the caller (client gone) does not undo what has begun.
  virtual asio::awaitable<VerbReply> execute_verb(std::string request, Caller caller) = 0;

  /// A short text for `GET /`: program, version, where to read on.
  virtual std::string greeting() const = 0;
};

}  // namespace dockherd::http_api
