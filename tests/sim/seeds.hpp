// Which seeds a run of the tests is about.
//   DOCKHERD_SIM_COUNT=N   how many (default 200), shared out among the kinds of runs
//   DOCKHERD_SIM_FIRST=N   from which on (default 1)
//   DOCKHERD_SIM_SEED=N    only this one, by every kind
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace dockherd::sim {

inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Of `each` seeds the one with that remainder; a single one is everybody's.
inline std::vector<std::uint64_t> seeds_to_run(std::uint64_t each, std::uint64_t remainder) {
  if (const auto only = number_from_environment("DOCKHERD_SIM_SEED", 0); only != 0) return {only};
  const auto first = number_from_environment("DOCKHERD_SIM_FIRST", 1);
  const auto count = number_from_environment("DOCKHERD_SIM_COUNT", 200);
  if (count == 1) return {first};
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    if (seed % each == remainder) seeds.push_back(seed);
  }
  return seeds;
}

}  // namespace dockherd::sim
