#include "bus/zre_codec.hpp"

#include "base/limits.hpp"
#include "bus/wire_reader.hpp"

namespace dockherd::bus {

namespace {

constexpr std::uint16_t zre_signature = 0xAAA1;
constexpr std::uint8_t zre_version = 2;

Error malformed_zre(const std::string& what) {
  return {errc::bad_request, "malformed ZRE message: " + what};
}

std::size_t expected_bytes(const ZreMessage& message) {
  std::size_t bytes = 32 + message.group.size() + message.endpoint.size() + message.name.size();
  for (const std::string& group : message.groups) bytes += 4 + group.size();
  for (const auto& [key, value] : message.headers) bytes += 5 + key.size() + value.size();
  return bytes;
}

void write_hello(WireWriter& out, const ZreMessage& message) {
  out.short_string(message.endpoint);
  out.u32(static_cast<std::uint32_t>(message.groups.size()));
  for (const std::string& group : message.groups) out.long_string(group);
  out.u8(message.status);
  out.short_string(message.name);
  out.u32(static_cast<std::uint32_t>(message.headers.size()));
  for (const auto& [key, value] : message.headers) {
    out.short_string(key);
    out.long_string(value);
  }
}

void read_hello(WireReader& in, ZreMessage& message) {
  message.endpoint = in.short_string();
  // A count is only believed as far as the bytes after it reach: each string has 4 of its own.
  const std::uint32_t groups = in.u32();
  if (groups > limits::bus_groups_per_peer || groups > in.remaining() / 4) return in.fail();
  message.groups.reserve(groups);
  for (std::uint32_t i = 0; i < groups && in.ok(); ++i) {
    const std::string_view group = in.long_string();
    if (group.size() > 255) return in.fail();
    message.groups.emplace_back(group);
  }
  message.status = in.u8();
  message.name = in.short_string();
  const std::uint32_t headers = in.u32();
  if (headers > limits::bus_headers_per_peer || headers > in.remaining() / 5) return in.fail();
  for (std::uint32_t i = 0; i < headers && in.ok(); ++i) {
    const std::string_view key = in.short_string();
    message.headers.insert_or_assign(std::string(key), std::string(in.long_string()));
  }
}

}  // namespace

std::string encode_zre(const ZreMessage& message) {
  WireWriter out(expected_bytes(message));
  out.u16(zre_signature);
  out.u8(static_cast<std::uint8_t>(message.kind));
  out.u8(zre_version);
  out.u16(message.sequence);
  switch (message.kind) {
    case ZreKind::hello:
      write_hello(out, message);
      break;
    case ZreKind::shout:
      out.short_string(message.group);
      break;
    case ZreKind::join:
    case ZreKind::leave:
      out.short_string(message.group);
      out.u8(message.status);
      break;
    case ZreKind::elect:
    case ZreKind::leader:
      out.short_string(message.group);
      out.short_string(message.challenger);
      break;
    case ZreKind::whisper:
    case ZreKind::ping:
    case ZreKind::ping_ok:
    case ZreKind::goodbye:
      break;
  }
  return out.take();
}

Result<ZreMessage> decode_zre(std::string_view frame) {
  WireReader in(frame);
  if (in.u16() != zre_signature) return malformed_zre("not ZRE");
  const std::uint8_t kind = in.u8();
  if (in.u8() != zre_version) return malformed_zre("unknown version");
  if (kind < 1 || kind > 10) return malformed_zre("unknown id " + std::to_string(kind));
  ZreMessage message;
  message.kind = static_cast<ZreKind>(kind);
  message.sequence = in.u16();
  switch (message.kind) {
    case ZreKind::hello:
      read_hello(in, message);
      break;
    case ZreKind::shout:
      message.group = in.short_string();
      break;
    case ZreKind::join:
    case ZreKind::leave:
      message.group = in.short_string();
      message.status = in.u8();
      break;
    case ZreKind::elect:
    case ZreKind::leader:
      message.group = in.short_string();
      message.challenger = in.short_string();
      break;
    default:
      break;
  }
  if (!in.ok()) return malformed_zre("a field does not fit");
  return message;
}

}  // namespace dockherd::bus
