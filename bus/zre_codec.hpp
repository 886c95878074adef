// The first frame of every ZRE message (RFC 36, version 2): bytes to values and back. Must not know
// sessions: what a sequence number means is decided in membership.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace dockherd::bus {

enum class ZreKind : std::uint8_t {
  hello = 1,    ///< endpoint, groups, status, name, headers
  whisper = 2,  ///< content frames follow
  shout = 3,    ///< group; content frames follow
  join = 4,     ///< group, status
  leave = 5,    ///< group, status
  ping = 6,
  ping_ok = 7,
  elect = 8,   ///< group, challenger: draft, recognised only
  leader = 9,  ///< group, challenger: draft, recognised only
  goodbye = 10,
};

/// Which fields mean something depends on `kind`; the others are empty.
struct ZreMessage {
  ZreKind kind = ZreKind::ping;
  std::uint16_t sequence = 0;
  std::uint8_t status = 0;          ///< hello, join, leave: count of joins and leaves, modulo 256.
  std::string group;                ///< shout, join, leave, elect, leader; at most 255 bytes.
  std::string endpoint;             ///< hello: where the sender's mailbox is.
  std::string name;                 ///< hello.
  std::string challenger;           ///< elect, leader: a UUID as text.
  std::vector<std::string> groups;  ///< hello: those the sender is in.
  std::map<std::string, std::string> headers;  ///< hello.

  bool operator==(const ZreMessage&) const = default;
};

/// A message of that kind, its fields still empty.
inline ZreMessage zre_message(ZreKind kind) {
  ZreMessage message;
  message.kind = kind;
  return message;
}

/// One frame. Strings whose length is a byte on the wire are cut at 255 bytes.
std::string encode_zre(const ZreMessage& message);

/// errc::bad_request for a wrong signature or version, an unknown id, a field that does not fit, or
/// one over limits.hpp. Deployed peers drop such a frame without counting it in the sequence, and
/// they do not look at bytes after the last field: neither do we. Never throws on any bytes.
Result<ZreMessage> decode_zre(std::string_view frame);

}  // namespace dockherd::bus
