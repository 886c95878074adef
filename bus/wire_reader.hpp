// Big-endian fields of ZRE and zgossip frames, read with every bound checked and written in order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dockherd::bus {

/// Reads fields one after the other. After the first one that does not fit, ok() is false and
/// every further read gives an empty value, so that callers check once, at the end.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return rest_.size(); }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return number(4); }
  /// u8 length, then bytes.
  std::string_view short_string() { return bytes(u8()); }
  /// u32 length, then bytes.
  std::string_view long_string() { return bytes(u32()); }

  std::string_view bytes(std::size_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

 private:
  std::uint32_t number(std::size_t width) {
    std::uint32_t value = 0;
    for (const char byte : bytes(width)) value = (value << 8) | static_cast<std::uint8_t>(byte);
    return value;
  }

  std::string_view rest_;
  bool ok_ = true;
};

/// Appends fields to a frame.
class WireWriter {
 public:
  explicit WireWriter(std::size_t expected_bytes) { bytes_.reserve(expected_bytes); }

  void u8(std::uint8_t value) { bytes_ += static_cast<char>(value); }
  void u16(std::uint16_t value) { number(value, 2); }
  void u32(std::uint32_t value) { number(value, 4); }
  /// Cut at 255 bytes, the most that the length can say.
  void short_string(std::string_view text) {
    text = text.substr(0, 255);
    u8(static_cast<std::uint8_t>(text.size()));
    bytes_ += text;
  }
  void long_string(std::string_view text) {
    u32(static_cast<std::uint32_t>(text.size()));
    bytes_ += text;
  }
  void raw(std::string_view bytes) { bytes_ += bytes; }

  std::string take() { return std::move(bytes_); }

 private:
  void number(std::uint32_t value, int width) {
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) {
      bytes_ += static_cast<char>((value >> shift) & 0xff);
    }
  }

  std::string bytes_;
};

}  // namespace dockherd::bus
