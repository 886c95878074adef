// The wire format of zgossip (DEALER client, ROUTER server) and the tuples that ZRE peers keep in
// it: bytes to values and back. No sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/ids.hpp"

namespace dockherd::bus {

/// Message ids. Frame: AA A0, id u8, version u8 = 1, fields.
enum class GossipKind : std::uint8_t {
  hello = 1,    ///< Client to server: begin, send me your table.
  publish = 2,  ///< key string, value longstr, ttl u32.
  ping = 3,     ///< Client to server: keep the session (upstream drops clients quiet for 1 s).
  pong = 4,     ///< Server to client.
  invalid = 5,  ///< Server to client: unknown session, say HELLO again.
};

struct GossipMessage {
  GossipKind kind = GossipKind::hello;
  std::string key;               ///< publish only; at most 255 bytes.
  std::string value;             ///< publish only.
  std::uint32_t ttl_millis = 0;  ///< publish only; peers always send 0 (never expires).

  bool operator==(const GossipMessage&) const = default;
};

/// A longer value is no tuple of ZRE; bounds what a stranger can make us keep.
inline constexpr std::size_t gossip_value_bytes = 512;

/// One frame. A key is cut at 255 bytes.
std::string encode_gossip(const GossipMessage& message);

/// errc::bad_request for anything else than one whole message: wrong signature, id or version, a
/// field over its bound, missing or trailing bytes. Never throws.
Result<GossipMessage> decode_gossip(std::string_view frame);

/// Where a peer can be reached, as ZRE keeps it in gossip: key = UUID in 32 hexadecimal digits,
/// value = "ENDPOINT" or, with CURVE, "ENDPOINT|Z85KEY".
struct GossipTuple {
  NodeId id;
  std::string endpoint;    ///< "tcp://HOST:PORT", not validated beyond its scheme.
  std::string public_key;  ///< Z85, 40 characters; empty without CURVE.

  bool operator==(const GossipTuple&) const = default;
};

/// A PUBLISH message with ttl 0.
GossipMessage to_publish(const GossipTuple& tuple);

/// Nothing when the message is no PUBLISH or its key and value are no tuple of ZRE.
std::optional<GossipTuple> to_tuple(const GossipMessage& message);

}  // namespace dockherd::bus
