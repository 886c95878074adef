#include "tests/unit/http_api/tls_end.hpp"

#include <utility>

namespace dockherd::http_api {

TlsEnd::TlsEnd(Client& client, trust::SslContext context)
    : channel_(std::move(context), TlsChannel::Side::client, "127.0.0.1"),
      send_([&client](std::string_view bytes) { return client.send(bytes); }),
      receive_([&client] { return client.some(); }) {}

TlsEnd::TlsEnd(ScriptedUpstream::Peer& peer, trust::SslContext context)
    : channel_(std::move(context), TlsChannel::Side::server),
      send_([&peer](std::string_view bytes) {
        peer.send(bytes);
        return true;
      }),
      receive_([&peer] { return peer.some(); }) {}

void TlsEnd::flush() {
  const std::string bytes(channel_.output());
  channel_.sent(bytes.size());
  if (!bytes.empty()) send_(bytes);
}

bool TlsEnd::shake_hands() {
  for (;;) {
    const auto progress = channel_.handshake();
    flush();
    if (progress != TlsChannel::Progress::needs_input) {
      return progress == TlsChannel::Progress::done;
    }
    const std::string bytes = receive_();
    if (bytes.empty()) return false;
    channel_.feed(bytes);
  }
}

bool TlsEnd::send(std::string_view text) {
  if (!channel_.write(text)) return false;
  const std::string bytes(channel_.output());
  channel_.sent(bytes.size());
  return send_(bytes);
}

void TlsEnd::end_sending() {
  channel_.end();
  flush();
}

bool TlsEnd::read_more() {
  char bytes[16384];
  for (;;) {
    const std::size_t count = channel_.read(bytes, sizeof bytes);
    buffered_.append(bytes, count);
    flush();
    if (count > 0) return true;
    if (channel_.heard_end() || channel_.failed()) return false;
    const std::string more = receive_();
    if (more.empty()) return false;
    channel_.feed(more);
  }
}

std::string TlsEnd::receive_until(std::string_view mark) {
  std::size_t found = std::string::npos;
  while ((found = buffered_.find(mark)) == std::string::npos) {
    if (!read_more()) return std::exchange(buffered_, {});
  }
  std::string text = buffered_.substr(0, found + mark.size());
  buffered_.erase(0, text.size());
  return text;
}

std::string TlsEnd::receive(std::size_t count) {
  while (buffered_.size() < count && read_more()) {
  }
  std::string text = buffered_.substr(0, count);
  buffered_.erase(0, text.size());
  return text;
}

std::string TlsEnd::response() {
  const std::string head = receive_until("\r\n\r\n");
  const auto length = head.find("Content-Length: ");
  if (length == std::string::npos) return head;
  return head + receive(std::stoul(head.substr(length + 16)));
}

std::string TlsEnd::rest() {
  while (read_more()) {
  }
  return std::exchange(buffered_, {});
}

}  // namespace dockherd::http_api
