// The herd's key: one secret that every agent of a herd has, kept in a czmq certificate file
// (zcert). Everything that proves membership is derived from it; the secret itself is sent nowhere.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace dockherd::trust {

/// 32 bytes that only holders of the key can compute.
using Secret = std::array<std::uint8_t, 32>;

class HerdKey {
 public:
  /// A new one, from the system's random numbers.
  static HerdKey generate();
  /// From a zcert file with its secret key. errc::bad_config when it is not one, or when others
  /// than its owner may read it.
  static Result<HerdKey> load(const std::filesystem::path& file);
  /// Writes a zcert file with mode 0600. errc::bad_config when it exists already or cannot be
  /// written.
  Result<void> save(const std::filesystem::path& file) const;

  /// HMAC-SHA256 over the purpose ("bus server", "http") and what it is bound to.
  Secret derive(std::string_view purpose, std::string_view bound_to = {}) const;
  /// The first 8 hexadecimal digits of a derived secret: tells keys apart, in logs and files.
  std::string id() const;

  bool operator==(const HerdKey&) const = default;

 private:
  explicit HerdKey(const Secret& secret) : secret_(secret) {}

  Secret secret_{};
};

/// The keys that an agent goes by; empty: none. The first is its own, with which it serves; with
/// the others it also calls those that still have, or already have, another first one (rotation).
using HerdKeys = std::vector<HerdKey>;

}  // namespace dockherd::trust
