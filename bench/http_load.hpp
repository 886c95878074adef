// What the ways of asking share: options, the threads of the clients, and the one line that is
// printed. Must not know HTTP.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace dockherd::bench {

using Clock = std::chrono::steady_clock;

struct Options {
  std::vector<std::string> targets;
  std::string method = "GET";
  std::vector<std::string> paths = {"/"};
  std::string body;
  std::string upload;  // A file.
  unsigned clients = 1;
  unsigned requests = 1000;  // In all.
  unsigned warm_up = 20;     // Per client, not counted.
  std::uint16_t listen = 0;
};

struct Tally {
  std::vector<double> microseconds;
  std::size_t bytes = 0;
  unsigned refused = 0;  // See is_refusal().
  int last_refusal = 0;  // Its status.

  void count(int status);
};

inline double microseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

void print(std::vector<Tally>& tallies, double seconds);

/// Runs `one(client, tally)` in a thread per client, and returns the seconds that all took.
template <typename One>
double run_clients(std::vector<Tally>& tallies, One one) {
  std::vector<std::jthread> threads;
  const auto begin = Clock::now();
  for (unsigned i = 0; i < tallies.size(); ++i) {
    threads.emplace_back([&, i] {
      try {
        one(i, tallies[i]);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "http_load: %s\n", error.what());
        std::_Exit(1);
      }
    });
  }
  threads.clear();
  return microseconds_since(begin) / 1e6;
}

/// Of a container or an exec, in the daemon's answer to its creation.
std::string id_in(const std::string& created);

// Of http_streams.cpp: see the head of http_load.cpp.
void stream(const Options& options);
void first_byte(const Options& options);
void exec(const Options& options);

}  // namespace dockherd::bench
