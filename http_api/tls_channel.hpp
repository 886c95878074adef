// TLS of one connection as bytes in and bytes out. Must not know where they come from and go to.
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http_api/tls_buffers.hpp"
#include "trust/ssl_context.hpp"

namespace dockherd::http_api {

/// Purpose: the only place where bytes from outside reach OpenSSL, and all that is used of it. Each
/// side ends its own direction by a close_notify, and may read on after it has ended, and write on
/// after the other has.
/// What is fed is held until it has been read: whoever feeds stops while holds_input(). What comes
/// out is to be sent before more is written.
/// Lifecycle: handshake() until it is done, with feed() and output() in between; then read() and
/// write() as one likes. After failed() only output() is of use: it tells the other side.
class TlsChannel {
 public:
  enum class Side { client, server };
  enum class Progress { done, needs_input, failed };

  /// A client that judges by certificates says whose it expects: the name or IP address of `host`.
  TlsChannel(trust::SslContext context, Side side, const std::string& host = {});
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  /// Bytes as they have come from the network.
  void feed(std::string_view ciphertext);
  /// What is to go to the network. Valid until the next call of anything but sent().
  std::string_view output() const { return buffers_.out.view(); }
  void sent(std::size_t count) { buffers_.out.drop(count); }

  Progress handshake();
  /// How many bytes it has put into `into`. 0: it needs more input, or heard_end(), or failed().
  std::size_t read(char* into, std::size_t room);
  /// Both pieces, one after the other. False when failed() or ended.
  bool write(std::string_view first, std::string_view second = {});
  /// Says that we send no more.
  void end();

  /// The other side has said that it sends no more.
  bool heard_end() const { return heard_end_; }
  /// Something has been fed that read() has not given yet, be it a part of a record.
  bool holds_input() const;
  bool failed() const { return !failure_.empty(); }
  /// Why, for people; of a certificate that was not believed the reason.
  const std::string& failure() const { return failure_; }
  /// The other side began with plain HTTP, to which it is to be answered so.
  bool heard_plain_http() const { return first_byte_ >= 'A' && first_byte_ <= 'Z'; }
  /// The one common name (CN) of the other side's certificate, which has been verified. Else empty.
  const std::string& peer_name() const { return peer_name_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const;
  };

  /// Sorts out why a call did not give what it was asked for.
  void judge(int result);
  void learn_peer();

  TlsBuffers buffers_;
  trust::SslContext context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string pieces_;  // Of a small write, so that they make one record.
  std::string failure_;
  std::string peer_name_;
  char first_byte_ = 0;
  bool heard_end_ = false;
  bool ended_ = false;
};

}  // namespace dockherd::http_api
