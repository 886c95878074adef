// Three agents' buses on virtual time and a network in memory, each with a handler that echoes.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bus/event_bus.hpp"
#include "tests/fakes/memory_network.hpp"
#include "tests/fakes/virtual_clock.hpp"

namespace dockherd::bus {

using namespace std::chrono_literals;

struct Recorder final : BusListener {
  void on_peer_joined(const PeerInfo& peer) override { lines.push_back("joined " + peer.name); }
  void on_peer_lost(const PeerInfo& peer, const std::string&) override {
    lines.push_back("lost " + peer.name);
  }
  void on_session_renewed(const PeerInfo& peer) override {
    lines.push_back("renewed " + peer.name);
  }
  void on_notice(const NodeId&, const std::string& topic, const std::string& body) override {
    lines.push_back("notice " + topic + " " + body);
  }
  std::vector<std::string> lines;
};

/// One agent: its process, clock, mailbox, beacon and bus.
struct BusAgent {
  BusAgent(fakes::VirtualTime& world, fakes::MemoryNetwork& network, int host)
      : time(world),
        id(made_id(host)),
        clock(world, context),
        transport(network, context, host, id),
        discovery(network, context, host),
        bus(context.get_executor(), clock, transport, {&discovery}, settings(host, id),
            static_cast<std::uint64_t>(host), null_logger()) {
    time.add(context);
    bus.listen(listener);
    bus.serve([this](IncomingRequest request) { return answer(std::move(request)); });
  }
  ~BusAgent() {
    context.shutdown();
    time.remove(context);
  }

  static NodeId made_id(int host) {
    std::mt19937_64 random(static_cast<std::uint64_t>(host));
    return NodeId::random(random);
  }
  static BusSettings settings(int host, NodeId id) {
    BusSettings made;
    made.id = id;
    made.name = "n" + std::to_string(host);
    made.headers = {{std::string(header_version), "1"}};
    return made;
  }

  asio::awaitable<Reply> answer(IncomingRequest request) {
    requests.push_back(request);
    if (request.body.find("slow") != std::string::npos) {
      try {
        co_await clock.sleep_until(clock.now() + 1h);
      } catch (const boost::system::system_error&) {
        ++canceled;
        throw;
      }
    }
    if (request.body.find("throw") != std::string::npos) throw std::runtime_error("broken");
    co_return Reply(200, request.body);
  }

  fakes::VirtualTime& time;
  NodeId id;
  fakes::VirtualContext context;
  fakes::VirtualClock clock;
  fakes::MemoryTransport transport;
  fakes::MemoryDiscovery discovery;
  Recorder listener;
  std::vector<IncomingRequest> requests;
  int canceled = 0;
  EventBus bus;
};

class EventBusTest : public testing::Test {
 protected:
  EventBusTest() {
    for (int host = 1; host <= 3; ++host) {
      agents.push_back(std::make_unique<BusAgent>(time, network, host));
      agents.back()->bus.start();
      agents.back()->bus.join("herd");
    }
    time.run_for(1s);
  }
  ~EventBusTest() override {
    for (auto& agent : agents) {
      if (agent) run(*agent, agent->bus.stop());
    }
  }

  EventBus& bus(std::size_t i) { return agents[i]->bus; }

  template <typename T>
  T run(BusAgent& agent, asio::awaitable<T> task) {
    std::optional<T> value;
    asio::co_spawn(agent.context, std::move(task),
                   [&value](const std::exception_ptr& failure, T result) {
                     if (failure) std::rethrow_exception(failure);
                     value.emplace(std::move(result));
                   });
    EXPECT_TRUE(time.run_until([&value] { return value.has_value(); }, time.now() + 1min));
    return std::move(value.value());
  }
  void run(BusAgent& agent, asio::awaitable<void> task) {
    bool ended = false;
    asio::co_spawn(agent.context, std::move(task),
                   [&ended](const std::exception_ptr&) { ended = true; });
    EXPECT_TRUE(time.run_until([&ended] { return ended; }, time.now() + 1min));
  }
  Result<Reply> ask(std::size_t from, const NodeId& to, const std::string& body,
                    Duration timeout = 2s, bool local = true) {
    return run(*agents[from], bus(from).request(to, body, time.now() + timeout, local));
  }
  void kill(std::size_t i) { agents[i].reset(); }

  fakes::VirtualTime time;
  fakes::MemoryNetwork network{time};
  std::vector<std::unique_ptr<BusAgent>> agents;
};

}  // namespace dockherd::bus
