// The UDP beacon of ZRE (RFC 36): bytes to values and back. No sockets: the sender's address comes
// with the datagram and belongs to the shell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace dockherd::bus {

inline constexpr std::uint16_t beacon_udp_port = 5670;      ///< Assigned to ZRE.
inline constexpr std::size_t beacon_bytes = 22;             ///< Version 1.
inline constexpr std::size_t beacon_bytes_with_curve = 54;  ///< Version 3: a public key follows.
inline constexpr std::size_t beacon_tag_bytes = 16;
/// Ours, of a herd with a key: version 1, the mailbox's IPv4 address, and a tag over all of that.
/// Other peers of ZRE take it for no beacon.
inline constexpr std::size_t beacon_bytes_with_tag = beacon_bytes + 4 + beacon_tag_bytes;

/// "ZRE", version 1, UUID, mailbox port (big-endian).
struct Beacon {
  NodeId id;
  std::uint16_t port = 0;     ///< Of the mailbox (TCP); 0 says that the peer is leaving.
  std::uint32_t address = 0;  ///< Of the mailbox, in tagged beacons only; else that of the sender.

  bool operator==(const Beacon&) const = default;
};

/// What a datagram turned out to be.
enum class BeaconKind {
  plain,    ///< Version 1: `beacon` is set.
  tagged,   ///< Ours with a tag, which is yet to be verified: all members are set.
  curve,    ///< Version 3, of a peer that speaks CURVE only: not for us, but no fault either.
  foreign,  ///< No beacon of ZRE, or one of another version or length.
};

struct DecodedBeacon {
  BeaconKind kind = BeaconKind::foreign;
  Beacon beacon;                 ///< Of plain and tagged ones.
  std::string_view signed_part;  ///< Of the datagram: what the tag is over.
  std::string_view tag;
};

/// 22 bytes.
std::string encode_beacon(const Beacon& beacon);
/// What a tag is to be made of and put behind.
std::string encode_beacon_to_tag(const Beacon& beacon);

/// Never throws; any bytes may come. The length must be exact.
DecodedBeacon decode_beacon(std::string_view datagram);

}  // namespace dockherd::bus
