#include "bus/envelope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace dockherd::bus {
namespace {

using std::chrono::milliseconds;

template <typename T>
T decode_as(std::string_view text) {
  Envelope envelope = decode_envelope(text);
  if (const auto* fault = std::get_if<EnvelopeFault>(&envelope)) {
    ADD_FAILURE() << fault->error.message;
  }
  return std::get<T>(std::move(envelope));
}

NodeId node(std::uint8_t number) {
  NodeId::Bytes raw{};
  raw[0] = number;
  return NodeId(raw);
}

TEST(Envelope, a_request_with_every_field_survives_the_way) {
  RequestEnvelope request;
  request.id = "17";
  request.timeout = milliseconds(1200);
  request.local = true;
  request.deliver_one = true;
  request.one_of = {node(1), node(2)};
  request.body = R"({"action":"list-nodes","deep":{"a":[1,"}"]}})";
  const auto decoded = decode_as<RequestEnvelope>(encode_request(request));
  EXPECT_EQ(decoded.id, "17");
  EXPECT_EQ(decoded.timeout, milliseconds(1200));
  EXPECT_TRUE(decoded.local);
  EXPECT_TRUE(decoded.deliver_one);
  EXPECT_EQ(decoded.one_of, request.one_of);
  EXPECT_EQ(decoded.body, request.body);
}

TEST(Envelope, a_request_by_hand_needs_only_its_body) {
  const auto decoded =
      decode_as<RequestEnvelope>(" { \"body\" : {\"action\":\"x\"} , \"dockherd\":\"request\" }\n");
  EXPECT_EQ(decoded.id, std::nullopt);
  EXPECT_EQ(decoded.timeout, std::nullopt);
  EXPECT_FALSE(decoded.local);
  EXPECT_TRUE(decoded.deliver_one);
  EXPECT_THAT(decoded.one_of, testing::IsEmpty());
  EXPECT_EQ(decoded.body, R"({"action":"x"})");
}

TEST(Envelope, a_local_request_is_for_all_members_unless_it_says_one) {
  const auto all =
      decode_as<RequestEnvelope>(R"({"dockherd":"request","scope":"local","body":{}})");
  EXPECT_TRUE(all.local);
  EXPECT_FALSE(all.deliver_one);
  for (const bool local : {false, true}) {
    for (const bool one : {false, true}) {
      RequestEnvelope request;
      request.local = local;
      request.deliver_one = one;
      request.body = "{}";
      EXPECT_EQ(decode_as<RequestEnvelope>(encode_request(request)).deliver_one, one);
    }
  }
}

TEST(Envelope, a_bare_verb_is_a_request_whose_own_id_is_no_correlation) {
  const std::string text = R"({"action":"inspect-container","id":"abc"})";
  const auto decoded = decode_as<RequestEnvelope>(text);
  EXPECT_EQ(decoded.id, std::nullopt);
  EXPECT_EQ(decoded.body, text);
}

TEST(Envelope, a_reply_carries_any_json_and_its_id_or_null) {
  const auto reply = decode_as<ReplyEnvelope>(encode_reply({"a\"b", 504, "[1,2]"}));
  EXPECT_EQ(reply.id, "a\"b");
  EXPECT_EQ(reply.status, 504);
  EXPECT_EQ(reply.body, "[1,2]");
  EXPECT_EQ(encode_reply({std::nullopt, 200, "{}"}),
            R"({"dockherd":"reply","id":null,"status":200,"body":{}})");
  EXPECT_EQ(decode_as<ReplyEnvelope>(encode_reply({std::nullopt, 200, "{}"})).id, std::nullopt);
}

TEST(Envelope, a_notice_carries_topic_and_body) {
  const auto notice = decode_as<NoticeEnvelope>(encode_notice("pool \"x\"", R"({"in":true})"));
  EXPECT_EQ(notice.topic, "pool \"x\"");
  EXPECT_EQ(notice.body, R"({"in":true})");
}

TEST(Envelope, liveness_talk_survives_the_way) {
  using Kind = LivenessControl::Kind;
  for (const Kind kind : {Kind::probe, Kind::alive, Kind::suspect, Kind::lost}) {
    const LivenessControl control{kind, node(7), 12};
    const std::string text = encode_liveness(control);
    EXPECT_TRUE(is_liveness_text(text));
    EXPECT_EQ(decode_as<LivenessControl>(text), control);
  }
  EXPECT_FALSE(is_liveness_text(R"({"dockherd":"reply"})"));
}

struct Broken {
  const char* text;
  const char* field;
};

