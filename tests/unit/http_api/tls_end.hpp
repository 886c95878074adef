// TLS over a blocking connection of a test's: what was byte by byte is now inside of it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http_api/tls_channel.hpp"
#include "tests/unit/http_api/loopback.hpp"
#include "tests/unit/http_api/scripted_upstream.hpp"

namespace dockherd::http_api {

class TlsEnd {
 public:
  /// As a client of the server under test.
  TlsEnd(Client& client, trust::SslContext context);
  /// As an upstream.
  TlsEnd(ScriptedUpstream::Peer& peer, trust::SslContext context);

  /// False when one of both refuses.
  bool shake_hands();
  /// False when the other side closed meanwhile.
  bool send(std::string_view text);
  /// Says by TLS that it sends no more; the socket stays open in both directions.
  void end_sending();
  /// Up to and with `mark`, or less when the other side ends.
  std::string receive_until(std::string_view mark);
  std::string receive(std::size_t count);
  /// A head, and the body that it announces.
  std::string response();
  /// Until the other side sends no more.
  std::string rest();
  /// The other side has said so by TLS, and not merely closed.
  bool heard_end() const { return channel_.heard_end(); }
  /// Whose certificate the other side has shown.
  const std::string& peer_name() const { return channel_.peer_name(); }

 private:
  void flush();
  bool read_more();

  TlsChannel channel_;
  std::function<bool(std::string_view)> send_;
  std::function<std::string()> receive_;  // Empty at the end.
  std::string buffered_;
};

}  // namespace dockherd::http_api
