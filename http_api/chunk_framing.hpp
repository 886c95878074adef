// How a request's body in chunks must be framed to be passed on. Pure.
#pragma once

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dockherd::http_api {

/// Purpose: judges every byte of such a body before any of it goes to a daemon or another agent.
/// A body passes as it came, so its end must be where whoever gets it sees it, too. Programs do not
/// agree on what else a chunk's line may be: Beast's parser lets LF stand in the quotes of an
/// extension, where older servers in Go end the line, and take what follows for chunks and requests
/// of its own. So a line is hexadecimal digits and CRLF and nothing more, and there is no trailer.
/// One message.
class ChunkFraming {
 public:
  /// What comes next. Says how much of it is of the body: all, unless that ends there or is broken,
  /// where the byte that breaks it does not count.
  std::size_t take(std::string_view bytes);

  /// The last chunk's empty line has been taken.
  bool done() const { return at_ == At::end; }
  /// bad_chunk_extension when a size is followed by anything but its line's end, else bad_chunk.
  const boost::system::error_code& fault() const { return fault_; }

 private:
  enum class At { size, size_lf, data, data_cr, data_lf, last_cr, last_lf, end };

  void take_of_size(char byte);
  void expect(char byte, char expected, At next);

  At at_ = At::size;
  std::uint64_t left_ = 0;  // Of the chunk's data.
  int digits_ = 0;          // Of its size, so far.
  boost::system::error_code fault_;
};

}  // namespace dockherd::http_api
