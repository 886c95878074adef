#include "bus/beacon_codec.hpp"

#include <gtest/gtest.h>

#include "tests/unit/bus/bytes.hpp"

namespace dockherd::bus {
namespace {

const std::string id_digits = "000102030405060708090A0B0C0D0E0F";

TEST(BeaconCodec, a_beacon_is_the_22_bytes_of_the_rfc) {
  const Beacon beacon{*NodeId::from_hex(id_digits), 49152};
  const std::string wire = bytes("5A 52 45 01" + id_digits + "C0 00");
  EXPECT_EQ(hex(encode_beacon(beacon)), hex(wire));
  EXPECT_EQ(wire.size(), beacon_bytes);
  const auto decoded = decode_beacon(wire);
  EXPECT_EQ(decoded.kind, BeaconKind::plain);
  EXPECT_EQ(decoded.beacon, beacon);
}

TEST(BeaconCodec, port_zero_is_a_beacon_too) {
  const auto decoded = decode_beacon(bytes("5A 52 45 01" + id_digits + "00 00"));
  EXPECT_EQ(decoded.kind, BeaconKind::plain);
  EXPECT_EQ(decoded.beacon.port, 0);
}

TEST(BeaconCodec, a_beacon_with_a_public_key_is_told_apart) {
  const std::string wire = bytes("5A 52 45 03" + id_digits + "C0 00") + std::string(32, 'k');
  EXPECT_EQ(decode_beacon(wire).kind, BeaconKind::curve);
  EXPECT_EQ(decode_beacon(wire.substr(0, 53)).kind, BeaconKind::foreign);
}

TEST(BeaconCodec, anything_else_is_foreign) {
  const std::string wire = bytes("5A 52 45 01" + id_digits + "C0 00");
  EXPECT_EQ(decode_beacon("").kind, BeaconKind::foreign);
  EXPECT_EQ(decode_beacon(wire.substr(0, 21)).kind, BeaconKind::foreign);
  EXPECT_EQ(decode_beacon(wire + "x").kind, BeaconKind::foreign);
  EXPECT_EQ(decode_beacon(bytes("5A 52 45 02" + id_digits + "C0 00")).kind, BeaconKind::foreign);
  EXPECT_EQ(decode_beacon(bytes("5A 52 46 01" + id_digits + "C0 00")).kind, BeaconKind::foreign);
}

}  // namespace
}  // namespace dockherd::bus
