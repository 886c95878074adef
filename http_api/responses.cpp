#include "http_api/responses.hpp"

#include <boost/beast/http/status.hpp>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "http_api/routes.hpp"

namespace dockherd::http_api {

int http_status(const Error& error) {
  switch (error.code) {
    case errc::bad_request:
      return 400;
    case errc::not_found:
      return 404;
    case errc::ambiguous:
      return 409;
    case errc::too_large:
      return 413;
    case errc::docker_refused:
      return error.docker_status >= 400 && error.docker_status <= 599 ? error.docker_status : 502;
    case errc::daemon_down:
    case errc::daemon_lost:
    case errc::peer_lost:
    case errc::not_sent:
      return 502;
    case errc::declined:
    case errc::busy:
    case errc::canceled:
      return 503;
    case errc::timeout:
    case errc::not_begun:
    case errc::image_pulling:
      return 504;
    case errc::bad_config:
    case errc::internal:
      return 500;
  }
  return 500;
}

VerbReply error_reply(const Error& error) {
  json body = json::object();
  body["error"] = error.message;
  body["code"] = to_string(error.code);
  if (!error.field.empty()) body["field"] = error.field;
  if (!error.node.empty()) body["dockerInstance"] = error.node;
  // DockerMod's words for an id that nobody knows; a template or a host is no id.
  const bool about_id = error.field.empty() || error.field == "id";
  if (error.code == errc::not_found && about_id) body["status"] = "timeout or no such id";
  return {http_status(error), dump_json(body)};
}

VerbReply http_error_reply(int status, std::string_view message) {
  return {status, "{\"error\":" + quote_json(message) + "}"};
}

VerbReply malformed_body_reply() {
  return {400, "{\"message\":" + quote_json(malformed_body_sentence) + "}\n"};
}

Response&& Response::with_header(std::string_view name, std::string_view value) && {
  extra_headers += name;
  extra_headers += ": ";
  extra_headers += value;
  extra_headers += "\r\n";
  return std::move(*this);
}

Response wrong_method_response(std::string_view method, std::string_view path) {
  const std::string allowed = allowed_methods(path);
  return Response(http_error_reply(405, shortened(method, 40) + " is not served at " +
                                            std::string(path) + ", expected one of " + allowed +
                                            "; POST takes a JSON verb"))
      .with_header("Allow", allowed);
}

namespace {

Response in_form(int status, std::string_view sentence, bool for_docker) {
  if (!for_docker) return Response(http_error_reply(status, sentence));
  return Response(VerbReply(status, "{\"message\":" + quote_json(sentence) + "}\n"));
}

}  // namespace

Response unauthorized_response(bool for_docker) {
  return in_form(401,
                 "this herd must know who calls: send the header \"Authorization: Bearer TOKEN\" "
                 "with a token of \"dockherd token add\", or a client certificate",
                 for_docker)
      .with_header("WWW-Authenticate", "Bearer realm=\"dockherd\"");
}

Response over_limit_response(const OverLimit& over, bool for_docker) {
  return in_form(over.status, over.why, for_docker)
      .with_header(retry_after, std::to_string(over.retry_after_seconds));
}

Response too_many_connections_response() {
  return Response(
      error_reply(Error(errc::busy, "too many connections to this agent; try again soon")));
}

void render_head(std::string& out, const Response& response, std::string_view server,
                 std::string_view date, Persistence persistence) {
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(response.status)));
  out = "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += std::string_view(reason.data(), reason.size());
  out += "\r\nServer: ";
  out += server;
  out += "\r\nDate: ";
  out += date;
  out += "\r\nContent-Type: ";
  out += response.content_type;
  out += "\r\nContent-Length: ";
  out += std::to_string(response.body.size());
  out += "\r\n";
  out += response.extra_headers;
  const bool says_when = response.extra_headers.find(retry_after) != std::string::npos;
  if (response.status == 503 && !says_when) {
    out += std::string(retry_after) + ": " + std::string(retry_soon) + "\r\n";
  }
  if (persistence == Persistence::close) out += "Connection: close\r\n";
  if (persistence == Persistence::keep_said) out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

}  // namespace dockherd::http_api
