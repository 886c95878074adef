#include "bus/beacon_codec.hpp"

#include "bus/wire_reader.hpp"

namespace dockherd::bus {

namespace {

constexpr std::string_view beacon_signature = "ZRE";
constexpr std::uint8_t version_plain = 1;
constexpr std::uint8_t version_curve = 3;

}  // namespace

std::string encode_beacon(const Beacon& beacon) {
  WireWriter out(beacon_bytes);
  out.raw(beacon_signature);
  out.u8(version_plain);
  out.raw(beacon.id.raw());
  out.u16(beacon.port);
  return out.take();
}

std::string encode_beacon_to_tag(const Beacon& beacon) {
  WireWriter out(beacon_bytes_with_tag);
  out.raw(encode_beacon(beacon));
  out.u32(beacon.address);
  return out.take();
}

DecodedBeacon decode_beacon(std::string_view datagram) {
  DecodedBeacon decoded;
  WireReader in(datagram);
  if (in.bytes(beacon_signature.size()) != beacon_signature) return decoded;
  const std::uint8_t version = in.u8();
  if (version == version_curve && datagram.size() == beacon_bytes_with_curve) {
    decoded.kind = BeaconKind::curve;
    return decoded;
  }
  const bool tagged = datagram.size() == beacon_bytes_with_tag;
  if (version != version_plain || !(tagged || datagram.size() == beacon_bytes)) return decoded;
  const auto id = NodeId::from_bytes(in.bytes(16));
  decoded.beacon.port = in.u16();
  if (tagged) decoded.beacon.address = in.u32();
  if (!in.ok() || !id) return decoded;
  decoded.beacon.id = *id;
  decoded.kind = tagged ? BeaconKind::tagged : BeaconKind::plain;
  if (!tagged) return decoded;
  decoded.signed_part = datagram.substr(0, datagram.size() - beacon_tag_bytes);
  decoded.tag = datagram.substr(decoded.signed_part.size());
  return decoded;
}

}  // namespace dockherd::bus
