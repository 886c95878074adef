#include "http_api/head_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/none.hpp>
#include <string_view>

#include "http_api/browser_guard.hpp"
#include "http_api/message_head.hpp"
#include "http_api/responses.hpp"
#include "http_api/routes.hpp"

namespace dockherd::http_api {

namespace {

/// RFC 9112, 6.1 and 6.3: what ends a body of any other coding cannot be known, so neither where
/// the next request begins. The parser takes such a body for an empty one.
bool framing_is_known(const http::request<http::empty_body>& request) {
  const auto codings = request.count(http::field::transfer_encoding);
  if (codings == 0) return true;
  return codings == 1 && request.version() >= 11 &&
         boost::beast::iequals(request[http::field::transfer_encoding], "chunked");
}

}  // namespace

HeadReader::HeadReader(std::size_t limit) : limit_(limit) {
  parser_.header_limit(static_cast<std::uint32_t>(limit));
  parser_.body_limit(boost::none);
}

/// The parser forgets each field that it has taken, so its own limit holds for one field only.
bool HeadReader::read(boost::beast::flat_buffer& buffer, boost::system::error_code& fault) {
  // RFC 9112, 2.2: empty lines before a request are ignored.
  const auto arrived = [&buffer] {
    return std::string_view(static_cast<const char*>(buffer.data().data()), buffer.size());
  };
  while (!parser_.got_some() && arrived().starts_with("\r\n")) buffer.consume(2);
  if (!parser_.got_some() && arrived() == "\r") return false;  // The rest of such a line may come.
  while (buffer.size() > 0 && !fault) {
    const auto allowed = boost::asio::buffer(buffer.data(), limit_ - taken_);
    const std::size_t used = parser_.put(allowed, fault);
    taken_ += used;
    buffer.consume(used);
    if (!parser_.is_header_done()) continue;
    if (!fault && !framing_is_known(parser_.get())) fault = http::error::bad_transfer_encoding;
    return true;
  }
  if (fault == http::error::need_more) {
    fault = {};
    if (taken_ + buffer.size() > limit_) fault = http::error::header_limit;
  }
  return static_cast<bool>(fault);
}

std::optional<VerbReply> why_refused(const http::header<true, http::fields>& head) {
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() >= 11)) {
    return http_error_reply(400, "a request needs exactly one Host header");
  }
  if (!is_plain_target(as_view(head.target()))) {
    return http_error_reply(400, "the request target must begin with /, http:// or https://");
  }
  if (!is_trusted_origin(as_view(head[http::field::origin]), as_view(head[http::field::host]))) {
    return http_error_reply(403, "a web page of another origin may not use this agent");
  }
  return std::nullopt;
}

}  // namespace dockherd::http_api
