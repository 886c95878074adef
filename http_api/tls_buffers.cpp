#include "http_api/tls_buffers.hpp"

#include <openssl/bio.h>

#include <algorithm>
#include <cstring>

namespace dockherd::http_api {

namespace {

constexpr std::size_t kept_bytes = 4u << 10;

TlsBuffers& buffers_of(BIO* bio) {
  return *static_cast<TlsBuffers*>(BIO_get_data(bio));
}

int read_in(BIO* bio, char* into, int room) {
  BIO_clear_retry_flags(bio);
  ByteQueue& in = buffers_of(bio).in;
  if (in.size() == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(in.size(), static_cast<std::size_t>(std::max(room, 0)));
  std::memcpy(into, in.view().data(), count);
  in.drop(count);
  return static_cast<int>(count);
}

int write_out(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  buffers_of(bio).out.append({bytes, static_cast<std::size_t>(size)});
  return size;
}

long control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/// Made once; the program keeps it.
const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "buffers");
    BIO_meth_set_read(fresh, read_in);
    BIO_meth_set_write(fresh, write_out);
    BIO_meth_set_ctrl(fresh, control);
    return fresh;
  }();
  return made;
}

}  // namespace

void ByteQueue::append(std::string_view bytes) {
  if (begin_ > 0) {
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  bytes_.append(bytes);
}

void ByteQueue::drop(std::size_t count) {
  begin_ += std::min(count, size());
  if (begin_ < bytes_.size()) return;
  begin_ = 0;
  if (bytes_.capacity() > kept_bytes) {
    std::string().swap(bytes_);
  } else {
    bytes_.clear();
  }
}

BIO* new_bio(TlsBuffers& buffers) {
  BIO* bio = BIO_new(method());
  BIO_set_data(bio, &buffers);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace dockherd::http_api
