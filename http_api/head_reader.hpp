// The head of a request, read bit by bit within its limit, and what every request must be like to
// be looked at. No sockets.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <optional>
#include <utility>

#include "http_api/cluster_api.hpp"

namespace dockherd::http_api {

/// One head of one request.
class HeadReader {
 public:
  using Parser = boost::beast::http::request_parser<boost::beast::http::empty_body>;

  /// `limit`: bytes of the head, its empty line included.
  explicit HeadReader(std::size_t limit);

  /// Takes from `buffer` what belongs to the head; what follows it stays. True when the head is
  /// complete or `fault` is set, which says that no request can be read from this connection.
  bool read(boost::beast::flat_buffer& buffer, boost::system::error_code& fault);
  /// Something of it has been taken.
  bool begun() const { return parser_.got_some(); }
  /// Once it is complete, to be moved from: nothing of the body has been read.
  Parser&& take() { return std::move(parser_); }

 private:
  Parser parser_;
  std::size_t limit_;
  std::size_t taken_ = 0;
};

/// Why a request may not run, whatever it asks for.
std::optional<VerbReply> why_refused(
    const boost::beast::http::header<true, boost::beast::http::fields>& head);

}  // namespace dockherd::http_api
