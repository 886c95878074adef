// Herds in which hosts run agents of different releases, as while a herd is upgraded.
//   DOCKHERD_SIM_SEED, DOCKHERD_SIM_COUNT, DOCKHERD_SIM_FIRST   see seeds.hpp; a tenth of them
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "tests/sim/dialects.hpp"
#include "tests/sim/seeds.hpp"
#include "tests/sim/simulation.hpp"

namespace dockherd::sim {
namespace {

using namespace std::chrono_literals;

constexpr int most_hosts = 7;
constexpr std::uint64_t one_in = 10;  // What is said has to be read and written again: slow.

/// Every order of upgrading is in some seed: host n of seed s speaks the dialect of n + s.
void share_out(Dialects& dialects, std::uint64_t seed) {
  constexpr Dialect known[] = {Dialect::today, Dialect::newer, Dialect::older};
  for (int host = 1; host <= most_hosts; ++host) {
    dialects.set(host, known[(seed + static_cast<std::uint64_t>(host)) % 3]);
  }
}

SimulationResult run(std::uint64_t seed, Dialects& dialects) {
  LogSettings logging;
  logging.level = "off";
  configure_logging(logging).value();
  SimulationSettings settings;
  settings.seed = seed;
  settings.calm_rounds = 2;
  settings.repeats = seed / one_in % 2 == 0;
  settings.speak = [&dialects](fakes::Host from, fakes::Host to, bus::Frames& frames) {
    dialects.speak(from, to, frames);
  };
  return Simulation(std::move(settings)).run();
}

TEST(HerdOfTwoReleases, keeps_every_promise_in_many_seeds) {
  std::size_t changed = 0;
  const std::vector<std::uint64_t> seeds = seeds_to_run(one_in, 0);
  for (const std::uint64_t seed : seeds) {
    Dialects dialects;
    share_out(dialects, seed);
    for (const std::string& complaint : run(seed, dialects).complaints) {
      ADD_FAILURE() << "seed " << seed << ": " << complaint
                    << "\nrepeat it with: DOCKHERD_SIM_FIRST=" << seed
                    << " DOCKHERD_SIM_COUNT=1 sim_tests --gtest_filter=HerdOfTwoReleases.*";
    }
    changed += dialects.changed();
  }
  EXPECT_GT(changed, 100 * seeds.size()) << "hardly anything was said otherwise";
}

TEST(HerdOfTwoReleases, one_that_leaves_out_what_all_others_have_always_sent_is_seen) {
  Dialects dialects;
  dialects.set(1, Dialect::broken);
  EXPECT_THAT(run(3, dialects).complaints,
              testing::Contains(testing::ContainsRegex("host. does not know container")));
}

}  // namespace
}  // namespace dockherd::sim
