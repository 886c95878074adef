// Codecs of the bus: one message in, or one out.
#include <benchmark/benchmark.h>

#include "bus/envelope.hpp"
#include "bus/zre_codec.hpp"

namespace dockherd::bus {
namespace {

ZreMessage hello(int groups) {
  ZreMessage message;
  message.kind = ZreKind::hello;
  message.sequence = 1;
  message.endpoint = "tcp://10.0.0.11:49152";
  message.name = "host1";
  message.headers = {{"X-HTTP", "10.0.0.11:8080"}, {"X-VERSION", "0.1.0"}};
  for (int i = 0; i < groups; ++i) {
    std::string id = std::to_string(i);
    message.groups.push_back(id.insert(0, 64 - id.size(), 'a'));
  }
  return message;
}

void zre_encode_hello(benchmark::State& state) {
  const ZreMessage message = hello(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(encode_zre(message));
}
BENCHMARK(zre_encode_hello)->Arg(3)->Arg(200);

void zre_decode_hello(benchmark::State& state) {
  const std::string frame = encode_zre(hello(static_cast<int>(state.range(0))));
  for (auto _ : state) benchmark::DoNotOptimize(decode_zre(frame));
}
BENCHMARK(zre_decode_hello)->Arg(3)->Arg(200);

void zre_decode_whisper(benchmark::State& state) {
  ZreMessage message;
  message.kind = ZreKind::whisper;
  const std::string frame = encode_zre(message);
  for (auto _ : state) benchmark::DoNotOptimize(decode_zre(frame));
}
BENCHMARK(zre_decode_whisper);

/// An object with members of the lengths that Docker's have.
std::string body_of(std::size_t bytes) {
  std::string body = R"({"statusCode":200,"Response":{"Body":[)";
  while (body.size() < bytes) {
    body += R"({"Name":"/web-1","Size":123456,"Paused":false,"Labels":{"template":"web"}},)";
  }
  body.back() = ']';
  return body + "}}";
}

void envelope_encode_request(benchmark::State& state) {
  RequestEnvelope request;
  request.id = "123456789012345";
  request.local = true;
  request.body = body_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(encode_request(request));
}
BENCHMARK(envelope_encode_request)->Arg(64)->Arg(4096);

void envelope_decode_request(benchmark::State& state) {
  RequestEnvelope request;
  request.id = "123456789012345";
  request.local = true;
  request.body = body_of(static_cast<std::size_t>(state.range(0)));
  const std::string text = encode_request(request);
  for (auto _ : state) benchmark::DoNotOptimize(decode_envelope(text));
}
BENCHMARK(envelope_decode_request)->Arg(64)->Arg(4096);

void envelope_decode_reply(benchmark::State& state) {
  ReplyEnvelope reply;
  reply.id = "123456789012345";
  reply.body = body_of(static_cast<std::size_t>(state.range(0)));
  const std::string text = encode_reply(reply);
  for (auto _ : state) benchmark::DoNotOptimize(decode_envelope(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(envelope_decode_reply)->Arg(64)->Arg(4096)->Arg(262144);

}  // namespace
}  // namespace dockherd::bus
