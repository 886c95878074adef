// Where the next container goes, over 1,000 hosts that have 100 containers each. The figure to
// reach is for one container, by the 99th percentile of its CPU time, so single decisions are timed
// and sorted. As in the agent each begins with what directory and node table say.
#include <benchmark/benchmark.h>

#include <time.h>

#include <algorithm>

#include "agent/placement.hpp"

namespace dockherd::agent {
namespace {

constexpr std::size_t hosts = 1'000;
constexpr std::size_t containers_each = 100;

/// Of this thread: what others do meanwhile does not count, though their use of the caches does.
double cpu_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

/// What an agent knows of the herd.
struct Known {
  Known() : directory(NodeId()) {
    std::mt19937_64 random(3);
    NodeStatus status;
    status.daemon_up = true;
    for (std::size_t host = 0; host < hosts; ++host) {
      const NodeId node = NodeId::random(random);
      status.hostname = "host" + std::to_string(host);
      nodes.put(node, status);
      for (std::size_t i = 0; i < containers_each + host % 2; ++i) {
        const std::string name = "web-" + std::to_string(host) + "-" + std::to_string(i);
        const std::string half = random_token(random) + random_token(random);
        directory.put(node, half + half, {name});
      }
    }
  }

  NodeTable nodes;
  ContainerDirectory directory;
};

void place_one(benchmark::State& state) {
  const Known known;
  std::mt19937_64 random(4);
  std::vector<double> microseconds;
  for (auto _ : state) {
    const double begin = cpu_microseconds();
    const Loads loads = loads_in_pool(known.nodes, known.directory);
    benchmark::DoNotOptimize(spread(1, loads, random));
    microseconds.push_back(cpu_microseconds() - begin);
  }
  std::sort(microseconds.begin(), microseconds.end());
  state.counters["p50_us"] = microseconds[microseconds.size() / 2];
  state.counters["p99_us"] = microseconds[microseconds.size() * 99 / 100];
}
BENCHMARK(place_one);

void place_again_after_refusals(benchmark::State& state) {
  const Known known;
  std::mt19937_64 random(4);
  std::set<NodeId> refused;
  for (const auto& [node, status] : known.nodes.nodes()) {
    if (refused.size() < 10) refused.insert(node);
  }
  for (auto _ : state) {
    const Loads loads = loads_in_pool(known.nodes, known.directory);
    benchmark::DoNotOptimize(next_of_remainder(loads, {}, refused, random));
  }
}
BENCHMARK(place_again_after_refusals);

void place_bulk(benchmark::State& state) {
  const Known known;
  std::mt19937_64 random(4);
  const auto instances = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    const Loads loads = loads_in_pool(known.nodes, known.directory);
    benchmark::DoNotOptimize(spread(instances, loads, random));
  }
}
BENCHMARK(place_bulk)->Arg(1'000)->Arg(10'500);

}  // namespace
}  // namespace dockherd::agent
