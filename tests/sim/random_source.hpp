// Random choices that are the same on every machine: the standard distributions are not.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "base/clock.hpp"

namespace dockherd::sim {

class RandomSource {
 public:
  explicit RandomSource(std::uint64_t seed) : generator_(seed) {}

  /// 0 to `end` - 1; `end` is at least 1.
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(generator_() % end); }
  /// Both included.
  int between(int low, int high) {
    return low + static_cast<int>(below(static_cast<std::size_t>(high - low + 1)));
  }
  Duration between(Duration low, Duration high) {
    const auto span = static_cast<std::uint64_t>((high - low).count());
    return low + Duration(static_cast<Duration::rep>(generator_() % (span + 1)));
  }
  bool chance(double probability) {
    return static_cast<double>(generator_() >> 11) * 0x1.0p-53 < probability;
  }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  std::uint64_t draw() { return generator_(); }
  std::mt19937_64& generator() { return generator_; }

 private:
  std::mt19937_64 generator_;
};

}  // namespace dockherd::sim
