// Whole herds from seeds. A failing seed prints the command that repeats it.
//   DOCKHERD_SIM_SEED, DOCKHERD_SIM_COUNT, DOCKHERD_SIM_FIRST   see seeds.hpp
//   DOCKHERD_SIM_ONCE=1    each seed once: quicker, but says nothing of determinism
//   DOCKHERD_SIM_STRICT=1  also creates at once must leave counts within one of each other
//   DOCKHERD_SIM_TRACE=1   every message, verb and fault to standard error
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "base/log.hpp"
#include "tests/sim/seeds.hpp"
#include "tests/sim/simulation.hpp"

namespace dockherd::sim {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

void print_readable(const std::string& line) {
  for (const char c : line) {
    std::cerr << (std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '.');
  }
  std::cerr << '\n';
}

SimulationResult run_seed(std::uint64_t seed, SimulationSettings settings) {
  settings.seed = seed;
  settings.strict_at_once = std::getenv("DOCKHERD_SIM_STRICT") != nullptr;
  const bool tracing = std::getenv("DOCKHERD_SIM_TRACE") != nullptr;
  if (tracing) settings.tracer = print_readable;
  LogSettings logging;
  logging.level = tracing ? "debug" : "off";
  configure_logging(logging).value();
  Simulation simulation(std::move(settings));
  return simulation.run();
}

SimulationResult run_seed(std::uint64_t seed, Plant plant = Plant::none) {
  SimulationSettings settings;
  settings.plant = plant;
  if (plant != Plant::none && plant != Plant::late_start) {
    settings.until_quiet = 5s;
    settings.calm_rounds = 1;
  }
  return run_seed(seed, std::move(settings));
}

/// Both runs of a seed must be the same in all that happens.
Complaints check_determinism(const SimulationResult& first, const SimulationResult& second) {
  if (first.trace_hash == second.trace_hash) return {};
  return {"two runs of one seed have different histories"};
}

/// What is wrong, or differs when the seed is run again: some are, and any that is run alone.
Complaints complaints_of(std::uint64_t seed) {
  constexpr std::uint64_t one_in = 10;
  SimulationResult first = run_seed(seed);
  const bool alone = std::getenv("DOCKHERD_SIM_SEED") != nullptr;
  const bool once = std::getenv("DOCKHERD_SIM_ONCE") != nullptr;
  if (once || (!alone && seed / 2 % one_in != 0)) return first.complaints;
  const Complaints differences = check_determinism(first, run_seed(seed));
  first.complaints.insert(first.complaints.end(), differences.begin(), differences.end());
  return first.complaints;
}

void expect_good(std::uint64_t seed) {
  // Seeds with a name of their own are among the many, too.
  static std::map<std::uint64_t, Complaints> known;
  const auto [found, is_new] = known.try_emplace(seed);
  if (is_new) found->second = complaints_of(seed);
  const Complaints& complaints = found->second;
  for (std::size_t i = 0; i < std::min<std::size_t>(complaints.size(), 10); ++i) {
    ADD_FAILURE() << "seed " << seed << ": " << complaints[i]
                  << "\nrepeat it with: DOCKHERD_SIM_SEED=" << seed
                  << " sim_tests --gtest_filter=HerdSimulation.*seeds*";
  }
}

TEST(HerdSimulation, herds_of_many_seeds_keep_every_promise) {
  for (const std::uint64_t seed : seeds_to_run(2, 1)) expect_good(seed);
}

/// Apart from the others, whose histories stay as they are.
TEST(HerdSimulation, creates_that_are_repeated_make_nothing_twice_in_many_seeds) {
  const std::vector<std::uint64_t> seeds = seeds_to_run(2, 0);
  for (const std::uint64_t seed : seeds) {
    SimulationSettings settings;
    settings.repeats = true;
    settings.calm_rounds = 1;
    const SimulationResult run = run_seed(seed, settings);
    for (std::size_t i = 0; i < std::min<std::size_t>(run.complaints.size(), 10); ++i) {
      ADD_FAILURE() << "seed " << seed << ": " << run.complaints[i]
                    << "\nrepeat it with: DOCKHERD_SIM_FIRST=" << seed
                    << " DOCKHERD_SIM_COUNT=1 sim_tests --gtest_filter=*repeated*";
    }
    if (seed == seeds.front()) {
      EXPECT_THAT(check_determinism(run, run_seed(seed, settings)), IsEmpty());
    }
  }
}

/// What both sides of a split named alike, and what somebody made beside the herd.
TEST(HerdSimulation, names_on_several_hosts_are_shown_by_all_in_many_seeds) {
  const auto first = number_from_environment("DOCKHERD_SIM_FIRST", 1);
  const auto count = number_from_environment("DOCKHERD_SIM_COUNT", 200);
  const auto only = number_from_environment("DOCKHERD_SIM_SEED", 0);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    if (only != 0 && seed != only) continue;
    SimulationSettings settings;
    settings.twins = true;
    settings.calm_rounds = 0;
    const SimulationResult run = run_seed(seed, settings);
    for (std::size_t i = 0; i < std::min<std::size_t>(run.complaints.size(), 10); ++i) {
      ADD_FAILURE() << "seed " << seed << ": " << run.complaints[i]
                    << "\nrepeat it with: DOCKHERD_SIM_FIRST=" << seed
                    << " DOCKHERD_SIM_COUNT=1 sim_tests --gtest_filter=*several_hosts*";
    }
    if (seed == first) {
      EXPECT_THAT(check_determinism(run, run_seed(seed, settings)), IsEmpty());
      EXPECT_GT(run.collisions, 0u) << "there was nothing to show";
    }
  }
}

