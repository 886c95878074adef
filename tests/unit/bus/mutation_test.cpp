// Valid texts with random changes, a few hundred thousand of them: no codec may do more than refuse
// one. The libFuzzer targets in tests/fuzz look longer and deeper.
#include <gtest/gtest.h>

#include <random>

#include "base/json_reader.hpp"
#include "bus/beacon_codec.hpp"
#include "bus/envelope.hpp"
#include "bus/gossip_codec.hpp"
#include "bus/zre_codec.hpp"
#include "tests/unit/bus/bytes.hpp"

namespace dockherd::bus {
namespace {

constexpr int rounds = 30'000;

TEST(Mutation, changed_zre_frames_are_refused_or_read_the_same_after_writing) {
  std::mt19937_64 random(20);
  ZreMessage hello;
  hello.kind = ZreKind::hello;
  hello.sequence = 1;
  hello.endpoint = "tcp://10.0.0.1:49152";
  hello.groups = {"a", "bc", "def"};
  hello.headers = {{"K", "v"}, {"L", "w"}};
  const std::string sample = encode_zre(hello);
  int accepted = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto decoded = decode_zre(mutated(sample, random));
    if (!decoded) continue;
    ++accepted;
    ASSERT_EQ(*decode_zre(encode_zre(*decoded)), *decoded);
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, rounds);
}

TEST(Mutation, changed_beacons_and_gossip_are_refused_or_read_the_same_after_writing) {
  std::mt19937_64 random(21);
  const std::string beacon = encode_beacon({NodeId::random(random), 49152});
  const std::string gossip =
      encode_gossip(to_publish({NodeId::random(random), "tcp://10.0.0.1:49152", ""}));
  for (int i = 0; i < rounds; ++i) {
    const std::string datagram = mutated(beacon, random);
    const auto decoded = decode_beacon(datagram);
    if (decoded.kind == BeaconKind::plain) {
      ASSERT_EQ(encode_beacon(decoded.beacon), datagram);
    }
    const std::string frame = mutated(gossip, random);
    if (const auto message = decode_gossip(frame)) {
      ASSERT_EQ(encode_gossip(*message), frame);
      to_tuple(*message);
    }
  }
}

TEST(Mutation, changed_envelopes_are_refused_or_read_the_same_after_writing) {
  std::mt19937_64 random(22);
  RequestEnvelope request;
  request.id = "4711";
  request.one_of = {NodeId::random(random)};
  request.body = R"({"action":"create-container","env":["A=1","B=\"2\""],"n":{"x":[1,2,{}]}})";
  const std::string samples[] = {encode_request(request), encode_reply({"1", 200, "[{}]"}),
                                 encode_notice("topic", "{}"),
                                 encode_liveness({LivenessControl::Kind::lost, {}, 3})};
  for (int i = 0; i < rounds; ++i) {
    const Envelope envelope = decode_envelope(mutated(samples[i % 4], random));
    if (const auto* again = std::get_if<RequestEnvelope>(&envelope)) {
      const Envelope twice = decode_envelope(encode_request(*again));
      ASSERT_TRUE(std::holds_alternative<RequestEnvelope>(twice));
      ASSERT_EQ(std::get<RequestEnvelope>(twice).body, again->body);
    }
  }
}

TEST(Mutation, found_by_fuzzing_bytes_after_a_nul_are_not_overlooked) {
  using namespace std::string_literals;
  EXPECT_FALSE(parse_json("{\"a\":1}\0!]"s));
  EXPECT_FALSE(parse_json("\0"s));
  EXPECT_TRUE(parse_json("{\"a\":\"\\u0000\"}"));
}

}  // namespace
}  // namespace dockherd::bus
