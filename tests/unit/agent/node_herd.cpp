#include "tests/unit/agent/node_herd.hpp"

#include <boost/asio/co_spawn.hpp>

#include "bus/zre_codec.hpp"

namespace dockherd::agent {

using namespace std::chrono_literals;

namespace {

constexpr int first_guest = 100;

fakes::DaemonSettings daemon_settings(const std::string& hostname, int number) {
  fakes::DaemonSettings settings;
  settings.name = hostname;
  settings.random_seed = static_cast<std::uint64_t>(number);
  return settings;
}

asio::awaitable<void> execute(Node& node, std::string request, AnswerPointer answer) {
  const http_api::VerbReply reply = co_await node.execute_verb(std::move(request));
  answer->status = reply.status;
  answer->body = json::parse(reply.body);
  answer->ended = true;
}

void rethrow(const std::exception_ptr& failure) {
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

struct TestHost::Process {
  Process(fakes::VirtualTime& world, fakes::MemoryNetwork& network, fakes::DaemonModel& daemon,
          int number, NodeSettings settings)
      : time(world),
        executor(context),
        clock(world, context),
        docker(clock, executor, daemon),
        transport(network, context, number, settings.id),
        discovery(network, context, number) {
    time.add(context);
    NodePorts ports{executor, clock, transport, {&discovery}, docker};
    node = std::make_unique<Node>(std::move(ports), std::move(settings));
  }
  ~Process() {
    time.remove(context);
    discovery.vanish();
    transport.stop();
    // What was suspended is destroyed while that which it refers to still lives.
    executor.die();
    clock.forget_sleepers();
    context.shutdown();
    node.reset();
  }

  fakes::VirtualTime& time;
  fakes::VirtualContext context;
  fakes::MortalExecutor executor;
  fakes::VirtualClock clock;
  fakes::FakeDocker docker;
  fakes::MemoryTransport transport;
  fakes::MemoryDiscovery discovery;
  std::unique_ptr<Node> node;
};

TestHost::TestHost(fakes::VirtualTime& time, fakes::MemoryNetwork& network, int number,
                   std::filesystem::path templates)
    : time_(time),
      network_(network),
      number_(number),
      hostname_("host" + std::to_string(number)),
      templates_(std::move(templates)),
      random_(static_cast<std::uint64_t>(number)),
      daemon_(daemon_settings(hostname_, number)) {}

TestHost::~TestHost() = default;

void TestHost::start() {
  NodeSettings settings;
  settings.id = NodeId::random(random_);
  settings.hostname = hostname_;
  settings.http_address = "10.0.0." + std::to_string(number_) + ":8080";
  settings.templates = templates_;
  settings.random_seed = random_();
  process_ = std::make_unique<Process>(time_, network_, daemon_, number_, std::move(settings));
  node().start();
  time_.touch(process_->context);
}

void TestHost::kill() {
  process_.reset();
}

std::shared_ptr<bool> TestHost::stop(Duration drain) {
  auto ended = std::make_shared<bool>(false);
  auto on_end = [ended](const std::exception_ptr& failure) {
    rethrow(failure);
    *ended = true;
  };
  asio::co_spawn(process_->executor, node().stop(time_.now() + drain), std::move(on_end));
  time_.touch(process_->context);
  return ended;
}

AnswerPointer TestHost::send(const json& verb) {
  auto answer = std::make_shared<Answer>();
  asio::co_spawn(process_->executor, execute(node(), dump_json(verb), answer), rethrow);
  time_.touch(process_->context);
  return answer;
}

Node& TestHost::node() {
  return *process_->node;
}

fakes::FakeDocker& TestHost::docker() {
  return process_->docker;
}

std::string TestHost::run(const std::string& name, const json& body) {
  const WallTime now = WallTime() + time_.elapsed();
  const auto made = daemon_.handle("POST", "/containers/create?name=" + name, dump_json(body), now);
  EXPECT_EQ(made.status, 201) << made.body;
  const std::string id = json::parse(made.body)["Id"];
  EXPECT_TRUE(daemon_.start(id, now));
  time_.touch_all();
  return id;
}

Guest::Guest(fakes::VirtualTime& time, fakes::MemoryNetwork& network, int number, const Node& host,
             const std::string& endpoint)
    : time_(time),
      transport_(network, context_, number, NodeId({static_cast<std::uint8_t>(number), 1, 2, 3})),
      target_(host.event_bus().self()) {
  time_.add(context_);
  transport_.start(*this);
  transport_.connect(target_, endpoint);
  bus::ZreMessage hello = bus::zre_message(bus::ZreKind::hello);
  hello.sequence = ++sequence_;
  hello.endpoint = transport_.endpoint();
  hello.name = "guest";
  send_frames({bus::encode_zre(hello)});
}

Guest::~Guest() {
  time_.remove(context_);
}

void Guest::on_message(const NodeId&, bus::Frames frames) {
  const auto message = bus::decode_zre(frames.front());
  if (message && message->kind == bus::ZreKind::ping) {
    bus::ZreMessage here = bus::zre_message(bus::ZreKind::ping_ok);
    here.sequence = ++sequence_;
    send_frames({bus::encode_zre(here)});
  }
  if (frames.size() > 1) replies.push_back(json::parse(frames[1]));
}

void Guest::send_frames(bus::Frames frames) {
  transport_.send(target_, std::move(frames));
  time_.touch_all();
}

void Guest::send(const json& envelope, const std::string& group) {
  const auto kind = group.empty() ? bus::ZreKind::whisper : bus::ZreKind::shout;
  bus::ZreMessage message = bus::zre_message(kind);
  message.group = group;
  message.sequence = ++sequence_;
  send_frames({bus::encode_zre(message), dump_json(envelope)});
}

NodeHerd::~NodeHerd() = default;

TestHost& NodeHerd::add() {
  const int number = static_cast<int>(hosts_.size()) + 1;
  hosts_.push_back(std::make_unique<TestHost>(time, network, number, templates));
  return *hosts_.back();
}

void NodeHerd::start(int count) {
  for (int i = 0; i < count; ++i) add().start();
  time.run_for(2s);
}

void NodeHerd::wait_for(const AnswerPointer& answer) {
  ASSERT_TRUE(time.run_until([&] { return answer->ended; }, time.now() + 2h));
}

Answer NodeHerd::ask(int number, const json& verb) {
  const AnswerPointer answer = host(number).send(verb);
  wait_for(answer);
  return *answer;
}

json NodeHerd::ask_by_bus(int number, const json& envelope, const std::string& group) {
  const int guest_number = first_guest + guests_++;
  Guest guest(time, network, guest_number, host(number).node(),
              fakes::MemoryNetwork::endpoint_of(number));
  time.run_for(100ms);
  guest.send(envelope, group);
  EXPECT_TRUE(time.run_until([&] { return !guest.replies.empty(); }, time.now() + 2h));
  return guest.replies.empty() ? json() : guest.replies.front();
}

}  // namespace dockherd::agent
