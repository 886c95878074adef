// The bytes on both sides of OpenSSL, in memory. Must not know what they mean.
#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>

namespace dockherd::http_api {

/// Purpose: bytes in the order in which they came, taken from the front. Gives its memory back when
/// empty, because most connections idle.
class ByteQueue {
 public:
  void append(std::string_view bytes);
  std::string_view view() const { return std::string_view(bytes_).substr(begin_); }
  void drop(std::size_t count);
  std::size_t size() const { return bytes_.size() - begin_; }

 private:
  std::string bytes_;
  std::size_t begin_ = 0;
};

/// What has come from the network and what is to go there, as OpenSSL sees them.
struct TlsBuffers {
  ByteQueue in;
  ByteQueue out;
};

/// A BIO that reads from one and writes to the other, without ever blocking. `buffers` outlive it.
BIO* new_bio(TlsBuffers& buffers);

}  // namespace dockherd::http_api
