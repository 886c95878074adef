#include "bus/beacon_codec.hpp"
#include "tests/fuzz/fuzz_target.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dockherd;
  const auto text = fuzz::text_of(data, size);
  const auto decoded = bus::decode_beacon(text);
  if (decoded.kind == bus::BeaconKind::plain) {
    fuzz::require(bus::encode_beacon(decoded.beacon) == text);
  }
  return 0;
}
