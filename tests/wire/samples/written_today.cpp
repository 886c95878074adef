#include "tests/wire/samples/written_today.hpp"

#include "agent/node_table.hpp"
#include "agent/reschedule_rules.hpp"
#include "agent/verbs.hpp"
#include "bus/beacon_codec.hpp"
#include "bus/envelope.hpp"
#include "bus/gossip_codec.hpp"
#include "bus/zre_codec.hpp"
#include "tests/wire/samples/message_book.hpp"
#include "tests/wire/samples/talking_herd.hpp"

namespace dockherd::wire {

namespace {

NodeId numbered_node(std::uint8_t number) {
  NodeId::Bytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(number * 16 + i);
  }
  return NodeId(bytes);
}

void add_frames(MessageBook& book) {
  bus::ZreMessage shout = bus::zre_message(bus::ZreKind::shout);
  shout.sequence = 0x0102;
  shout.group = "deblox.docker";
  book.add_bytes("zre-shout", bus::encode_zre(shout));

  bus::Beacon beacon;
  beacon.id = numbered_node(1);
  beacon.port = 49152;
  beacon.address = 0x0A000001;
  book.add_bytes("beacon-plain", bus::encode_beacon(beacon));
  book.add_bytes("beacon-tagged",
                 bus::encode_beacon_to_tag(beacon) + std::string(bus::beacon_tag_bytes, '\x5A'));
  beacon.port = 0;
  book.add_bytes("beacon-leaving", bus::encode_beacon(beacon));

  const std::pair<const char*, bus::GossipKind> plain[] = {
      {"gossip-hello", bus::GossipKind::hello},
      {"gossip-ping", bus::GossipKind::ping},
      {"gossip-pong", bus::GossipKind::pong},
      {"gossip-invalid", bus::GossipKind::invalid}};
  for (const auto& [kind, gossip] : plain) {
    bus::GossipMessage message;
    message.kind = gossip;
    book.add_bytes(kind, bus::encode_gossip(message));
  }
  bus::GossipTuple tuple;
  tuple.id = numbered_node(1);
  tuple.endpoint = "tcp://10.0.0.1:49152";
  book.add_bytes("gossip-publish", bus::encode_gossip(bus::to_publish(tuple)));
  tuple.public_key = std::string(40, 'K');
  book.add_bytes("gossip-publish-curve", bus::encode_gossip(bus::to_publish(tuple)));
}

void ask(MessageBook& book, const std::string& verb) {
  bus::RequestEnvelope request;
  request.id = "00c0ffee00c0ffee";
  request.timeout = std::chrono::milliseconds(2500);
  request.local = true;
  request.body = verb;
  book.add_content(bus::encode_request(request));
}

agent::CreateOneVerb whole_create() {
  agent::CreateOneVerb create;
  create.body = R"({"Image":"busybox:latest","Labels":{"app":"web"}})";
  create.name = "web-1";
  create.start = true;
  create.headers = {{"X-Registry-Auth", "e30="}};
  create.max_load = 7;
  create.platform = "linux/arm64";
  create.pull = false;
  create.api_version = "1.40";
  create.user = trust::Principal("ann", trust::Role::operator_);
  create.once = true;
  create.again = true;
  return create;
}

agent::ContainerVerb whole_shutdown() {
  agent::ContainerVerb shutdown;
  shutdown.action = agent::ContainerAction::shutdown;
  shutdown.ids = {"0123456789ab"};
  shutdown.timeout = 30;
  shutdown.signal = "SIGINT";
  shutdown.force = true;
  shutdown.volumes = true;
  shutdown.user = trust::Principal("ann", trust::Role::viewer);
  return shutdown;
}

void add_verbs(MessageBook& book) {
  ask(book, agent::encode_verb(whole_create()));
  agent::CreateOneVerb least;
  least.body = R"({"Image":"busybox:latest"})";
  ask(book, agent::encode_verb(least));
  ask(book, agent::encode_verb(whole_shutdown()));
  agent::ListVerb list;
  list.filters = R"({"label":["app=web"]})";
  list.user = trust::Principal("ann", trust::Role::viewer);
  ask(book, agent::encode_verb(list));
  ask(book, agent::encode_verb(agent::ListVerb()));

  bus::RequestEnvelope shouted;
  shouted.id = "shout-1";
  shouted.local = true;
  shouted.one_of = {numbered_node(1), numbered_node(2)};
  shouted.deliver_one = true;
  shouted.body = agent::encode_verb(agent::NodeInfoVerb());
  book.add_content(bus::encode_request(shouted));
}

void add_notices(MessageBook& book) {
  agent::NodeStatus status;
  status.hostname = "host9";
  status.address = "10.0.0.9:8080";
  status.agents_address = "10.0.0.9:8443";
  status.version = "0.1.0";
  status.in_pool = true;
  status.daemon_up = true;
  status.docker_version = "20.10.24";
  status.docker_api_version = "1.41";
  status.insecure = true;
  status.cpus = 8;
  status.memory_bytes = 17'179'869'184;
  status.labels = {{"storage", "ssd"}};
  status.facts.operating_system = "Debian GNU/Linux 12 (bookworm)";
  status.facts.os_type = "linux";
  status.facts.architecture = "x86_64";
  status.facts.kernel_version = "6.1.0";
  status.facts.storage_driver = "overlay2";
  book.add_content(bus::encode_notice("status", agent::encode_status(status)));

  agent::Specification specification;
  specification.id = std::string(64, 'a');
  specification.name = "db";
  specification.body = R"({"Image":"busybox:latest"})";
  specification.runs = true;
  specification.keepers = {numbered_node(1), numbered_node(2)};
  book.add_content(bus::encode_notice("specification", agent::encode_specification(specification)));

  bus::LivenessControl control;
  control.node = numbered_node(1);
  control.incarnation = 3;
  using Kind = bus::LivenessControl::Kind;
  for (const Kind kind : {Kind::probe, Kind::alive, Kind::suspect, Kind::lost}) {
    control.kind = kind;
    book.add_content(bus::encode_liveness(control));
  }
}

}  // namespace

Samples written_today() {
  MessageBook book;
  add_frames(book);
  add_verbs(book);
  add_notices(book);
  TalkingHerd herd;
  bool spoilt = false;
  herd.network().on_arrival = [&](fakes::Host, bus::Frames& frames) {
    book.add_message(frames);
    // A sum that does not fit is what makes an agent ask for everything anew.
    constexpr std::string_view sum = R"("topic":"sum")";
    if (spoilt || frames.size() < 2 || frames[1].find(sum) == std::string::npos) return;
    spoilt = true;
    frames[1] = bus::encode_notice("sum", R"("0000000000000000")");
  };
  herd.play();
  return book.samples();
}

}  // namespace dockherd::wire
