#include "http_api/chunk_framing.hpp"

#include <algorithm>
#include <boost/beast/http/error.hpp>

namespace dockherd::http_api {

namespace {

/// As many as a size of 64 bits has, zeros before it included: Go takes no more, either.
constexpr int most_size_digits = 16;

/// -1 for what is none.
int hex_digit_value(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

}  // namespace

std::size_t ChunkFraming::take(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && at_ != At::end && !fault_) {
    const char byte = bytes[taken];
    switch (at_) {
      case At::size:
        take_of_size(byte);
        break;
      case At::size_lf:
        expect(byte, '\n', left_ == 0 ? At::last_cr : At::data);
        break;
      case At::data: {
        const std::uint64_t here = std::min<std::uint64_t>(left_, bytes.size() - taken);
        left_ -= here;
        if (left_ == 0) at_ = At::data_cr;
        taken += static_cast<std::size_t>(here);
        continue;
      }
      case At::data_cr:
        expect(byte, '\r', At::data_lf);
        break;
      case At::data_lf:
        expect(byte, '\n', At::size);
        digits_ = 0;
        break;
      case At::last_cr:
        // Any other byte would be a trailer's.
        expect(byte, '\r', At::last_lf);
        break;
      case At::last_lf:
        expect(byte, '\n', At::end);
        break;
      case At::end:
        break;
    }
    if (!fault_) ++taken;
  }
  return taken;
}

void ChunkFraming::take_of_size(char byte) {
  const int value = hex_digit_value(byte);
  if (value >= 0 && digits_ < most_size_digits) {
    left_ = left_ * 16 + static_cast<std::uint64_t>(value);
    ++digits_;
  } else if (byte == '\r' && digits_ > 0) {
    at_ = At::size_lf;
  } else {
    const bool extension = digits_ > 0 && (byte == ';' || byte == ' ' || byte == '\t');
    fault_ = extension ? boost::beast::http::error::bad_chunk_extension
                       : boost::beast::http::error::bad_chunk;
  }
}

void ChunkFraming::expect(char byte, char expected, At next) {
  if (byte == expected) {
    at_ = next;
  } else {
    fault_ = boost::beast::http::error::bad_chunk;
  }
}

}  // namespace dockherd::http_api
