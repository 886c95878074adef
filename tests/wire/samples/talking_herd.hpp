// Four complete agents that are made to say all that agents say to each other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json_reader.hpp"
#include "tests/sim/sim_host.hpp"
#include "trust/user_book.hpp"

namespace dockherd::wire {

/// Purpose: play() goes through the herd's life once: creates, verbs, a quota, a host that is lost
/// and returns. What is said passes network().on_arrival.
class TalkingHerd {
 public:
  TalkingHerd();
  ~TalkingHerd();

  fakes::MemoryNetwork& network() { return network_; }
  void play();

 private:
  void create();
  void use();
  void reschedule();
  void doubt();
  /// Sends a verb through a host, and waits that long.
  void say(int through, const json& verb, const std::string& user = "",
           Duration then = std::chrono::seconds(3));
  std::string run_on(int host, const std::string& name, const json& labels);
  WallTime wall_now() const;
  sim::SimHost& host(int number) { return *hosts_.at(static_cast<std::size_t>(number - 1)); }

  trust::UserBook users_;
  fakes::VirtualTime time_;
  fakes::MemoryNetwork network_;
  std::vector<std::unique_ptr<sim::SimHost>> hosts_;
};

}  // namespace dockherd::wire