TEST(Envelope, a_wrong_field_is_named) {
  const Broken cases[] = {
      {R"({"dockherd":"request","id":5,"body":{}})", "id"},
      {R"({"dockherd":"request","id":"a","timeout":"1","body":{}})", "timeout"},
      {R"({"dockherd":"request","id":"a","timeout":0,"body":{}})", "timeout"},
      {R"({"dockherd":"request","id":"a","timeout":1.5,"body":{}})", "timeout"},
      {R"({"dockherd":"request","id":"a","timeout":99999999999999999999,"body":{}})", "timeout"},
      {R"({"dockherd":"request","id":"a","scope":"world","body":{}})", "scope"},
      {R"({"dockherd":"request","id":"a","scope":1,"body":{}})", "scope"},
      {R"({"dockherd":"request","id":"a","deliver":"two","body":{}})", "deliver"},
      {R"({"dockherd":"request","id":"a","one_of":"x","body":{}})", "one_of"},
      {R"({"dockherd":"request","id":"a","one_of":["xyz"],"body":{}})", "one_of"},
      {R"({"dockherd":"request","id":"a","body":[1]})", "body"},
      {R"({"dockherd":"request","id":"a"})", "body"},
      {R"({"dockherd":"request","id":"a","timout":5,"body":{}})", "timout"},
      {R"({"dockherd":"demand"})", "dockherd"},
      {R"({"dockherd":"notice","body":1})", "topic"},
      {R"({"dockherd":"reply","status":"fine"})", "status"},
      {R"({"dockherd":"liveness","kind":"dead","node":"x"})", "kind"},
      {R"({"dockherd":"liveness","kind":"lost","node":"x"})", "node"},
  };
  for (const Broken& each : cases) {
    const Envelope envelope = decode_envelope(each.text);
    const auto* fault = std::get_if<EnvelopeFault>(&envelope);
    ASSERT_NE(fault, nullptr) << each.text;
    EXPECT_EQ(fault->error.field, each.field) << each.text;
  }
}

TEST(Envelope, members_that_a_newer_agent_adds_to_a_request_are_ignored) {
  const std::string text = R"({"dockherd":"request","id":"a","timeout":5,"since":2,"body":{}})";
  EXPECT_TRUE(std::holds_alternative<EnvelopeFault>(decode_envelope(text)));
  const Envelope read = decode_envelope(text, UnknownKeys::ignored);
  ASSERT_TRUE(std::holds_alternative<RequestEnvelope>(read));
  EXPECT_EQ(std::get<RequestEnvelope>(read).timeout, std::chrono::milliseconds(5));
}

TEST(Envelope, a_fault_keeps_the_id_so_that_it_can_be_answered) {
  const Envelope envelope = decode_envelope(R"({"dockherd":"request","id":"q","timeout":-1})");
  EXPECT_EQ(std::get<EnvelopeFault>(envelope).id, "q");
}

TEST(Envelope, a_long_id_is_refused) {
  const auto text = [](std::size_t length) {
    return R"({"dockherd":"request","id":")" + std::string(length, 'i') + R"(","body":{}})";
  };
  EXPECT_TRUE(std::holds_alternative<RequestEnvelope>(decode_envelope(text(64))));
  EXPECT_TRUE(std::holds_alternative<EnvelopeFault>(decode_envelope(text(65))));
}

TEST(Envelope, only_a_request_is_worth_an_answer) {
  const auto worth = [](const char* text) {
    const Envelope envelope = decode_envelope(text);
    const auto* fault = std::get_if<EnvelopeFault>(&envelope);
    return fault != nullptr && fault->of_request;
  };
  for (const char* text :
       {R"({"dockherd":"request","id":5})", R"({"dockherd":"demand"})", R"({"action":"x")"}) {
    EXPECT_TRUE(worth(text)) << text;
  }
  for (const char* text :
       {R"({"dockherd":"reply","status":"fine"})", R"({"dockherd":"notice"})",
        R"({"dockherd":"liveness"})", R"({"error":"what do you mean?"})", R"({broken)"}) {
    EXPECT_FALSE(worth(text)) << text;
  }
}

TEST(Envelope, other_texts_are_not_for_us) {
  for (const char* text :
       {"", "Hello, world!", "[1]", "\"x\"", " \n", R"({"acton":"list"})", "{broken"}) {
    EXPECT_TRUE(std::holds_alternative<ForeignText>(decode_envelope(text))) << text;
  }
}

TEST(Envelope, a_body_that_would_break_out_of_its_place_is_refused) {
  const char* text = R"({"dockherd":"reply","id":"1","status":200,"body":{}},"x":{})";
  EXPECT_TRUE(std::holds_alternative<EnvelopeFault>(decode_envelope(text)));
}

TEST(Rendezvous, everybody_given_the_same_nodes_agrees_whatever_their_order) {
  std::mt19937_64 random(1);
  std::vector<NodeId> nodes;
  for (int i = 0; i < 9; ++i) nodes.push_back(NodeId::random(random));
  std::map<NodeId, int> chosen;
  for (int id = 0; id < 9000; ++id) {
    const auto first = rendezvous(std::to_string(id), nodes);
    std::shuffle(nodes.begin(), nodes.end(), random);
    ASSERT_EQ(rendezvous(std::to_string(id), nodes), first);
    ++chosen[*first];
  }
  ASSERT_EQ(chosen.size(), nodes.size());
  for (const auto& [id, times] : chosen) EXPECT_NEAR(times, 1000, 250);
}

TEST(Rendezvous, is_fnv_1a_of_id_and_uuid) {
  // FNV-1a 64 of "a" is af63dc4c8601ec8c; here over 'a' and 16 zero bytes.
  std::uint64_t expected = 0xaf63dc4c8601ec8cULL;
  for (int i = 0; i < 16; ++i) expected *= 0x100000001b3ULL;
  std::uint64_t other = 0xaf63dc4c8601ec8cULL;
  other = (other ^ 1) * 0x100000001b3ULL;
  for (int i = 0; i < 15; ++i) other *= 0x100000001b3ULL;
  EXPECT_EQ(rendezvous("a", {node(0), node(1)}), expected > other ? node(0) : node(1));
  EXPECT_EQ(rendezvous("a", {}), std::nullopt);
}

}  // namespace
}  // namespace dockherd::bus
