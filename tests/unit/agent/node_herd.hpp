// A small herd for tests: whole nodes on virtual time, a network and daemons in memory, and a guest
// on the bus that is no agent. No sockets, no sleeps.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "agent/node.hpp"
#include "base/json_reader.hpp"
#include "tests/fakes/fake_docker.hpp"
#include "tests/fakes/memory_network.hpp"
#include "tests/fakes/virtual_clock.hpp"

namespace dockherd::agent {

/// What became of a verb.
struct Answer {
  bool ended = false;
  int status = 0;
  json body;
};
using AnswerPointer = std::shared_ptr<Answer>;

/// One host: a daemon, and beside it an agent that may end and start again.
class TestHost {
 public:
  TestHost(fakes::VirtualTime& time, fakes::MemoryNetwork& network, int number,
           std::filesystem::path templates);
  ~TestHost();
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;

  /// A new agent, which has not yet asked its daemon anything.
  void start();
  /// Its connections close, as when the process is killed.
  void kill();
  /// As SIGTERM with that drain time; the flag is set at its end.
  std::shared_ptr<bool> stop(Duration drain);

  /// Sends a verb as a client would.
  AnswerPointer send(const json& verb);

  const std::string& hostname() const { return hostname_; }
  Node& node();
  fakes::FakeDocker& docker();
  fakes::DaemonModel& daemon() { return daemon_; }
  /// As by the docker command; running. Returns the full id.
  std::string run(const std::string& name, const json& body = json{{"Image", "busybox"}});

 private:
  struct Process;

  fakes::VirtualTime& time_;
  fakes::MemoryNetwork& network_;
  int number_;
  std::string hostname_;
  std::filesystem::path templates_;
  std::mt19937_64 random_;
  fakes::DaemonModel daemon_;
  std::unique_ptr<Process> process_;
};

/// A ZRE peer of another make that talks to one agent.
class Guest final : public bus::TransportListener {
 public:
  Guest(fakes::VirtualTime& time, fakes::MemoryNetwork& network, int number, const Node& host,
        const std::string& endpoint);
  ~Guest() override;

  void on_message(const NodeId& from, bus::Frames frames) override;
  void on_link_closed(const NodeId&, const std::string&) override {}

  /// Sends one JSON envelope; `group` empty: by WHISPER.
  void send(const json& envelope, const std::string& group = "");

  std::vector<json> replies;  ///< In the order in which they came.

 private:
  void send_frames(bus::Frames frames);

  fakes::VirtualTime& time_;
  fakes::VirtualContext context_;
  fakes::MemoryTransport transport_;
  NodeId target_;
  std::uint16_t sequence_ = 0;
};

/// Hosts are numbered from 1: "host1", "host2", …
class NodeHerd : public testing::Test {
 protected:
  ~NodeHerd() override;

  /// Adds hosts, starts their agents and waits until they know each other.
  void start(int count);
  /// Adds one host; its agent is not started.
  TestHost& add();
  TestHost& host(int number) { return *hosts_.at(static_cast<std::size_t>(number - 1)); }

  /// Sends a verb and waits for its end.
  Answer ask(int number, const json& verb);
  void wait_for(const AnswerPointer& answer);
  /// One request of a guest at that host; its reply.
  json ask_by_bus(int number, const json& envelope, const std::string& group = "");

  fakes::VirtualTime time;
  fakes::MemoryNetwork network{time};
  std::filesystem::path templates = "/nonexistent";

 private:
  std::vector<std::unique_ptr<TestHost>> hosts_;
  int guests_ = 0;
};

}  // namespace dockherd::agent
