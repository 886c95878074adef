// One agent, alone with its daemon.
#include <gtest/gtest.h>

#include "tests/sim/sim_host.hpp"

namespace dockherd::sim {
namespace {

using namespace std::chrono_literals;

TEST(DockerWatcher, finds_within_a_second_what_no_event_told_while_the_daemon_subscribed) {
  fakes::VirtualTime time;
  fakes::MemoryNetwork network(time, fakes::NetworkSettings());
  SimHost host(time, network, 1, 7);
  host.start_agent();
  fakes::FakeDocker& docker = host.process().docker();
  // Headers are in, the first list is, and what the daemon says of its host: three calls, none
  // under way.
  const auto listed = [&] { return docker.open_streams() == 1 && docker.calls_in_flight() == 0; };
  ASSERT_TRUE(
      time.run_until([&] { return docker.calls_ever() == 3 && listed(); }, time.now() + 1s));
  host.daemon().create("web", "busybox", WallTime());
  time.touch_all();
  EXPECT_EQ(host.process().node().containers().size(), 0u);
  time.run_for(1s);
  EXPECT_EQ(host.process().node().containers().size(), 1u);
}

}  // namespace
}  // namespace dockherd::sim
