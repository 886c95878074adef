#include "bus/zre_codec.hpp"
#include "tests/fuzz/fuzz_target.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dockherd;
  const auto message = bus::decode_zre(fuzz::text_of(data, size));
  if (!message) return 0;
  const auto again = bus::decode_zre(bus::encode_zre(*message));
  fuzz::require(again && *again == *message);
  return 0;
}