// Seeds that once failed.

TEST(HerdSimulation, seed_12_gave_one_host_two_of_the_remainder_of_a_bulk) {
  expect_good(12);
}

TEST(HerdSimulation, seed_51_lost_containers_of_a_peer_whose_link_was_reset) {
  expect_good(51);
}

TEST(HerdSimulation, seed_150_met_a_create_whose_answer_was_lost_with_the_node_that_asked) {
  expect_good(150);
}

TEST(HerdSimulation, a_link_that_is_reset_twice_in_a_second_leaves_every_directory_whole) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SimulationSettings settings;
    settings.only_double_resets = true;
    settings.calm_rounds = 0;
    for (const std::string& complaint : run_seed(seed, std::move(settings)).complaints) {
      ADD_FAILURE() << "seed " << seed << ", " << complaint;
    }
  }
}

// A fault that is planted must be complained of, in its own words.

TEST(PlantedFault, a_cut_that_is_not_healed_is_seen) {
  EXPECT_THAT(run_seed(3, Plant::cut).complaints,
              Contains(ContainsRegex("^(after healing|3 s after quiet): host. does not see the "
                                     "living node ")));
}

TEST(PlantedFault, a_verb_that_is_not_answered_is_seen) {
  EXPECT_THAT(run_seed(3, Plant::stand_still).complaints,
              Contains("after healing: verbs are unanswered"));
}

TEST(PlantedFault, a_create_that_fails_on_a_calm_herd_is_seen) {
  EXPECT_THAT(run_seed(3, Plant::refusals).complaints,
              Contains(AllOf(StartsWith("calm round 1: verb "),
                             ContainsRegex("\\(create-.*container at .* on a calm herd"))));
}

TEST(PlantedFault, a_host_out_of_the_pool_that_gets_containers_is_seen) {
  const Complaints complaints = run_seed(3, Plant::comeback).complaints;
  EXPECT_THAT(complaints, Contains(ContainsRegex("^pool: host. is out of the pool and got")));
  EXPECT_THAT(complaints, Contains(ContainsRegex("^pool: host. sees the pool as")));
}

TEST(PlantedFault, a_name_on_two_hosts_that_nobody_shows_is_seen) {
  EXPECT_THAT(run_seed(3, Plant::silence).complaints,
              Contains(ContainsRegex("^after healing: host. does not show that several hosts have "
                                     "the name twin-1")));
}

TEST(PlantedFault, a_second_run_that_differs_by_a_millisecond_is_seen) {
  const SimulationResult first = run_seed(3);
  EXPECT_THAT(check_determinism(first, run_seed(3)), IsEmpty());
  EXPECT_THAT(check_determinism(first, run_seed(3, Plant::late_start)), SizeIs(1));
}

TEST(HerdSimulation, different_seeds_lead_to_different_histories) {
  EXPECT_NE(run_seed(1).trace_hash, run_seed(2).trace_hash);
}

}  // namespace
}  // namespace dockherd::sim
