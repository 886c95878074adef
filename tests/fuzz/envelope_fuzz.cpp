#include "bus/envelope.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace {

using namespace dockherd;

/// What was accepted and written again reads the same.
void check(const bus::RequestEnvelope& request) {
  const auto again = bus::decode_envelope(bus::encode_request(request));
  const auto* same = std::get_if<bus::RequestEnvelope>(&again);
  fuzz::require(same != nullptr && same->body == request.body && same->one_of == request.one_of);
}

void check(const bus::ReplyEnvelope& reply) {
  const auto again = bus::decode_envelope(bus::encode_reply(reply));
  const auto* same = std::get_if<bus::ReplyEnvelope>(&again);
  fuzz::require(same != nullptr && same->body == reply.body && same->status == reply.status);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto envelope = bus::decode_envelope(fuzz::text_of(data, size));
  if (const auto* request = std::get_if<bus::RequestEnvelope>(&envelope)) check(*request);
  if (const auto* reply = std::get_if<bus::ReplyEnvelope>(&envelope)) check(*reply);
  if (const auto* fault = std::get_if<bus::EnvelopeFault>(&envelope)) {
    fuzz::require(!bus::error_body(fault->error).empty());
  }
  return 0;
}
