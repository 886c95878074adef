// How a herd scales, on virtual time: herds of complete agents, 100 containers each, on a network
// in memory. They join, stall, get and lose containers, leave and return, and are lost in every
// way; each time is held against its bound. What an agent pays is printed per size, and with it by
// which power of the herd's size it grows.
//   sim_scale [--json FILE] [AGENTS...]   (default: 10 50 200 1000, which takes some minutes)
// Ends with 1 when a bound was missed.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <set>
#include <vector>

#include "base/json_reader.hpp"
#include "base/log.hpp"
#include "bench/scale_herd.hpp"

namespace dockherd::sim {
namespace {

using namespace std::chrono_literals;

/// Container entries over all complete agents that fit into memory, at some 750 bytes each.
constexpr std::size_t most_entries = 4'000'000;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// One time, in seconds of the virtual clock, and the bound that it is to keep.
struct Timed {
  Timed(std::string text, double measured, double at_most)
      : what(std::move(text)), value(measured), bound(at_most) {}

  std::string what;
  double value;
  double bound;
  bool kept() const { return value <= bound; }
};

/// What one agent pays.
struct Cost {
  Cost(std::string text, double measured) : what(std::move(text)), value(measured) {}

  std::string what;
  double value;
};

struct Figures {
  std::size_t agents = 0;
  std::size_t containers = 0;
  std::size_t complete = 0;
  double megabytes = 0;  ///< Of the simulation as a whole.
  double real_seconds = 0;
  std::vector<Timed> times;
  std::vector<Cost> costs;
};

/// One herd through all its phases.
class Run {
 public:
  Run(std::size_t agents, std::size_t containers_each)
      : herd_(settings(agents, containers_each)), random_(agents) {
    figures_.agents = agents;
    figures_.containers = agents * containers_each;
    figures_.complete = herd_.complete();
  }

  Figures measure();

 private:
  static ScaleSettings settings(std::size_t agents, std::size_t containers_each);

  void form();
  void idle();
  void change_containers();
  void stall();
  void leave_and_return();
  void kill();
  void freeze();
  void lose_power();
  void cut();

  /// Seconds from `since` until `reached`, looked at every `step`; infinite when not within 60 s.
  double until(TimePoint since, const std::function<bool()>& reached, Duration step = 5ms);
  /// The same until the herd is whole and complete agents know all containers again.
  double until_whole(TimePoint since);
  void add(std::string what, double measured, double bound);
  void add_costs(const Spent& before, double divisor, const std::string& of);
  std::size_t any() { return 1 + random_.below(herd_.size()); }
  /// A few of the herd, none twice, never all.
  std::vector<std::size_t> some(std::size_t count);

