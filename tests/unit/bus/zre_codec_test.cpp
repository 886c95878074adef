#include "bus/zre_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/limits.hpp"
#include "tests/unit/bus/bytes.hpp"

namespace dockherd::bus {
namespace {

ZreMessage make(ZreKind kind, std::uint16_t sequence) {
  ZreMessage message;
  message.kind = kind;
  message.sequence = sequence;
  return message;
}

ZreMessage sample_hello() {
  ZreMessage hello = make(ZreKind::hello, 1);
  hello.endpoint = "tcp://10.0.0.1:49152";
  hello.groups = {"all", "x"};
  hello.status = 2;
  hello.name = "node";
  hello.headers = {{"K", "v"}, {"X-A", ""}};
  return hello;
}

std::string sample_hello_bytes() {
  return bytes("AA A1 01 02 00 01") + bytes("14") + "tcp://10.0.0.1:49152" +
         bytes("00 00 00 02  00 00 00 03") + "all" + bytes("00 00 00 01") + "x" + bytes("02 04") +
         "node" + bytes("00 00 00 02  01") + "K" + bytes("00 00 00 01") + "v" + bytes("03") +
         "X-A" + bytes("00 00 00 00");
}

void expect_both_ways(const ZreMessage& message, const std::string& wire) {
  EXPECT_EQ(hex(encode_zre(message)), hex(wire));
  const auto decoded = decode_zre(wire);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, message);
}

TEST(ZreCodec, a_hello_is_the_bytes_of_the_rfc) {
  expect_both_ways(sample_hello(), sample_hello_bytes());
}

TEST(ZreCodec, messages_without_fields_are_six_bytes) {
  expect_both_ways(make(ZreKind::whisper, 0x0102), bytes("AA A1 02 02 01 02"));
  expect_both_ways(make(ZreKind::ping, 0xffff), bytes("AA A1 06 02 FF FF"));
  expect_both_ways(make(ZreKind::ping_ok, 0), bytes("AA A1 07 02 00 00"));
  expect_both_ways(make(ZreKind::goodbye, 9), bytes("AA A1 0A 02 00 09"));
}

TEST(ZreCodec, group_messages_carry_group_and_status) {
  ZreMessage message = make(ZreKind::shout, 3);
  message.group = "ab";
  expect_both_ways(message, bytes("AA A1 03 02 00 03 02 61 62"));
  message.kind = ZreKind::join;
  message.status = 255;
  expect_both_ways(message, bytes("AA A1 04 02 00 03 02 61 62 FF"));
  message.kind = ZreKind::leave;
  expect_both_ways(message, bytes("AA A1 05 02 00 03 02 61 62 FF"));
}

TEST(ZreCodec, elections_of_draft_peers_are_recognised) {
  ZreMessage message = make(ZreKind::elect, 4);
  message.group = "g";
  message.challenger = "id";
  expect_both_ways(message, bytes("AA A1 08 02 00 04 01 67 02 69 64"));
  message.kind = ZreKind::leader;
  expect_both_ways(message, bytes("AA A1 09 02 00 04 01 67 02 69 64"));
}

TEST(ZreCodec, wrong_signature_version_or_id_is_refused) {
  EXPECT_FALSE(decode_zre(""));
  EXPECT_FALSE(decode_zre(bytes("AA A0 06 02 00 01")));
  EXPECT_FALSE(decode_zre(bytes("AA A1 06 01 00 01")));
  EXPECT_FALSE(decode_zre(bytes("AA A1 06 03 00 01")));
  EXPECT_FALSE(decode_zre(bytes("AA A1 00 02 00 01")));
  EXPECT_FALSE(decode_zre(bytes("AA A1 0B 02 00 01")));
}

TEST(ZreCodec, bytes_after_the_last_field_are_not_looked_at) {
  EXPECT_TRUE(decode_zre(bytes("AA A1 06 02 00 01 FF FF")));
  EXPECT_TRUE(decode_zre(sample_hello_bytes() + "garbage"));
}

TEST(ZreCodec, every_shortened_message_is_refused) {
  const std::string whole = sample_hello_bytes();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(decode_zre(whole.substr(0, length))) << length;
  }
}

TEST(ZreCodec, counts_beyond_the_bytes_or_the_limits_are_refused) {
  const std::string start = bytes("AA A1 01 02 00 01 01") + "e";
  EXPECT_FALSE(decode_zre(start + bytes("FF FF FF FF")));
  EXPECT_FALSE(decode_zre(start + bytes("00 00 00 01 FF FF FF FF")));
  ZreMessage crowded = sample_hello();
  crowded.groups.assign(limits::bus_groups_per_peer, "g");
  EXPECT_TRUE(decode_zre(encode_zre(crowded)));
  crowded.groups.emplace_back("g");
  EXPECT_FALSE(decode_zre(encode_zre(crowded)));
  ZreMessage long_group = sample_hello();
  long_group.groups = {std::string(256, 'g')};
  EXPECT_FALSE(decode_zre(encode_zre(long_group)));
}

TEST(ZreCodec, texts_longer_than_their_length_byte_are_cut) {
  ZreMessage message = make(ZreKind::shout, 1);
  message.group = std::string(300, 'g');
  EXPECT_EQ(decode_zre(encode_zre(message))->group.size(), 255U);
}

}  // namespace
}  // namespace dockherd::bus
