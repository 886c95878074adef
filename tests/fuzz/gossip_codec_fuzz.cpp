#include "bus/gossip_codec.hpp"
#include "tests/fuzz/fuzz_target.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dockherd;
  const auto text = fuzz::text_of(data, size);
  const auto message = bus::decode_gossip(text);
  if (!message) return 0;
  fuzz::require(bus::encode_gossip(*message) == text);
  if (const auto tuple = bus::to_tuple(*message)) {
    fuzz::require(bus::to_tuple(bus::to_publish(*tuple)) == tuple);
  }
  return 0;
}
