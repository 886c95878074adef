// Where the next container goes, over 1,000 hosts. The figure to reach is for one container, by its
// 99th percentile, so single decisions are timed and sorted.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

#include "agent/placement.hpp"

namespace dockherd::agent {
namespace {

constexpr std::size_t hosts = 1'000;

Loads some_loads() {
  std::mt19937_64 random(3);
  Loads loads;
  while (loads.size() < hosts) loads[NodeId::random(random)] = 100 + random() % 2;
  return loads;
}

void place_one(benchmark::State& state) {
  const Loads loads = some_loads();
  std::mt19937_64 random(4);
  std::vector<double> microseconds;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(spread(1, loads, random));
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    microseconds.push_back(took.count());
  }
  std::sort(microseconds.begin(), microseconds.end());
  state.counters["p50_us"] = microseconds[microseconds.size() / 2];
  state.counters["p99_us"] = microseconds[microseconds.size() * 99 / 100];
}
BENCHMARK(place_one);

void place_again_after_refusals(benchmark::State& state) {
  const Loads loads = some_loads();
  std::mt19937_64 random(4);
  std::set<NodeId> refused;
  for (const auto& [node, load] : loads) {
    if (refused.size() < 10) refused.insert(node);
  }
  for (auto _ : state) benchmark::DoNotOptimize(next_of_remainder(loads, {}, refused, random));
}
BENCHMARK(place_again_after_refusals);

void place_bulk(benchmark::State& state) {
  const Loads loads = some_loads();
  std::mt19937_64 random(4);
  const auto instances = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(spread(instances, loads, random));
}
BENCHMARK(place_bulk)->Arg(1'000)->Arg(10'500);

}  // namespace
}  // namespace dockherd::agent
