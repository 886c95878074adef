// Any bytes to either end of a TLS connection by the herd's key: nobody is let in, and what is held
// and answered stays small.
#include "http_api/tls_channel.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "trust/herd_tls.hpp"

namespace {

using dockherd::http_api::TlsChannel;

constexpr std::size_t most_said = 64u << 10;  // Of a handshake that did not come about.

/// In two pieces: what waits for the rest is another path than what is whole.
void feed(TlsChannel& channel, std::string_view bytes) {
  using dockherd::fuzz::require;
  for (const std::string_view piece :
       {bytes.substr(0, bytes.size() / 2), bytes.substr(bytes.size() / 2)}) {
    channel.feed(piece);
    require(channel.handshake() != TlsChannel::Progress::done);
    require(channel.output().size() <= most_said);
    channel.sent(channel.output().size());
  }
  channel.end();
  require(channel.output().empty());
  require(!channel.write("x") || channel.output().size() <= most_said);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key = dockherd::trust::HerdKey::generate();
  static const auto serving = dockherd::trust::agents_listener_context({key});
  static const auto calling = dockherd::trust::agent_client_context(key);
  if (size == 0) return 0;
  const std::string_view bytes = dockherd::fuzz::text_of(data, size).substr(1);
  if (data[0] % 2 == 0) {
    TlsChannel server(serving, TlsChannel::Side::server);
    feed(server, bytes);
  } else {
    TlsChannel client(calling, TlsChannel::Side::client);
    client.handshake();
    client.sent(client.output().size());
    feed(client, bytes);
  }
  return 0;
}
