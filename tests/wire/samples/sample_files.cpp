#include "tests/wire/samples/sample_files.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace dockherd::wire {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t bytes_per_line = 32;

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0 && i % bytes_per_line == 0) text += '\n';
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += hex_digits[byte >> 4];
    text += hex_digits[byte & 15];
  }
  return text;
}

std::string from_hex(std::string_view text) {
  std::string bytes;
  int high = -1;
  for (const char c : text) {
    const auto digit = hex_digits.find(c);
    if (digit == std::string_view::npos) continue;
    if (high < 0) {
      high = static_cast<int>(digit);
    } else {
      bytes += static_cast<char>(high * 16 + static_cast<int>(digit));
      high = -1;
    }
  }
  return bytes;
}

}  // namespace

Samples read_samples(std::string_view release) {
  const std::filesystem::path folder =
      std::filesystem::path(DOCKHERD_WIRE_SAMPLES) / std::string(release);
  Samples samples;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    std::ifstream file(entry.path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (is_json(name) && text.ends_with('\n')) text.pop_back();
    samples[name] = is_json(name) ? text : from_hex(text);
  }
  if (samples.empty()) throw std::runtime_error("no samples in " + folder.string());
  return samples;
}

void write_samples(const std::string& folder, const Samples& samples) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  for (const auto& [name, text] : samples) {
    std::ofstream file(std::filesystem::path(folder) / name, std::ios::binary);
    file << (is_json(name) ? text : to_hex(text)) << '\n';
    if (!file.flush()) throw std::runtime_error("cannot write " + name);
  }
}

std::string kind_of(const std::string& file_name) {
  return file_name.substr(0, file_name.find('.'));
}

bool is_json(const std::string& file_name) {
  return file_name.ends_with(".json");
}

}  // namespace dockherd::wire
