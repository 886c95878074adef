// Bytes written by hand, as the protocol's documents show them.
#pragma once

#include <cctype>
#include <random>
#include <string>
#include <string_view>

namespace dockherd::bus {

/// "AA A1 01" -> three bytes.
inline std::string bytes(std::string_view hex_digits) {
  std::string made;
  int high = -1;
  for (const char c : hex_digits) {
    if (!std::isxdigit(static_cast<unsigned char>(c))) continue;
    const int digit = std::isdigit(static_cast<unsigned char>(c))
                          ? c - '0'
                          : std::toupper(static_cast<unsigned char>(c)) - 'A' + 10;
    if (high < 0) {
      high = digit;
    } else {
      made += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  return made;
}

inline std::string hex(std::string_view raw) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : raw) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

/// A copy with a few bytes changed, cut off, doubled or inserted.
inline std::string mutated(std::string text, std::mt19937_64& random) {
  const auto below = [&random](std::size_t n) { return n == 0 ? 0 : random() % n; };
  for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
    const std::size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, 1 + below(8));
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(random()));
        break;
      default:
        text.insert(at, text.substr(below(text.size() + 1), below(16)));
        break;
    }
  }
  return text;
}

}  // namespace dockherd::bus
