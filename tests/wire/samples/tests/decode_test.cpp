// Each sample of the oldest release is read by today's decoders, as it is and with members added
// that nobody knows; what is of another version of its protocol is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/node_table.hpp"
#include "agent/reschedule_rules.hpp"
#include "agent/verbs.hpp"
#include "bus/beacon_codec.hpp"
#include "bus/envelope.hpp"
#include "bus/gossip_codec.hpp"
#include "bus/zre_codec.hpp"
#include "tests/wire/samples/message_shape.hpp"
#include "tests/wire/samples/sample_files.hpp"

namespace dockherd::wire {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const NodeId first_node = NodeId::from_hex("101112131415161718191A1B1C1D1E1F").value();
const NodeId second_node = NodeId::from_hex("202122232425262728292A2B2C2D2E2F").value();

std::string sample(const std::string& name) {
  static const Samples all = read_samples(oldest_release);
  return all.at(name);
}

/// As the oldest release wrote it, and as a later one may.
std::vector<std::string> forms_of(const std::string& name) {
  json later = parse_json(sample(name)).value();
  add_unknown_members(later);
  return {sample(name), dump_json(later)};
}

bus::RequestEnvelope request_in(const std::string& text) {
  return std::get<bus::RequestEnvelope>(bus::decode_envelope(text, UnknownKeys::ignored));
}

template <typename T>
T verb_in(const std::string& text) {
  return std::get<T>(
      agent::decode_verb(request_in(text).body, agent::VerbOrigin::agent, UnknownKeys::ignored)
          .value());
}

TEST(OldestRelease, beacons) {
  const bus::DecodedBeacon plain = bus::decode_beacon(sample("beacon-plain.1.hex"));
  EXPECT_EQ(plain.kind, bus::BeaconKind::plain);
  EXPECT_EQ(plain.beacon.id, first_node);
  EXPECT_EQ(plain.beacon.port, 49152);
  EXPECT_EQ(bus::decode_beacon(sample("beacon-leaving.1.hex")).beacon.port, 0);
  const std::string with_tag = sample("beacon-tagged.1.hex");
  const bus::DecodedBeacon tagged = bus::decode_beacon(with_tag);
  EXPECT_EQ(tagged.kind, bus::BeaconKind::tagged);
  EXPECT_EQ(tagged.beacon.address, 0x0A000001U);
  EXPECT_EQ(tagged.tag, std::string(16, '\x5A'));
}

TEST(OldestRelease, gossip) {
  EXPECT_EQ(bus::decode_gossip(sample("gossip-hello.1.hex"))->kind, bus::GossipKind::hello);
  EXPECT_EQ(bus::decode_gossip(sample("gossip-ping.1.hex"))->kind, bus::GossipKind::ping);
  EXPECT_EQ(bus::decode_gossip(sample("gossip-pong.1.hex"))->kind, bus::GossipKind::pong);
  EXPECT_EQ(bus::decode_gossip(sample("gossip-invalid.1.hex"))->kind, bus::GossipKind::invalid);
  const auto plain = bus::to_tuple(bus::decode_gossip(sample("gossip-publish.1.hex")).value());
  EXPECT_EQ(plain, (bus::GossipTuple{first_node, "tcp://10.0.0.1:49152", ""}));
  const auto curve =
      bus::to_tuple(bus::decode_gossip(sample("gossip-publish-curve.1.hex")).value());
  EXPECT_EQ(curve->public_key, std::string(40, 'K'));
}

TEST(OldestRelease, frames) {
  const auto hello = bus::decode_zre(sample("zre-hello.1.hex"));
  EXPECT_EQ(hello->kind, bus::ZreKind::hello);
  EXPECT_EQ(hello->sequence, 1);
  EXPECT_TRUE(hello->endpoint.starts_with("tcp://10.0.0.")) << hello->endpoint;
  EXPECT_EQ(hello->groups.size(), 2U);
  EXPECT_EQ(hello->headers.at("X-DOCKHERD-VERSION"), "0.1.0");
  EXPECT_EQ(hello->headers.at("X-DOCKHERD-PROTOCOL"), "1.0");
  EXPECT_EQ(hello->headers.at("X-DOCKHERD-HERD"), "herd");
  EXPECT_EQ(hello->headers.at("X-DOCKHERD-HOSTNAME"), hello->name);
  EXPECT_TRUE(hello->headers.contains("X-DOCKHERD-HTTP"));
  const auto shout = bus::decode_zre(sample("zre-shout.1.hex"));
  EXPECT_EQ(shout->kind, bus::ZreKind::shout);
  EXPECT_EQ(shout->sequence, 0x0102);
  EXPECT_EQ(shout->group, "deblox.docker");
  EXPECT_EQ(bus::decode_zre(sample("zre-whisper.1.hex"))->kind, bus::ZreKind::whisper);
  EXPECT_EQ(bus::decode_zre(sample("zre-ping.1.hex"))->kind, bus::ZreKind::ping);
  EXPECT_EQ(bus::decode_zre(sample("zre-ping-ok.1.hex"))->kind, bus::ZreKind::ping_ok);
  EXPECT_EQ(bus::decode_zre(sample("zre-goodbye.1.hex"))->kind, bus::ZreKind::goodbye);
  for (const auto& [name, kind] : {std::pair("zre-join.1.hex", bus::ZreKind::join),
                                   std::pair("zre-leave.1.hex", bus::ZreKind::leave)}) {
    const auto change = bus::decode_zre(sample(name));
    EXPECT_EQ(change->kind, kind);
    EXPECT_EQ(change->group.size(), 64U) << "a container's endpoint";
  }
}

TEST(OldestRelease, envelopes) {
  for (const std::string& text : forms_of("request-create-one.1.json")) {
    const bus::RequestEnvelope request = request_in(text);
    EXPECT_EQ(request.id, "00c0ffee00c0ffee");
    EXPECT_EQ(request.timeout, 2500ms);
    EXPECT_TRUE(request.local);
  }
  for (const std::string& text : forms_of("request-node-info.1.json")) {
    const bus::RequestEnvelope request = request_in(text);
    EXPECT_EQ(request.id, "shout-1");
    EXPECT_EQ(request.timeout, std::nullopt);
    EXPECT_TRUE(request.deliver_one);
    EXPECT_THAT(request.one_of, ElementsAre(first_node, second_node));
  }
  for (const std::string& text : forms_of("reply-claim-name.1.json")) {
    const auto reply = std::get<bus::ReplyEnvelope>(bus::decode_envelope(text));
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.id.has_value());
  }
  using Kind = bus::LivenessControl::Kind;
  for (const auto& [name, kind] :
       {std::pair("probe", Kind::probe), std::pair("alive", Kind::alive),
        std::pair("suspect", Kind::suspect), std::pair("lost", Kind::lost)}) {
    const std::string file = "liveness-" + std::string(name) + ".1.json";
    EXPECT_TRUE(bus::is_liveness_text(sample(file)));
    for (const std::string& text : forms_of(file)) {
      const auto control = std::get<bus::LivenessControl>(bus::decode_envelope(text));
      EXPECT_EQ(control, (bus::LivenessControl{kind, first_node, 3}));
    }
  }
}