  ScaleHerd herd_;
  RandomSource random_;
  Figures figures_;
};

ScaleSettings Run::settings(std::size_t agents, std::size_t containers_each) {
  ScaleSettings settings;
  settings.agents = agents;
  settings.containers_each = containers_each;
  const std::size_t all = std::max<std::size_t>(agents * containers_each, 1);
  settings.complete = std::clamp<std::size_t>(most_entries / all, 2, agents);
  settings.seed = agents;
  return settings;
}

void Run::add(std::string what, double measured, double bound) {
  figures_.times.emplace_back(std::move(what), measured, bound);
  std::fprintf(stderr, "  %zu agents: %s %.3f s\n", figures_.agents,
               figures_.times.back().what.c_str(), measured);
}

void Run::add_costs(const Spent& before, double divisor, const std::string& of) {
  const Spent after = herd_.spent();
  const auto agents = static_cast<double>(herd_.size());
  const double of_all = agents * divisor;
  const double of_complete = static_cast<double>(herd_.complete()) * divisor;
  figures_.costs.emplace_back("messages " + of, (after.messages - before.messages) / of_all);
  figures_.costs.emplace_back("bytes " + of, (after.bytes - before.bytes) / of_all);
  figures_.costs.emplace_back("CPU ms " + of, 1e3 * (after.cpu - before.cpu) / of_complete);
}

double Run::until(TimePoint since, const std::function<bool()>& reached, Duration step) {
  const TimePoint limit = herd_.time.now() + 60s;
  while (!reached()) {
    if (herd_.time.now() >= limit) return INFINITY;
    herd_.time.run_for(step);
  }
  return seconds(herd_.time.now() - since);
}

double Run::until_whole(TimePoint since) {
  until(since, [this] { return herd_.whole(); });
  // Dear to ask: looked at only once all see all.
  const double taken = until(
      since, [this] { return herd_.exactly_whole() && herd_.directories_are_right(); }, 20ms);
  if (!std::isfinite(taken)) {
    std::fprintf(stderr, "  wrong: %s\n", herd_.wrong_in_directories().c_str());
  }
  return taken;
}

std::vector<std::size_t> Run::some(std::size_t count) {
  std::set<std::size_t> chosen;
  while (chosen.size() < std::min(count, herd_.size() - 1)) chosen.insert(any());
  return {chosen.begin(), chosen.end()};
}

Figures Run::measure() {
  const auto begun = std::chrono::steady_clock::now();
  form();
  idle();
  change_containers();
  stall();
  leave_and_return();
  kill();
  freeze();
  lose_power();
  cut();
  figures_.megabytes = static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd) / 1048576.0;
  const std::chrono::duration<double> real = std::chrono::steady_clock::now() - begun;
  figures_.real_seconds = real.count();
  return std::move(figures_);
}

void Run::form() {
  const Spent before = herd_.spent();
  herd_.start_all(1s);
  const TimePoint last_start = herd_.time.now();
  add("full view after the last start", until_whole(last_start), 2);
  add_costs(before, 1, "to join");
}

void Run::idle() {
  herd_.time.run_for(5s);
  const Spent before = herd_.spent();
  herd_.time.run_for(20s);
  add_costs(before, 20, "a second, idle");
}

/// Containers come and go beside agents anywhere, one after the other.
void Run::change_containers() {
  constexpr int changes = 40;
  const Spent before = herd_.spent();
  const TimePoint begun = herd_.time.now();
  double slowest = 0;
  for (int i = 0; i < changes / 2; ++i) {
    SimHost& host = herd_.host(any());
    const std::string name = "churn-" + std::to_string(i);
    const auto made = host.daemon().create(name, "busybox", herd_.wall_now());
    herd_.time.touch(host.process().context());
    const auto shown = [&](bool there) {
      return until(
          herd_.time.now(), [&] { return herd_.all_know(*made, there); }, 1ms);
    };
    slowest = std::max(slowest, shown(true));
    herd_.time.run_for(random_.between(0ms, 100ms));
    host.daemon().remove(*made, herd_.wall_now());
    herd_.time.touch(host.process().context());
    slowest = std::max(slowest, shown(false));
  }
  add("a container's coming or going known", slowest, 0.05);
  herd_.time.run_until(begun + 20s);  // As long as the idle phase, whose costs are in it.
  add_costs(before, 1, "for 20 s with 40 changes in the herd");
}

/// On average each agent stalls once in 20 s, for up to 300 ms: a busy machine.
void Run::stall() {
  const TimePoint end = herd_.time.now() + 20s;
  const Duration between = Duration(20s) / static_cast<int>(herd_.size());
  double lost = 0;
  while (herd_.time.now() < end) {
    SimHost& host = herd_.host(any());
    if (!host.frozen()) {
      host.set_frozen(true);
      herd_.time.after(
          random_.between(50ms, 300ms), [&host] { host.set_frozen(false); },
          fakes::VirtualTime::Touches::none);
    }
    herd_.time.run_for(between);
    if (random_.chance(0.1)) lost += static_cast<double>(herd_.members_missing());
  }
  herd_.time.run_for(1s);
  lost += static_cast<double>(herd_.members_missing());
  figures_.times.emplace_back("agents lost wrongly in 20 s of stalls", lost, 0);
}

void Run::leave_and_return() {
  const auto chosen = some(std::max<std::size_t>(1, herd_.size() / 20));
  std::vector<NodeId> gone;
  const TimePoint left = herd_.time.now();
  for (const std::size_t number : chosen) {
    gone.push_back(herd_.host(number).process().id());
    herd_.host(number).stop_agent(nullptr);
  }
  add("goodbyes of 5 % known", until(left, [&] { return herd_.lost_by_all(gone); }), 0.5);
  herd_.time.run_for(3s);
  for (const std::size_t number : chosen) herd_.start(number);
  add("whole after their return", until_whole(herd_.time.now()), 2);
}

void Run::kill() {
  SimHost& host = herd_.host(any());
  const NodeId id = host.process().id();
  const TimePoint ended = herd_.time.now();
  host.end_agent(Ending::killed);
  add("kill -9 noticed by all", until(ended, [&] { return herd_.lost_by_all({id}); }), 0.5);
  herd_.time.run_for(2s);
  herd_.start(static_cast<std::size_t>(host.number()));
  add("whole after its restart", until_whole(herd_.time.now()), 2);
}

void Run::freeze() {
  SimHost& host = herd_.host(any());
  const NodeId id = host.process().id();
  const TimePoint frozen = herd_.time.now();
  host.set_frozen(true);
  add("frozen agent noticed by all", until(frozen, [&] { return herd_.lost_by_all({id}); }), 2);
  herd_.time.run_for(5s);
  host.set_frozen(false);
  add("whole after it thaws", until_whole(herd_.time.now()), 2);
}

/// Of a tenth of the hosts at once.
void Run::lose_power() {
  const auto chosen = some(std::max<std::size_t>(1, herd_.size() / 10));
  std::vector<NodeId> gone;
  const TimePoint dark = herd_.time.now();
  for (const std::size_t number : chosen) {
    gone.push_back(herd_.host(number).process().id());
    herd_.host(number).end_agent(Ending::power_off);
  }
  add("power cut of 10 % noticed by all", until(dark, [&] { return herd_.lost_by_all(gone); }), 2);
  herd_.time.run_for(5s);
  for (const std::size_t number : chosen) herd_.start(number);
  add("whole after their return from it", until_whole(herd_.time.now()), 2);
}

void Run::cut() {
  SimHost& host = herd_.host(any());
  const NodeId id = host.process().id();
  const TimePoint cut = herd_.time.now();
  herd_.network.unplug(host.number());
  add("cut link noticed by all others", until(cut, [&] { return herd_.lost_by_all({id}); }), 2);
  herd_.time.run_until(cut + 40s);
  herd_.network.plug_in(host.number());
  add("whole after a cut of 40 s", until_whole(herd_.time.now()), 2);
}

// ---- what is printed

void print_times(const std::vector<Figures>& all) {
  std::printf("\n%-40s %8s", "seconds of virtual time", "bound");
  for (const Figures& each : all) std::printf(" %14zu", each.agents);
  for (std::size_t row = 0; row < all.front().times.size(); ++row) {
    const Timed& first = all.front().times[row];
    std::printf("\n%-40s %8.2f", first.what.c_str(), first.bound);
    for (const Figures& each : all) {
      const Timed& timed = each.times[row];
      std::printf(" %9.3f %s", timed.value, timed.kept() ? "PASS" : "NO  ");
    }
  }
}

/// The power of the number of peers by which a cost grows from one size to another: 1 is linear.
double power(const Figures& small, const Figures& large, std::size_t row) {
  const double low = small.costs[row].value;
  const double high = large.costs[row].value;
  if (low <= 0 || high <= 0) return 0;
  return std::log(high / low) / std::log(double(large.agents - 1) / double(small.agents - 1));
}

void print_costs(const std::vector<Figures>& all) {
  std::printf("\n\n%-49s", "of one agent");
  for (const Figures& each : all) std::printf(" %14zu", each.agents);
  if (all.size() > 1) std::printf("   grows by power, largest two");
  for (std::size_t row = 0; row < all.front().costs.size(); ++row) {
    std::printf("\n%-49s", all.front().costs[row].what.c_str());
    for (const Figures& each : all) std::printf(" %14.4g", each.costs[row].value);
    if (all.size() > 1) std::printf("   %.2f", power(all[all.size() - 2], all.back(), row));
  }
  const auto line = [&](const char* name, auto value) {
    std::printf("\n%-49s", name);
    for (const Figures& each : all) std::printf(" %14.0f", static_cast<double>(value(each)));
  };
  std::printf("\n\n%-49s", "the herd");
  for (const Figures& each : all) std::printf(" %14zu", each.agents);
  line("containers", [](const Figures& each) { return each.containers; });
  line("agents that hear of all containers", [](const Figures& each) { return each.complete; });
  line("memory of the simulation, MB", [](const Figures& each) { return each.megabytes; });
  line("real seconds", [](const Figures& each) { return each.real_seconds; });
  std::printf("\n");
}

json to_json(const Figures& figures) {
  json times = json::array();
  for (const Timed& each : figures.times) {
    // JSON has no infinity: what did not happen has no time.
    const json value = std::isfinite(each.value) ? json(each.value) : json();
    times.push_back(
        json{{"what", each.what}, {"value", value}, {"bound", each.bound}, {"kept", each.kept()}});
  }
  json costs = json::object();
  for (const Cost& each : figures.costs) costs[each.what] = each.value;
  return json{{"agents", figures.agents},
              {"containers", figures.containers},
              {"complete", figures.complete},
              {"times", std::move(times)},
              {"costs", std::move(costs)},
              {"megabytes", figures.megabytes},
              {"real_seconds", figures.real_seconds}};
}

int measure_all(const std::vector<std::size_t>& sizes, std::size_t each, const std::string& file) {
  std::vector<Figures> all;
  json document = json::array();
  bool kept = true;
  for (const std::size_t size : sizes) {
    all.push_back(Run(size, each).measure());
    malloc_trim(0);
    document.push_back(to_json(all.back()));
    for (const Timed& timed : all.back().times) kept = kept && timed.kept();
  }
  print_times(all);
  print_costs(all);
  if (!file.empty()) std::ofstream(file) << dump_json(document) << "\n";
  return kept ? 0 : 1;
}

}  // namespace
}  // namespace dockherd::sim

int main(int argc, char** argv) {
  CLI::App app("How a herd scales, on virtual time");
  std::string file;
  std::vector<std::size_t> sizes{10, 50, 200, 1000};
  std::size_t each = 100;
  app.add_option("--json", file, "Writes the figures to this file, too");
  app.add_option("--containers", each, "Beside each agent; default: 100");
  app.add_option("sizes", sizes, "Numbers of agents")->check(CLI::Range(3, 1000));
  CLI11_PARSE(app, argc, argv);
  dockherd::LogSettings logging;
  logging.level = "off";
  dockherd::configure_logging(logging).value();
  return dockherd::sim::measure_all(sizes, each, file);
}
