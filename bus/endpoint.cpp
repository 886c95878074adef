#include "bus/endpoint.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace dockherd::bus {

namespace {

constexpr std::string_view scheme = "tcp://";

/// Takes a decimal number and the separator after it off the front; -1 when there is none such.
int take_number(std::string_view& text, char separator, int high) {
  const auto end = separator == '\0' ? text.size() : text.find(separator);
  if (end == std::string_view::npos || end == 0 || end > 5) return -1;
  int number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + end, number);
  if (error != std::errc() || stop != text.data() + end || number < 0 || number > high) return -1;
  text.remove_prefix(separator == '\0' ? end : end + 1);
  return number;
}

}  // namespace

bool is_usable_endpoint(std::string_view endpoint) {
  if (!endpoint.starts_with(scheme)) return false;
  std::string_view rest = endpoint.substr(scheme.size());
  const int first = take_number(rest, '.', 255);
  const int second = take_number(rest, '.', 255);
  const int third = take_number(rest, '.', 255);
  const int fourth = take_number(rest, ':', 255);
  const int port = take_number(rest, '\0', 65'535);
  // 0.x means "any" or "this network", from 224 on are multicast, reserved and broadcast.
  return first > 0 && first < 224 && second >= 0 && third >= 0 && fourth >= 0 && port > 0;
}

std::string with_address(std::string_view endpoint, std::string_view address) {
  const auto colon = endpoint.rfind(':');
  if (!endpoint.starts_with(scheme) || colon < scheme.size()) return {};
  const std::string_view name = endpoint.substr(scheme.size(), colon - scheme.size());
  const bool has_letter =
      std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
  std::string made = std::string(scheme).append(address).append(endpoint.substr(colon));
  return has_letter && is_usable_endpoint(made) ? made : std::string();
}

}  // namespace dockherd::bus
