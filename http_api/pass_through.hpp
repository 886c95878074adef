// Where a message's body ends, for passing its bytes on as they come. No sockets.
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <string_view>

#include "http_api/chunk_framing.hpp"

namespace dockherd::http_api {

/// Purpose: offers what a buffer holds of a message, up to its end.
/// Beast's parser takes a chunk's line only when it is whole, and the end of one chunk with the
/// line of the next. A client is not made to wait for that: of a response that is not over, every
/// byte is offered at once. Of a request only what has been parsed is, or a daemon might take for a
/// request what our parser would yet refuse, and chunks are parsed only as far as ChunkFraming has
/// judged them.
/// One message, one buffer.
class PassThrough {
 public:
  /// What has not been offered before; valid until drop(). Empty: nothing, or the message is over
  /// or broken.
  template <bool is_request>
  std::string_view offer(boost::beast::flat_buffer& buffer,
                         boost::beast::http::basic_parser<is_request>& parser) {
    parse(buffer, parser);
    const bool parsed_only = is_request || parser.is_done() || fault_;
    offered_ = std::max(passed_, parsed_only ? parsed_ : buffer.size());
    const auto* bytes = static_cast<const char*>(buffer.data().data());
    return {bytes + passed_, offered_ - passed_};
  }

  /// Judges the chunks that have arrived of a request, without taking any: see malformed().
  template <bool is_request>
  void judge(boost::beast::flat_buffer& buffer,
             const boost::beast::http::basic_parser<is_request>& parser) {
    if (fault_ || !has_judged_chunks(parser) || judged_ >= buffer.size()) return;
    const auto* bytes = static_cast<const char*>(buffer.data().data());
    judged_ += framing_.take({bytes + judged_, buffer.size() - judged_});
    fault_ = framing_.fault();
  }

  /// What was offered is done with.
  void drop(boost::beast::flat_buffer& buffer) {
    // Not of nothing: that would move a buffer that somebody reads into.
    if (parsed_ > 0) buffer.consume(parsed_);
    passed_ = offered_ > parsed_ ? offered_ - parsed_ : 0;
    judged_ -= std::min(judged_, parsed_);
    parsed_ = offered_ = 0;
  }

  /// Something is on offer: the buffer must stay as it is.
  bool holds() const { return offered_ > passed_; }

  /// What is wrong with the message; header_limit when a chunk's line is too long.
  const boost::system::error_code& fault() const { return fault_; }
  /// The chunks of a request are not framed as they must be to be passed on.
  bool malformed() const { return static_cast<bool>(framing_.fault()); }
  void set_fault(boost::system::error_code fault) { fault_ = fault; }

 private:
  /// A chunk's size line with its extensions, and the trailer: of a response.
  static constexpr std::size_t longest_line = 16u << 10;
  /// "0\r\n\r\n". Beast's parser takes for granted that a last chunk whose end it has asked for is
  /// not shown to it again before it is as long as that.
  static constexpr std::size_t shortest_last_chunk = 5;

  /// What answers is trusted with its framing: a client gets it as the daemon sent it.
  template <bool is_request>
  static bool has_judged_chunks(const boost::beast::http::basic_parser<is_request>& parser) {
    return is_request && parser.chunked() && !parser.is_done();
  }

  template <bool is_request>
  void parse(boost::beast::flat_buffer& buffer,
             boost::beast::http::basic_parser<is_request>& parser) {
    judge(buffer, parser);
    const std::size_t end = has_judged_chunks(parser) ? judged_ : buffer.size();
    while (!fault_ && !parser.is_done() && parsed_ < end) {
      const boost::asio::const_buffer rest =
          boost::asio::buffer(buffer.data() + parsed_, end - parsed_);
      if (waits_ && parser.chunked() && rest.size() < shortest_last_chunk &&
          *static_cast<const char*>(rest.data()) == '0') {
        return;
      }
      const std::size_t used = parser.put(rest, fault_);
      parsed_ += used;
      waits_ = fault_ == boost::beast::http::error::need_more;
      if (fault_ == boost::beast::http::error::need_more) {
        fault_ = {};
        if (end - parsed_ > longest_line) {
          fault_ = boost::beast::http::error::header_limit;
        }
        return;
      }
      if (used == 0) return;
    }
  }

  // All are counted from the buffer's beginning.
  std::size_t parsed_ = 0;
  std::size_t passed_ = 0;   // Offered before, but not yet parsed.
  std::size_t offered_ = 0;  // The end of what is on offer.
  std::size_t judged_ = 0;   // Of a request in chunks.
  ChunkFraming framing_;
  bool waits_ = false;  // What follows parsed_ was too little for the parser.
  boost::system::error_code fault_;
};

}  // namespace dockherd::http_api
