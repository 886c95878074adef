// FNV-1a, 64 bits: a hash that is the same on every machine and in every program (docs/bus.md).
// Not against adversaries.
#pragma once

#include <cstdint>
#include <string_view>

namespace dockherd {

inline constexpr std::uint64_t fnv1a_start = 0xcbf29ce484222325ULL;

/// Of `bytes`, going on from `hash`.
constexpr std::uint64_t fnv1a(std::uint64_t hash, std::string_view bytes) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace dockherd
