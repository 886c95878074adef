// What another agent may say of itself.
#include "agent/node_table.hpp"
#include "tests/fuzz/fuzz_target.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dockherd;
  const auto status = agent::decode_status(std::string(fuzz::text_of(data, size)));
  if (!status) {
    fuzz::require(!status.error().message.empty());
    return 0;
  }
  fuzz::require(!status->hostname.empty() && !status->state().empty());
  const auto again = agent::decode_status(agent::encode_status(*status));
  fuzz::require(again && *again == *status);
  return 0;
}
