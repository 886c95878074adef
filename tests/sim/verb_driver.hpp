// Sends JSON verbs to nodes of the simulated herd and keeps what came of each. Must not judge.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/random_source.hpp"
#include "tests/sim/sim_host.hpp"

namespace dockherd::sim {

/// What became of one verb.
struct VerbRecord {
  int number = 0;  ///< From 1; label sim.verb of what it creates.
  std::string action;
  std::string request;
  fakes::Host host = 0;
  int incarnation = 0;  ///< Of the agent that was asked.
  int asked = 0;        ///< Containers to create; 0 for other verbs.
  int repeats = 0;      ///< Of a create under a key: the number of the first one, or its own.
  TimePoint issued;
  TimePoint due;  ///< Answers are to be there by then; pushed back while the node is frozen.
  int answers = 0;
  TimePoint answered;
  int status = 0;
  std::string body;
  std::string exception;    ///< What it threw, which no verb may.
  bool node_ended = false;  ///< The agent was ended before it answered: no answer is owed.
};

class VerbDriver {
 public:
  using Hosts = std::vector<std::unique_ptr<SimHost>>;

  VerbDriver(fakes::VirtualTime& time, fakes::MemoryNetwork& network, Hosts& hosts)
      : time_(time), network_(network), hosts_(hosts) {}

  /// Sends one now; answered later. Returns its record's number. `allowed` is the verb's own
  /// deadline.
  int send(SimHost& host, const std::string& action, std::string request, Duration allowed,
           int asked = 0);
  /// {"action":"create-container","image":…} with the label sim.verb. `instances` 0: without the
  /// field.
  int send_create(SimHost& host, int instances, bool start, bool raw = false);
  /// Any verb with any fields, to a random node that is alive. Nothing when none is.
  void send_random(RandomSource& random);

  /// A create under a key of its own, or one that was sent before once more, to any node.
  void send_under_key(RandomSource& random);
  /// Each create under a key once more, to that host. Returns the records' numbers.
  std::vector<int> repeat_all(SimHost& host);

  const std::map<int, std::unique_ptr<VerbRecord>>& records() const { return records_; }
  const VerbRecord& record(int number) const { return *records_.at(number); }
  /// Whether all that owe an answer have answered.
  bool all_answered() const;
  /// The agent of that host ends now.
  void note_end(const SimHost& host);
  /// The agent of that host stands still for so long.
  void note_freeze(const SimHost& host, Duration duration);
  /// Deadlines leave so much for the way of the answer.
  static constexpr Duration slack = std::chrono::milliseconds(500);

 private:
  SimHost* random_alive(RandomSource& random);
  std::string random_container(RandomSource& random) const;
  std::vector<std::string> host_names() const;
  asio::awaitable<void> execute(agent::Node& node, std::string request, VerbRecord& record);
  void finish(VerbRecord& record);
  int repeat(SimHost& host, const VerbRecord& first);

  fakes::VirtualTime& time_;
  fakes::MemoryNetwork& network_;
  Hosts& hosts_;
  std::map<int, std::unique_ptr<VerbRecord>> records_;
  int next_number_ = 1;
};

}  // namespace dockherd::sim
