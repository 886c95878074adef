// A request of 200 bytes and its reply between two nodes over TCP on loopback: through the event
// bus, and between bare ZeroMQ sockets in the same shape as ZRE's (each side a ROUTER to read from
// and a DEALER to write to), which is what the bus can at best reach. One line of JSON comes out:
// medians of each round.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <future>
#include <memory>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "base/task_group.hpp"
#include "bus/event_bus.hpp"
#include "bus/zmq_transport.hpp"

namespace {

using namespace dockherd;
using Steady = std::chrono::steady_clock;

struct Options {
  unsigned rounds = 5;
  unsigned requests = 3'000;
  std::size_t bytes = 200;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double microseconds_since(Steady::time_point begin) {
  return std::chrono::duration<double, std::micro>(Steady::now() - begin).count();
}

// ---- bare sockets

/// One side: reads at its ROUTER, writes through a DEALER to the other's.
class BareNode {
 public:
  explicit BareNode(zmq::context_t& context)
      : router_(context, zmq::socket_type::router), dealer_(context, zmq::socket_type::dealer) {
    router_.bind("tcp://127.0.0.1:*");
  }
  std::string endpoint() { return router_.get(zmq::sockopt::last_endpoint); }
  void connect(const std::string& endpoint) { dealer_.connect(endpoint); }

  void write(const std::string& text) { dealer_.send(zmq::buffer(text), zmq::send_flags::none); }
  std::string read() {
    zmq::message_t identity;
    zmq::message_t text;
    if (!router_.recv(identity) || !router_.recv(text)) throw std::runtime_error("recv failed");
    return text.to_string();
  }

 private:
  zmq::socket_t router_;
  zmq::socket_t dealer_;
};

double bare_round(const Options& options) {
  zmq::context_t here(1);
  zmq::context_t there(1);
  BareNode asking(here);
  BareNode answering(there);
  asking.connect(answering.endpoint());
  answering.connect(asking.endpoint());
  const unsigned warm_up = options.requests / 10;
  const std::jthread echo([&] {
    for (unsigned n = 0; n < options.requests + warm_up; ++n) answering.write(answering.read());
  });
  const std::string text(options.bytes, 'x');
  std::vector<double> times;
  for (unsigned n = 0; n < options.requests + warm_up; ++n) {
    const auto begin = Steady::now();
    asking.write(text);
    asking.read();
    if (n >= warm_up) times.push_back(microseconds_since(begin));
  }
  return median(std::move(times));
}

// ---- the bus

/// Knows the other node beforehand.
class Introduction final : public bus::Discovery {
 public:
  void start(bus::DiscoveryListener& listener, const NodeId&, const std::string&) override {
    listener_ = &listener;
  }
  void stop() override { listener_ = nullptr; }
  std::string_view name() const override { return "introduction"; }
  void introduce(const NodeId& peer, const std::string& endpoint) {
    if (listener_ != nullptr) listener_->on_sighting(peer, endpoint);
  }

 private:
  bus::DiscoveryListener* listener_ = nullptr;
};

std::unique_ptr<bus::ZmqTransport> open_transport(asio::io_context& context, const NodeId& id) {
  auto opened = bus::ZmqTransport::open(context.get_executor(), id, {}, null_logger());
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(*opened);
}

bus::BusSettings settings_of(const NodeId& id, const std::string& name) {
  bus::BusSettings settings;
  settings.id = id;
  settings.name = name;
  settings.herd = "bench";
  return settings;
}

NodeId new_id() {
  auto random = make_random_generator();
  return NodeId::random(random);
}

/// A node that answers every request with the request's body, in a thread of its own.
class BusNode {
 public:
  explicit BusNode(const std::string& name)
      : id_(new_id()),
        transport_(open_transport(context_, id_)),
        bus_(context_.get_executor(), clock_, *transport_, {&introduction_}, settings_of(id_, name),
             1, null_logger()),
        tasks_(context_.get_executor(), null_logger()) {
    bus_.serve(&BusNode::echo);
    bus_.start();
  }
  /// In the node's own thread.
  void run() { context_.run(); }
  void post_stop() {
    asio::post(context_, [this] { tasks_.spawn("stop", stop()); });
  }
  void introduce(const NodeId& peer, const std::string& endpoint) {
    introduction_.introduce(peer, endpoint);
  }
  const NodeId& id() const { return id_; }
  std::string endpoint() const { return transport_->endpoint(); }

  void spawn_asking(const NodeId& to, const Options& options, std::promise<double>& result) {
    tasks_.spawn("ask", ask(to, options, result));
  }

 private:
  static asio::awaitable<bus::Reply> echo(bus::IncomingRequest request) {
    co_return bus::Reply(200, std::move(request.body));
  }

  asio::awaitable<void> stop() {
    co_await bus_.stop();
    transport_->stop();
  }

  asio::awaitable<void> ask(NodeId to, const Options& options, std::promise<double>& result) {
    while (!bus_.peer(to)) co_await clock_.sleep_until(clock_.now() + std::chrono::milliseconds(5));
    const unsigned warm_up = options.requests / 10;
    const std::string text = "{\"x\":\"" + std::string(options.bytes - 8, 'x') + "\"}";
    std::vector<double> times;
    for (unsigned n = 0; n < options.requests + warm_up; ++n) {
      const auto begin = Steady::now();
      const auto reply = co_await bus_.request(to, text, clock_.now() + std::chrono::seconds(5));
      if (!reply) std::fprintf(stderr, "bus_ping: %s\n", reply.error().message.c_str());
      if (n >= warm_up) times.push_back(microseconds_since(begin));
    }
    result.set_value(median(std::move(times)));
  }

  asio::io_context context_{1};
  SystemClock clock_;
  NodeId id_;
  std::unique_ptr<bus::ZmqTransport> transport_;
  Introduction introduction_;
  bus::EventBus bus_;
  TaskGroup tasks_;
};

double bus_round(const Options& options) {
  BusNode asking("asking");
  BusNode answering("answering");
  asking.introduce(answering.id(), answering.endpoint());
  answering.introduce(asking.id(), asking.endpoint());
  std::promise<double> result;
  asking.spawn_asking(answering.id(), options, result);
  const std::jthread first([&] { asking.run(); });
  const std::jthread second([&] { answering.run(); });
  const double middle = result.get_future().get();
  asking.post_stop();
  answering.post_stop();
  return middle;
}

void print(const char* name, const std::vector<double>& values, const char* end) {
  std::printf("\"%s\":[", name);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::printf("%s%.2f", i == 0 ? "" : ",", values[i]);
  }
  std::printf("]%s", end);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Request and reply over the bus, and between bare sockets");
  Options options;
  app.add_option("--rounds", options.rounds);
  app.add_option("--requests", options.requests, "In each round");
  app.add_option("--bytes", options.bytes, "Of the body")->check(CLI::Range(16, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  std::vector<double> bare;
  std::vector<double> bus;
  for (unsigned round = 0; round < options.rounds; ++round) {
    bare.push_back(bare_round(options));
    bus.push_back(bus_round(options));
  }
  std::printf("{");
  print("bare_us", bare, ",");
  print("bus_us", bus, "}\n");
  return 0;
}
