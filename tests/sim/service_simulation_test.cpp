// Herds with containers that ask for rescheduling, from seeds.
//   DOCKHERD_SIM_SEED, DOCKHERD_SIM_COUNT, DOCKHERD_SIM_FIRST   see seeds.hpp; a quarter of them
//   DOCKHERD_SIM_TRACE=1   every message and fault to standard error
#include "tests/sim/service_simulation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <iostream>

#include "base/log.hpp"
#include "tests/sim/seeds.hpp"

namespace dockherd::sim {
namespace {

using testing::Contains;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void print_printable(const std::string& line) {
  for (const char c : line) {
    std::cerr << (std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '.');
  }
  std::cerr << '\n';
}

ServiceResult run_services(std::uint64_t seed, ServicePlant plant = ServicePlant::none) {
  const bool tracing = std::getenv("DOCKHERD_SIM_TRACE") != nullptr;
  LogSettings logging;
  logging.level = tracing ? "debug" : "off";
  configure_logging(logging).value();
  ServiceSettings settings;
  settings.seed = seed;
  settings.plant = plant;
  if (tracing) settings.tracer = print_printable;
  return ServiceSimulation(std::move(settings)).run();
}

TEST(HerdWithServices, of_each_one_runs_in_many_seeds) {
  const std::vector<std::uint64_t> seeds = seeds_to_run(4, 0);
  std::size_t moved = 0;
  for (const std::uint64_t seed : seeds) {
    const ServiceResult result = run_services(seed);
    moved += result.moved;
    for (const std::string& complaint : result.complaints) {
      ADD_FAILURE() << "seed " << seed << ": " << complaint
                    << "\nrepeat it with: DOCKHERD_SIM_FIRST=" << seed
                    << " DOCKHERD_SIM_COUNT=1 sim_tests --gtest_filter=HerdWithServices.of_each*";
    }
    if (seed == seeds.front()) {
      EXPECT_EQ(run_services(seed).trace_hash, result.trace_hash) << "not the same when repeated";
    }
  }
  if (seeds.size() > 5) {
    EXPECT_GE(moved, seeds.size()) << "hardly anything was made anew";
  }
}

// A seed that once failed.
TEST(HerdWithServices, seed_832_thawed_a_host_that_went_on_with_what_another_had_done) {
  EXPECT_THAT(run_services(832).complaints, IsEmpty());
}

// What is planted must be complained of.

TEST(HerdWithServices, one_that_is_told_nothing_makes_nothing_anew_and_is_seen) {
  EXPECT_THAT(run_services(1, ServicePlant::untold).complaints,
              Contains(ContainsRegex("service. runs 0 times")));
}

TEST(HerdWithServices, one_that_does_not_hear_of_what_is_superseded_is_seen) {
  EXPECT_THAT(run_services(1, ServicePlant::unheard).complaints,
              Contains(ContainsRegex("and (back|healed): service. runs 2 times")));
}

TEST(HerdWithServices, one_that_takes_a_moments_absence_for_a_loss_is_seen) {
  EXPECT_THAT(run_services(1, ServicePlant::impatient).complaints,
              Contains(ContainsRegex("away for a moment: service. .*was not there before")));
}

TEST(HerdWithServices, a_second_copy_is_seen) {
  EXPECT_THAT(run_services(1, ServicePlant::second).complaints,
              Contains(ContainsRegex("service1 runs . times")));
}

// The checkers alone.

ServiceCopy copy_of(std::string id, std::string name, fakes::Host host, bool running = true) {
  ServiceCopy copy;
  copy.id = std::move(id);
  copy.name = std::move(name);
  copy.host = host;
  copy.running = running;
  return copy;
}

TEST(ServiceCheckers, one_running_copy_is_right_and_none_or_two_are_not) {
  const ServiceCopy web = copy_of("a", "web", 1);
  EXPECT_THAT(check_runs_once({"web"}, {web, copy_of("b", "web", 2, false)}), IsEmpty());
  EXPECT_THAT(check_runs_once({"web"}, {}), ElementsAre(HasSubstr("web runs 0 times")));
  EXPECT_THAT(check_runs_once({"web"}, {web, copy_of("b", "web", 2)}),
              ElementsAre(HasSubstr("web runs 2 times")));
}

TEST(ServiceCheckers, what_was_moved_is_seen_at_both_ends) {
  const ServiceCopies before{copy_of("a", "web", 1)};
  EXPECT_THAT(check_stays(before, before), IsEmpty());
  EXPECT_THAT(check_stays(before, {copy_of("b", "web", 2)}),
              ElementsAre(HasSubstr("does not run any more"), HasSubstr("was not there before")));
}

TEST(ServiceCheckers, what_is_superseded_must_be_stopped_and_renamed) {
  ServiceCopy newer = copy_of("b", "web", 2);
  newer.supersedes = {"a"};
  EXPECT_THAT(check_retired({newer, copy_of("a", "web-superseded-a", 1, false)}), IsEmpty());
  EXPECT_THAT(check_retired({newer, copy_of("a", "web", 1)}), ElementsAre(HasSubstr("still runs")));
  EXPECT_THAT(check_retired({newer, copy_of("a", "web", 1, false)}),
              ElementsAre(HasSubstr("does not say")));
}

}  // namespace
}  // namespace dockherd::sim
