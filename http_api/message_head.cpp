#include "http_api/message_head.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

namespace dockherd::http_api {

namespace http = boost::beast::http;

namespace {

void append_fields(std::string& out, const HeaderList& headers) {
  for (const auto& [name, value] : headers) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
}

}  // namespace

void render(std::string& out, const RequestHead& head) {
  out += head.method;
  out += ' ';
  out += head.target;
  out += head.version >= 11 ? " HTTP/1.1\r\nHost: docker\r\n" : " HTTP/1.0\r\nHost: docker\r\n";
  append_fields(out, head.headers);
  out += "\r\n";
}

bool is_for_one_connection(std::string_view name) {
  static constexpr std::array<std::string_view, 8> names{"connection",
                                                         "keep-alive",
                                                         "proxy-authenticate",
                                                         "proxy-authorization",
                                                         "proxy-connection",
                                                         "te",
                                                         "upgrade",
                                                         "host"};
  return std::any_of(names.begin(), names.end(), [name](std::string_view known) {
    return boost::beast::iequals({name.data(), name.size()}, {known.data(), known.size()});
  });
}

bool wants_upgrade(const http::fields& headers) {
  return http::token_list(headers[http::field::connection]).exists("upgrade") &&
         headers.count(http::field::upgrade) > 0;
}

namespace {

/// Of who calls this agent: no daemon and no other agent is to see the secret, and what a client
/// says of itself is not passed on as if this agent said it.
bool is_about_the_caller(std::string_view name) {
  static constexpr std::array<std::string_view, 4> names{"authorization", "x-dockherd-user",
                                                         "x-dockherd-role", "x-dockherd-node"};
  return std::any_of(names.begin(), names.end(), [name](std::string_view known) {
    return boost::beast::iequals({name.data(), name.size()}, {known.data(), known.size()});
  });
}

/// Said by "Connection: NAME" to be for this connection only. How the body is framed is no such
/// thing, whatever a sender says: it would be taken for the next message.
bool is_named_by_connection(const http::fields& headers, const http::fields::value_type& field) {
  if (field.name() == http::field::content_length ||
      field.name() == http::field::transfer_encoding) {
    return false;
  }
  const auto lists = headers.equal_range(http::field::connection);
  return std::any_of(lists.first, lists.second, [&field](const auto& list) {
    return http::token_list(list.value()).exists(field.name_string());
  });
}

}  // namespace

HeaderList passed_on(const http::fields& headers, bool upgrade) {
  HeaderList list;
  for (const auto& field : headers) {
    const auto name = field.name_string();
    const bool hop = is_for_one_connection({name.data(), name.size()}) ||
                     is_about_the_caller({name.data(), name.size()});
    const bool end_to_end = !hop && !is_named_by_connection(headers, field);
    const bool goes = end_to_end || (upgrade && (field.name() == http::field::upgrade ||
                                                 field.name() == http::field::connection));
    if (goes) list.emplace_back(std::string(name), std::string(field.value()));
  }
  return list;
}

void render_passed(std::string& out, unsigned status, std::string_view reason,
                   const HeaderList& headers, ConnectionHeader connection) {
  out += "HTTP/1.1 ";
  out += std::to_string(status);
  out += ' ';
  out += reason;
  out += "\r\n";
  append_fields(out, headers);
  if (connection == ConnectionHeader::keep_alive) out += "Connection: keep-alive\r\n";
  if (connection == ConnectionHeader::close) out += "Connection: close\r\n";
  out += "\r\n";
}

}  // namespace dockherd::http_api
