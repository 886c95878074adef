#include "engine_api/network_id.hpp"

#include <cstdint>

#include "base/fnv1a.hpp"
#include "base/json_reader.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t id_length = 64;

/// FNV-1a leaves the first hex_digits of names alike that differ in their last letters, and users
/// type the first hex_digits. Steele, Lea and Flood's finisher (SplitMix64) changes them all.
std::uint64_t mixed(std::uint64_t hash) {
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

}  // namespace

std::string herd_network_id(std::string_view name) {
  std::string id;
  std::uint64_t hash = fnv1a_start;
  for (const std::string_view salt : {"0", "1", "2", "3"}) {
    hash = fnv1a(fnv1a(hash, salt), name);
    const std::uint64_t word = mixed(hash);
    for (int shift = 60; shift >= 0; shift -= 4) id += hex_digits[(word >> shift) & 0xf];
  }
  return id;
}

std::string with_herd_network_id(std::string_view network) {
  auto object = ObjectText::sliced(network);
  const auto name = object ? string_of(object->find("Name")) : std::nullopt;
  if (!name || object->find("Id").empty()) return std::string(network);
  object->set("Id", quote_json(herd_network_id(*name)));
  return object->text();
}

bool looks_like_network_id(std::string_view reference) {
  return !reference.empty() && reference.size() <= id_length &&
         reference.find_first_not_of(hex_digits) == std::string_view::npos;
}

}  // namespace dockherd::engine_api
