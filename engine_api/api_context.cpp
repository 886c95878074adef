#include "engine_api/api_context.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine_api/docker_error.hpp"
#include "http_api/responses.hpp"

namespace dockherd::engine_api {

namespace {

/// A Warning header (RFC 7234, 5.5): 199 is "miscellaneous", and the text is for people.
std::string warning_text(const std::vector<std::string>& left_out) {
  std::string text = "not in this answer: " + join(left_out);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '"' || c == '\\' || c < ' '; }, '\'');
  return "199 dockherd \"" + text + "\"";
}

}  // namespace

std::string ApiRequest::target(std::string_view path, const Query& fields) const {
  std::string out = route.version.empty() ? std::string() : "/v" + route.version;
  out += path;
  if (!fields.empty()) out += "?" + format_query(fields);
  return out;
}

std::string ApiRequest::passed_target() const {
  return restricted ? target(route.path, query) : std::string(exchange.target());
}

void add_warning(http_api::HeaderList& headers, const std::vector<std::string>& left_out) {
  if (!left_out.empty()) headers.emplace_back("Warning", warning_text(left_out));
}

http_api::HeaderList own_headers(const HerdPort& herd, std::string_view content_type) {
  http_api::HeaderList headers{
      {"Api-Version", herd.api_version()}, {"Docker-Experimental", "false"}, {"Ostype", "linux"}};
  if (!content_type.empty()) headers.emplace_back("Content-Type", std::string(content_type));
  return headers;
}

asio::awaitable<void> answer_error(const ApiContext& context, http_api::Exchange& exchange,
                                   int status, std::string message) {
  const std::string body = docker_message(message);
  co_await exchange.respond(status, own_headers(context.herd, "application/json"), body);
}

asio::awaitable<void> answer_error(const ApiContext& context, http_api::Exchange& exchange,
                                   const Error& error, std::string hostname) {
  const std::string& host = hostname.empty() ? error.node : hostname;
  const bool named = host.empty() || error.message.find(host) != std::string::npos;
  std::string message = named ? error.message : host + ": " + error.message;
  return answer_error(context, exchange, http_api::http_status(error), std::move(message));
}

asio::awaitable<void> answer_json(const ApiContext& context, http_api::Exchange& exchange,
                                  int status, std::string body, std::vector<std::string> left_out) {
  http_api::HeaderList headers = own_headers(context.herd, "application/json");
  add_warning(headers, left_out);
  co_await exchange.respond(status, std::move(headers), body);
}

}  // namespace dockherd::engine_api