TEST(OldestRelease, creates) {
  for (const std::string& text : forms_of("request-create-one.1.json")) {
    const auto create = verb_in<agent::CreateOneVerb>(text);
    EXPECT_EQ(parse_json(create.body).value(),
              (json{{"Image", "busybox:latest"}, {"Labels", {{"app", "web"}}}}));
    EXPECT_EQ(create.name, "web-1");
    EXPECT_TRUE(create.start && create.once && create.again);
    EXPECT_FALSE(create.pull);
    EXPECT_THAT(create.headers, ElementsAre(Pair("X-Registry-Auth", "e30=")));
    EXPECT_EQ(create.max_load, 7U);
    EXPECT_EQ(create.platform, "linux/arm64");
    EXPECT_EQ(create.api_version, "1.40");
    EXPECT_EQ(create.user, trust::Principal("ann", trust::Role::operator_));
  }
  for (const std::string& text : forms_of("request-create-one.2.json")) {
    const auto create = verb_in<agent::CreateOneVerb>(text);
    EXPECT_TRUE(create.pull);
    EXPECT_FALSE(create.start || create.once || create.again || create.max_load || create.user);
  }
}

TEST(OldestRelease, verbs_about_containers_and_lists) {
  for (const std::string& text : forms_of("request-shutdown-container.1.json")) {
    const auto shutdown = verb_in<agent::ContainerVerb>(text);
    EXPECT_EQ(shutdown.action, agent::ContainerAction::shutdown);
    EXPECT_THAT(shutdown.ids, ElementsAre("0123456789ab"));
    EXPECT_EQ(shutdown.timeout, 30U);
    EXPECT_EQ(shutdown.signal, "SIGINT");
    EXPECT_TRUE(shutdown.volumes);
    EXPECT_EQ(shutdown.user, trust::Principal("ann", trust::Role::viewer));
  }
  for (const std::string& text : forms_of("request-list-containers.1.json")) {
    const auto list = verb_in<agent::ListVerb>(text);
    EXPECT_EQ(list.filters, R"({"label":["app=web"]})");
    EXPECT_EQ(list.user, trust::Principal("ann", trust::Role::viewer));
  }
}

