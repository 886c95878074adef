// What is sent back: errors as HTTP status and JSON, and the head of a response. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "http_api/client_limits.hpp"
#include "http_api/cluster_api.hpp"

namespace dockherd::http_api {

/// The one place that turns an error into an HTTP status and its JSON body:
/// {"error": sentence, "code": name of the errc, "field"?: name, "dockerInstance"?: hostname}, and
/// for not_found of an id also "status": "timeout or no such id".
VerbReply error_reply(const Error& error);

/// The HTTP status that error_reply() gives.
int http_status(const Error& error);

/// The same shape for what only HTTP itself can get wrong (405, 408, 431, 505...).
VerbReply http_error_reply(int status, std::string_view message);

/// To an upload whose chunks may not be passed on as they are (see ChunkFraming); in Docker's form.
inline constexpr std::string_view malformed_body_sentence =
    "the chunks of the request body are malformed: each must begin with a line of its size in "
    "hexadecimal digits alone, and nothing may follow the last one";
VerbReply malformed_body_reply();

/// Goes with each 503 of ours: what is busy or stops now may be asked again soon (RFC
/// 9110, 10.2.3).
inline constexpr std::string_view retry_after = "Retry-After";
inline constexpr std::string_view retry_soon = "1";

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view text_type = "text/plain; charset=utf-8";

/// A response before it is put on the wire.
struct Response {
  Response(int http_status, std::string_view type, std::string text)
      : status(http_status), content_type(type), body(std::move(text)) {}
  explicit Response(VerbReply reply)
      : status(reply.status), content_type(json_type), body(std::move(reply.body)) {}

  Response&& with_header(std::string_view name, std::string_view value) &&;

  int status;
  std::string_view content_type;  ///< One of the constants above.
  std::string body;
  std::string extra_headers;  ///< Whole lines, each with its CRLF.
};

/// 405 with Allow.
Response wrong_method_response(std::string_view method, std::string_view path);
/// 401: the caller is nobody. In the form of Docker's errors, or of the verbs'.
Response unauthorized_response(bool for_docker);
/// 429 or 503 with Retry-After, in the same two forms.
Response over_limit_response(const OverLimit& over, bool for_docker);
/// 503 with Retry-After, for a connection over the bound.
Response too_many_connections_response();

/// Whether the connection stays open after the response, and whether that must be said:
/// HTTP/1.0 closes unless told, HTTP/1.1 keeps unless told (RFC 9112, 9.3).
enum class Persistence { keep_silently, keep_said, close };

/// Replaces `out` with status line and headers, up to and with the empty line; the body is for the
/// caller to send, or, after HEAD, not to. `date` is an IMF-fixdate (RFC 9110, 5.6.7).
void render_head(std::string& out, const Response& response, std::string_view server,
                 std::string_view date, Persistence persistence);

}  // namespace dockherd::http_api
