#include "base/ids.hpp"

#include <algorithm>
#include <cstring>

namespace dockherd {

namespace {

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<NodeId> NodeId::from_hex(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  Bytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return NodeId(bytes);
}

std::optional<NodeId> NodeId::from_bytes(std::string_view raw) {
  if (raw.size() != 16) return std::nullopt;
  Bytes bytes{};
  std::memcpy(bytes.data(), raw.data(), raw.size());
  return NodeId(bytes);
}

NodeId NodeId::random(std::mt19937_64& generator) {
  Bytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    const std::uint64_t word = generator();
    std::memcpy(bytes.data() + i, &word, sizeof word);
  }
  return NodeId(bytes);
}

std::string NodeId::hex() const {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  text.reserve(32);
  for (const std::uint8_t byte : bytes_) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string random_token(std::mt19937_64& generator) {
  static constexpr char digits[] = "0123456789abcdef";
  std::uint64_t word = generator();
  std::string text(16, '0');
  for (char& digit : text) {
    digit = digits[word & 15];
    word >>= 4;
  }
  return text;
}

std::mt19937_64 make_random_generator() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

bool looks_like_container_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

}  // namespace dockherd
