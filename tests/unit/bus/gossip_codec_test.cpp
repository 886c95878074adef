#include "bus/gossip_codec.hpp"

#include <gtest/gtest.h>

#include "tests/unit/bus/bytes.hpp"

namespace dockherd::bus {
namespace {

const std::string tuple_id = "000102030405060708090A0B0C0D0E0F";

GossipMessage make(GossipKind kind) {
  GossipMessage message;
  message.kind = kind;
  return message;
}

TEST(GossipCodec, messages_without_fields_are_four_bytes) {
  EXPECT_EQ(hex(encode_gossip(make(GossipKind::hello))), "AAA00101");
  EXPECT_EQ(hex(encode_gossip(make(GossipKind::ping))), "AAA00301");
  EXPECT_EQ(hex(encode_gossip(make(GossipKind::pong))), "AAA00401");
  EXPECT_EQ(hex(encode_gossip(make(GossipKind::invalid))), "AAA00501");
  for (const char* wire : {"AAA00101", "AAA00301", "AAA00401", "AAA00501"}) {
    const auto decoded = decode_gossip(bytes(wire));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(hex(encode_gossip(*decoded)), wire);
  }
}

TEST(GossipCodec, a_tuple_is_published_by_uuid_and_endpoint) {
  const GossipTuple tuple{*NodeId::from_hex(tuple_id), "tcp://10.0.0.1:49152", ""};
  const std::string wire = bytes("AA A0 02 01 20") + tuple_id + bytes("00 00 00 14") +
                           "tcp://10.0.0.1:49152" + bytes("00 00 00 00");
  EXPECT_EQ(hex(encode_gossip(to_publish(tuple))), hex(wire));
  const auto decoded = decode_gossip(wire);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(to_tuple(*decoded), tuple);
}

TEST(GossipCodec, a_public_key_follows_the_endpoint) {
  const GossipTuple tuple{*NodeId::from_hex(tuple_id), "tcp://10.0.0.1:1", std::string(40, 'k')};
  EXPECT_EQ(to_publish(tuple).value, "tcp://10.0.0.1:1|" + std::string(40, 'k'));
  EXPECT_EQ(to_tuple(to_publish(tuple)), tuple);
}

TEST(GossipCodec, what_is_no_tuple_is_told_apart) {
  GossipMessage message = to_publish({*NodeId::from_hex(tuple_id), "tcp://10.0.0.1:1", ""});
  EXPECT_TRUE(to_tuple(message));
  message.key = "a host";
  EXPECT_FALSE(to_tuple(message));
  message.key = tuple_id;
  message.value = "ipc://somewhere";
  EXPECT_FALSE(to_tuple(message));
  message.value = "tcp://10.0.0.1:1|shortkey";
  EXPECT_FALSE(to_tuple(message));
  EXPECT_FALSE(to_tuple(make(GossipKind::ping)));
}

TEST(GossipCodec, broken_messages_are_refused) {
  EXPECT_FALSE(decode_gossip(""));
  EXPECT_FALSE(decode_gossip(bytes("AA A1 01 01")));
  EXPECT_FALSE(decode_gossip(bytes("AA A0 01 02")));
  EXPECT_FALSE(decode_gossip(bytes("AA A0 00 01")));
  EXPECT_FALSE(decode_gossip(bytes("AA A0 06 01")));
  EXPECT_FALSE(decode_gossip(bytes("AA A0 01 01 00")));
  const std::string whole =
      encode_gossip(to_publish({*NodeId::from_hex(tuple_id), "tcp://10.0.0.1:1", ""}));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(decode_gossip(whole.substr(0, length))) << length;
  }
  GossipMessage huge = make(GossipKind::publish);
  huge.value.assign(gossip_value_bytes + 1, 'v');
  EXPECT_FALSE(decode_gossip(encode_gossip(huge)));
}

}  // namespace
}  // namespace dockherd::bus
