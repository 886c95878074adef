// Identifiers as distinct types, so that a container's id cannot be passed where a node's is meant.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace dockherd {

/// A node's UUID: made anew at each start of an agent (ZRE, RFC 36). Ordered by its bytes.
class NodeId {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  constexpr NodeId() = default;
  explicit constexpr NodeId(const Bytes& bytes) : bytes_(bytes) {}

  /// 32 hexadecimal digits, either case.
  static std::optional<NodeId> from_hex(std::string_view hex);
  /// 16 raw bytes.
  static std::optional<NodeId> from_bytes(std::string_view raw);
  static NodeId random(std::mt19937_64& generator);

  const Bytes& bytes() const { return bytes_; }
  std::string_view raw() const { return {reinterpret_cast<const char*>(bytes_.data()), 16}; }
  /// 32 upper-case digits, as gossip tuples carry it.
  std::string hex() const;
  /// The first 6 digits, for logs.
  std::string short_hex() const { return hex().substr(0, 6); }

  auto operator<=>(const NodeId&) const = default;

 private:
  Bytes bytes_{};
};

/// A 64-bit random number as 16 lower-case hexadecimal digits: request and bulk ids.
std::string random_token(std::mt19937_64& generator);

/// A generator seeded by the operating system. Simulation seeds its own.
std::mt19937_64 make_random_generator();

/// True for 1 to 64 lower-case hexadecimal digits: what may be a container id or a prefix of one.
bool looks_like_container_id(std::string_view text);

}  // namespace dockherd

template <>
struct std::hash<dockherd::NodeId> {
  std::size_t operator()(const dockherd::NodeId& id) const noexcept {
    return std::hash<std::string_view>{}(id.raw());
  }
};
