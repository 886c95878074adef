// Following a daemon: its events against its lists, and its absence.
#include "agent/docker_watcher.hpp"

#include <gmock/gmock.h>

#include "tests/unit/agent/watching_agent.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class DockerWatcherTest : public WatchingTest {
 protected:
  /// Every list takes 100 ms and is made after 75 ms of them; events take 1 ms.
  static fakes::FakeDockerSettings slow_lists() {
    fakes::FakeDockerSettings settings;
    settings.call = {100ms, 100ms};
    settings.event = {1ms, 1ms};
    return settings;
  }
  /// Runs until a list by the clock (`trackingServiceInterval`) has been made, but is not there
  /// yet.
  void run_into_a_list(WatchingAgent& agent) {
    ASSERT_EQ(agent.docker.calls_in_flight(), 0u);
    ASSERT_TRUE(time.run_until([&] { return agent.docker.calls_in_flight() == 1; },
                               time.now() + agent.herd.settings.relist_interval + 1s));
    time.run_for(80ms);
    ASSERT_EQ(agent.docker.calls_in_flight(), 1u);
  }
};

TEST_F(DockerWatcherTest, what_the_daemon_has_at_the_start_is_known_and_has_an_endpoint) {
  WatchingAgent& agent = add_agent();
  const std::string id = agent.create("web");
  EXPECT_FALSE(agent.herd.own_status().daemon_up);
  agent.start();
  time.run_for(100ms);
  EXPECT_TRUE(agent.knows(id) && agent.serves(id));
  EXPECT_EQ(agent.herd.directory.resolve("web").candidates.size(), 1u);
  EXPECT_TRUE(agent.herd.own_status().daemon_up);
  EXPECT_EQ(agent.herd.own_status().docker_version, "20.10.24");
}

TEST_F(DockerWatcherTest, events_bring_and_take_containers_without_a_list) {
  WatchingAgent& agent = add_agent();
  agent.herd.settings.relist_interval = 1h;
  agent.start();
  time.run_for(100ms);
  const std::string id = agent.create("web");
  time.run_for(10ms);
  EXPECT_TRUE(agent.knows(id) && agent.serves(id));
  agent.remove(id);
  time.run_for(10ms);
  EXPECT_FALSE(agent.knows(id) || agent.serves(id));
}

TEST_F(DockerWatcherTest, one_made_after_the_list_was_is_not_lost_when_the_list_arrives) {
  WatchingAgent& agent = add_agent(slow_lists());
  agent.start();
  time.run_for(2s);
  run_into_a_list(agent);
  const std::string id = agent.create("web");
  time.run_for(5ms);
  ASSERT_TRUE(agent.knows(id));
  for (int step = 0; step < 500; ++step) {
    time.run_for(1ms);
    ASSERT_TRUE(agent.knows(id) && agent.serves(id)) << "after " << step << " ms";
  }
}

TEST_F(DockerWatcherTest, one_removed_after_the_list_was_made_does_not_come_back_with_it) {
  WatchingAgent& agent = add_agent(slow_lists());
  const std::string id = agent.create("web");
  agent.start();
  time.run_for(2s);
  run_into_a_list(agent);
  agent.remove(id);
  time.run_for(5ms);
  ASSERT_FALSE(agent.knows(id));
  for (int step = 0; step < 500; ++step) {
    time.run_for(1ms);
    ASSERT_FALSE(agent.knows(id) || agent.serves(id)) << "after " << step << " ms";
  }
}

TEST_F(DockerWatcherTest, one_removed_while_it_is_looked_up_does_not_come_back_with_the_answer) {
  WatchingAgent& agent = add_agent(slow_lists());
  const std::string id = agent.create("web");
  agent.start();
  time.run_for(2s);
  agent.docker_watcher.touch(id);
  time.run_for(80ms);
  ASSERT_EQ(agent.docker.calls_in_flight(), 1u);
  agent.remove(id);
  time.run_for(5ms);
  for (int step = 0; step < 500; ++step) {
    ASSERT_FALSE(agent.knows(id) || agent.serves(id)) << "after " << step << " ms";
    time.run_for(1ms);
  }
}

TEST_F(DockerWatcherTest, a_list_finds_what_no_event_told) {
  WatchingAgent& agent = add_agent();
  agent.start();
  time.run_for(1s);
  agent.daemon.preload(3, "silent", agent.clock.wall_now());  // Without events.
  time.run_for(1s);
  EXPECT_EQ(agent.docker_watcher.size(), 0u);
  time.run_for(agent.herd.settings.relist_interval);
  EXPECT_EQ(agent.docker_watcher.size(), 3u);
}

TEST_F(DockerWatcherTest, a_daemon_that_is_away_is_said_so_and_its_containers_stay_known) {
  WatchingAgent& agent = add_agent();
  const std::string id = agent.create("web");
  agent.start();
  time.run_for(1s);
  agent.docker.go_down();
  time.run_for(100ms);
  EXPECT_FALSE(agent.herd.own_status().daemon_up);
  EXPECT_THAT(agent.herd.own_status().daemon_error, HasSubstr("daemon"));
  EXPECT_TRUE(agent.knows(id) && agent.serves(id));
  const auto listed = list(agent);
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, errc::daemon_down);
}

TEST_F(DockerWatcherTest, a_daemon_that_comes_back_is_caught_up_with) {
  WatchingAgent& agent = add_agent();
  const std::string gone = agent.create("gone");
  const std::string kept = agent.create("kept");
  agent.start();
  time.run_for(1s);
  agent.docker.go_down();
  time.run_for(20s);
  agent.remove(gone);  // Nobody hears these events.
  const std::string made = agent.create("made");
  time.run_for(1s);
  EXPECT_TRUE(agent.knows(gone) && !agent.knows(made));
  agent.docker.come_up();
  time.run_for(2s);
  EXPECT_TRUE(agent.herd.own_status().daemon_up);
  EXPECT_EQ(agent.herd.own_status().daemon_error, "");
  EXPECT_TRUE(agent.knows(kept) && agent.knows(made) && agent.serves(made));
  EXPECT_FALSE(agent.knows(gone) || agent.serves(gone));
}

TEST_F(DockerWatcherTest, a_restart_too_quick_to_be_seen_loses_nothing) {
  WatchingAgent& agent = add_agent();
  agent.start();
  time.run_for(1s);
  agent.docker.restart();
  const std::string id = agent.create("web");  // While no event stream is open.
  time.run_for(2s);
  EXPECT_TRUE(agent.knows(id));
  EXPECT_TRUE(agent.herd.own_status().daemon_up);
}

TEST_F(DockerWatcherTest, a_list_waits_for_what_was_changed_before_it) {
  WatchingAgent& agent = add_agent(slow_lists());
  const std::string id = agent.create("web");
  agent.start();
  time.run_for(2s);
  agent.daemon.start(id, agent.clock.wall_now());
  agent.docker_watcher.touch(id);
  auto listed = list(agent);
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_THAT(*listed, HasSubstr(R"("State":"running")"));
  agent.remove(id);
  agent.docker_watcher.removed(id);
  listed = list(agent);
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_THAT(*listed, Not(HasSubstr(id)));
}

}  // namespace
}  // namespace dockherd::agent