TEST(OldestRelease, a_status) {
  for (const std::string& text : forms_of("notice-status.1.json")) {
    const auto notice = std::get<bus::NoticeEnvelope>(bus::decode_envelope(text));
    EXPECT_EQ(notice.topic, "status");
    const agent::NodeStatus status = agent::decode_status(notice.body).value();
    EXPECT_EQ(status.hostname, "host9");
    EXPECT_EQ(status.address, "10.0.0.9:8080");
    EXPECT_EQ(status.agents_address, "10.0.0.9:8443");
    EXPECT_EQ(status.version, "0.1.0");
    EXPECT_TRUE(status.in_pool && status.daemon_up && status.insecure);
    EXPECT_EQ(status.docker_version, "20.10.24");
    EXPECT_EQ(status.docker_api_version, "1.41");
    EXPECT_EQ(status.cpus, 8);
    EXPECT_EQ(status.memory_bytes, 17'179'869'184);
    EXPECT_THAT(status.labels, ElementsAre(Pair("storage", "ssd")));
    EXPECT_EQ(status.facts.os_type, "linux");
    EXPECT_EQ(status.facts.architecture, "x86_64");
    EXPECT_EQ(status.facts.kernel_version, "6.1.0");
    EXPECT_EQ(status.facts.storage_driver, "overlay2");
    EXPECT_EQ(status.facts.operating_system, "Debian GNU/Linux 12 (bookworm)");
  }
}

TEST(OldestRelease, a_specification) {
  for (const std::string& text : forms_of("notice-specification.1.json")) {
    const auto notice = std::get<bus::NoticeEnvelope>(bus::decode_envelope(text));
    const agent::Specification read = agent::decode_specification(notice.body).value();
    EXPECT_EQ(read.id, std::string(64, 'a'));
    EXPECT_EQ(read.name, "db");
    EXPECT_EQ(read.body, R"({"Image":"busybox:latest"})");
    EXPECT_TRUE(read.runs);
    EXPECT_THAT(read.keepers, ElementsAre(first_node, second_node));
  }
}

/// Whatever else there is: it is understood as what its name says.
TEST(OldestRelease, every_request_is_a_verb_and_every_notice_a_notice) {
  for (const auto& [name, unused] : read_samples(oldest_release)) {
    if (!is_json(name)) continue;
    for (const std::string& text : forms_of(name)) {
      const auto envelope = bus::decode_envelope(text, UnknownKeys::ignored);
      if (name.starts_with("request-")) {
        const auto* request = std::get_if<bus::RequestEnvelope>(&envelope);
        ASSERT_NE(request, nullptr) << text;
        const auto verb =
            agent::decode_verb(request->body, agent::VerbOrigin::agent, UnknownKeys::ignored);
        EXPECT_TRUE(verb) << name << ": " << (verb ? "" : verb.error().message);
      } else if (name.starts_with("notice-")) {
        const auto* notice = std::get_if<bus::NoticeEnvelope>(&envelope);
        ASSERT_NE(notice, nullptr) << text;
        EXPECT_EQ("notice-" + notice->topic, kind_of(name));
      } else if (!name.starts_with("liveness-")) {
        EXPECT_TRUE(std::holds_alternative<bus::ReplyEnvelope>(envelope)) << text;
      }
    }
  }
}

TEST(OtherVersions, of_frames_beacons_and_gossip_are_not_read) {
  std::string hello = sample("zre-hello.1.hex");
  hello[3] = '\x03';
  EXPECT_FALSE(bus::decode_zre(hello));
  std::string beacon = sample("beacon-plain.1.hex");
  beacon[3] = '\x02';
  EXPECT_EQ(bus::decode_beacon(beacon).kind, bus::BeaconKind::foreign);
  std::string tagged = sample("beacon-tagged.1.hex");
  tagged[3] = '\x02';
  EXPECT_EQ(bus::decode_beacon(tagged).kind, bus::BeaconKind::foreign);
  std::string publish = sample("gossip-publish.1.hex");
  publish[3] = '\x02';
  EXPECT_FALSE(bus::decode_gossip(publish));
}

}  // namespace
}  // namespace dockherd::wire
