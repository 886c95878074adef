#include "bus/gossip_codec.hpp"

#include "bus/wire_reader.hpp"

namespace dockherd::bus {

namespace {

constexpr std::uint16_t gossip_signature = 0xAAA0;
constexpr std::uint8_t gossip_version = 1;
constexpr std::string_view tcp_scheme = "tcp://";

Error malformed_gossip(const std::string& what) {
  return {errc::bad_request, "malformed gossip message: " + what};
}

}  // namespace

std::string encode_gossip(const GossipMessage& message) {
  WireWriter out(16 + message.key.size() + message.value.size());
  out.u16(gossip_signature);
  out.u8(static_cast<std::uint8_t>(message.kind));
  out.u8(gossip_version);
  if (message.kind == GossipKind::publish) {
    out.short_string(message.key);
    out.long_string(message.value);
    out.u32(message.ttl_millis);
  }
  return out.take();
}

Result<GossipMessage> decode_gossip(std::string_view frame) {
  WireReader in(frame);
  if (in.u16() != gossip_signature) return malformed_gossip("not zgossip");
  const std::uint8_t kind = in.u8();
  if (in.u8() != gossip_version) return malformed_gossip("unknown version");
  if (kind < 1 || kind > 5) return malformed_gossip("unknown id " + std::to_string(kind));
  GossipMessage message;
  message.kind = static_cast<GossipKind>(kind);
  if (message.kind == GossipKind::publish) {
    message.key = in.short_string();
    const std::string_view value = in.long_string();
    if (value.size() > gossip_value_bytes) return malformed_gossip("value too long");
    message.value = value;
    message.ttl_millis = in.u32();
  }
  if (!in.ok()) return malformed_gossip("it ends too soon");
  if (in.remaining() != 0) return malformed_gossip("bytes follow it");
  return message;
}

GossipMessage to_publish(const GossipTuple& tuple) {
  GossipMessage message;
  message.kind = GossipKind::publish;
  message.key = tuple.id.hex();
  message.value = tuple.endpoint;
  if (!tuple.public_key.empty()) message.value += "|" + tuple.public_key;
  return message;
}

std::optional<GossipTuple> to_tuple(const GossipMessage& message) {
  if (message.kind != GossipKind::publish) return std::nullopt;
  const auto id = NodeId::from_hex(message.key);
  if (!id) return std::nullopt;
  GossipTuple tuple;
  tuple.id = *id;
  const auto bar = message.value.find('|');
  tuple.endpoint = message.value.substr(0, bar);
  if (bar != std::string::npos) {
    tuple.public_key = message.value.substr(bar + 1);
    if (tuple.public_key.size() != 40) return std::nullopt;
  }
  if (tuple.endpoint.size() <= tcp_scheme.size() || tuple.endpoint.size() > 255 ||
      !tuple.endpoint.starts_with(tcp_scheme)) {
    return std::nullopt;
  }
  return tuple;
}

}  // namespace dockherd::bus
