#include "docker_client/docker_status.hpp"

#include <gtest/gtest.h>

namespace dockherd::docker_client {
namespace {

using namespace std::chrono_literals;

struct DurationCase {
  std::chrono::seconds duration;
  const char* text;
};

TEST(HumanDuration, rounds_as_docker_does) {
  constexpr auto day = 24h;
  const DurationCase cases[] = {
      {-5s, "Less than a second"},
      {0s, "Less than a second"},
      {1s, "1 second"},
      {2s, "2 seconds"},
      {59s, "59 seconds"},
      {60s, "About a minute"},
      {119s, "About a minute"},
      {120s, "2 minutes"},
      {59min + 59s, "59 minutes"},
      {60min, "About an hour"},
      {89min + 59s, "About an hour"},
      {90min, "2 hours"},
      {2h + 29min, "2 hours"},
      {2h + 30min, "3 hours"},
      {47h, "47 hours"},
      {47h + 29min, "47 hours"},
      {47h + 30min, "2 days"},
      {3 * day, "3 days"},
      {13 * day + 23h, "13 days"},
      {14 * day, "2 weeks"},
      {59 * day, "8 weeks"},
      {60 * day, "2 months"},
      {364 * day, "12 months"},
      {729 * day, "24 months"},
      {730 * day, "2 years"},
      {365 * 5 * day, "5 years"},
  };
  for (const DurationCase& each : cases) {
    EXPECT_EQ(human_duration(each.duration), each.text) << each.duration.count() << " s";
  }
}

TEST(HumanDuration, fractions_of_a_second_do_not_count) {
  EXPECT_EQ(human_duration(999ms), "Less than a second");
  EXPECT_EQ(human_duration(1999ms), "1 second");
}

class StatusText : public testing::Test {
 protected:
  std::string text(const char* state) {
    status.state = state;
    return status_text(status, now);
  }
  const WallTime now = WallTime(1'700'000'000s);
  ContainerStatus status;
};

TEST_F(StatusText, a_container_that_never_started_is_created) {
  EXPECT_EQ(text("created"), "Created");
}

TEST_F(StatusText, a_running_one_says_since_when) {
  status.started = now - 5min;
  EXPECT_EQ(text("running"), "Up 5 minutes");
}

TEST_F(StatusText, health_is_said_of_running_ones) {
  status.started = now - 5min;
  status.health = "healthy";
  EXPECT_EQ(text("running"), "Up 5 minutes (healthy)");
  status.health = "unhealthy";
  EXPECT_EQ(text("running"), "Up 5 minutes (unhealthy)");
  status.health = "starting";
  EXPECT_EQ(text("running"), "Up 5 minutes (health: starting)");
  status.health = "none";
  EXPECT_EQ(text("running"), "Up 5 minutes");
}

TEST_F(StatusText, a_paused_one_says_so_and_not_its_health) {
  status.started = now - 2h;
  status.health = "healthy";
  EXPECT_EQ(text("paused"), "Up 2 hours (Paused)");
}

TEST_F(StatusText, an_ended_one_says_how_and_when) {
  status.started = now - 4h;
  status.finished = now - 3h;
  status.exit_code = 137;
  EXPECT_EQ(text("exited"), "Exited (137) 3 hours ago");
}

TEST_F(StatusText, the_states_between) {
  status.started = now - 1min;
  status.finished = now - 5s;
  status.exit_code = 1;
  EXPECT_EQ(text("restarting"), "Restarting (1) 5 seconds ago");
  EXPECT_EQ(text("dead"), "Dead");
  EXPECT_EQ(text("removing"), "Removal In Progress");
}

TEST(DockerTime, reads_what_docker_writes) {
  const WallTime expected(1'700'000'000s + 123'456'789ns);
  EXPECT_EQ(parse_docker_time("2023-11-14T22:13:20.123456789Z"), expected);
  EXPECT_EQ(parse_docker_time("2023-11-15T00:13:20.123456789+02:00"), expected);
  EXPECT_EQ(parse_docker_time("2023-11-14T22:13:20Z"), WallTime(1'700'000'000s));
  EXPECT_EQ(parse_docker_time("2023-11-14T22:13:20.5Z"), WallTime(1'700'000'000s + 500ms));
}

TEST(DockerTime, the_last_moments_that_can_be_told_are) {
  EXPECT_GT(parse_docker_time("2261-12-31T99:99:99.999999999-99:99"),
            parse_docker_time("2261-12-31T00:00:00Z"));
}

TEST(DockerTime, never_and_nonsense_are_the_epoch) {
  for (const char* text :
       {"0001-01-01T00:00:00Z", "", "yesterday", "2023-13-01T00:00:00Z", "2023-11-14T22:13:20",
        "2023-11-14T22:13:20Zx", "2262-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999-99:99"}) {
    EXPECT_EQ(parse_docker_time(text), WallTime()) << text;
  }
}

}  // namespace
}  // namespace dockherd::docker_client
