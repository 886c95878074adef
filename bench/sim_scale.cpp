// How membership scales, on virtual time: herds of event buses on a network in memory. Prints how
// long the herd takes to be whole, what an idle agent sends, whether a minute of jitter and stalls
// loses anybody, and when the loss of one host is noticed.
//   sim_scale [HOSTS...]   (default: 50 200)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/sim/bus_herd.hpp"
#include "tests/sim/random_source.hpp"

namespace dockherd::sim {
namespace {

using namespace std::chrono_literals;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

struct Detection {
  double first = 0, median = 0, last = 0;  // Seconds.
  std::size_t missed = 0;
};

/// When each of the others noticed that the peer is lost, counted from `since`.
Detection detection_of(const BusHerd& herd, const NodeId& peer, TimePoint since) {
  std::vector<double> times;
  for (const PeerEvent& event : herd.events()) {
    if (!event.joined && event.peer == peer) times.push_back(seconds(event.when - since));
  }
  std::sort(times.begin(), times.end());
  Detection result;
  result.missed = herd.size() - 1 - std::min(herd.size() - 1, times.size());
  if (times.empty()) return result;
  result.first = times.front();
  result.median = times[times.size() / 2];
  result.last = times.back();
  return result;
}

void stalls_and_jitter(BusHerd& herd, RandomSource& random, Duration duration) {
  const TimePoint end = herd.time.now() + duration;
  // On average each agent stalls once in 20 s.
  const Duration between = Duration(20s) / static_cast<int>(herd.size());
  while (herd.time.now() < end) {
    const auto host = static_cast<fakes::Host>(1 + random.below(herd.size()));
    herd.freeze(host, random.between(50ms, 300ms));
    herd.time.run_for(between);
  }
  herd.time.run_for(1s);
}

void run(std::size_t hosts) {
  fakes::NetworkSettings network;
  network.latency_high = 20ms;
  // Beacons cost the simulation hosts^2 a second; they are not what is measured here.
  network.announce_interval = hosts > 300 ? 10s : 1s;
  BusHerd herd(hosts, 1, network);
  RandomSource random(1);
  const auto begun = std::chrono::steady_clock::now();

  herd.start_all(1s);
  const TimePoint last_start = herd.time.now();
  while (!herd.whole() && herd.time.now() < last_start + 60s) herd.time.run_for(50ms);
  const double whole = seconds(herd.time.now() - last_start);

  herd.time.run_for(5s);
  const fakes::Traffic before = herd.traffic();
  herd.time.run_for(20s);
  const fakes::Traffic after = herd.traffic();
  const double agent_seconds = 20.0 * static_cast<double>(hosts);

  herd.forget_events();
  stalls_and_jitter(herd, random, 60s);
  const std::size_t false_losses = herd.losses();

  herd.forget_events();
  const NodeId victim = herd.process(1).id();
  const TimePoint lost_at = herd.time.now();
  herd.end(1, Ending::power_off);
  herd.time.run_for(5s);
  const Detection power = detection_of(herd, victim, lost_at);

  const double real = seconds(std::chrono::steady_clock::now() - begun);
  std::printf("%6zu %9.2f %12.2f %11.0f %12zu %8.2f %8.2f %8.2f %8zu %10.1f\n", hosts, whole,
              static_cast<double>(after.messages - before.messages) / agent_seconds,
              static_cast<double>(after.bytes - before.bytes) / agent_seconds, false_losses,
              power.first, power.median, power.last, power.missed, real);
  std::fflush(stdout);
}

}  // namespace
}  // namespace dockherd::sim

int main(int argc, char** argv) {
  std::printf("%6s %9s %12s %11s %12s %8s %8s %8s %8s %10s\n", "hosts", "whole s", "msgs/s/agent",
              "bytes/s", "false losses", "first s", "median", "last", "missed", "real s");
  std::vector<std::size_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::strtoul(argv[i], nullptr, 10));
  if (sizes.empty()) sizes = {50, 200};
  for (const std::size_t size : sizes) {
    if (size >= 2) dockherd::sim::run(size);
  }
}
