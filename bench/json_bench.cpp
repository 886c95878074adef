// JSON on the ways that users take: a verb in, a daemon's list in, the herd's list out.
#include <benchmark/benchmark.h>

#include "agent/herd_lists.hpp"
#include "agent/replies.hpp"
#include "agent/verbs.hpp"
#include "docker_client/docker_codec.hpp"

namespace dockherd::agent {
namespace {

/// An entry as dockerd 20.10 writes it, some 900 bytes.
std::string list_entry(std::size_t number) {
  std::string id = std::to_string(number);
  id.insert(0, 64 - id.size(), 'a');
  return R"({"Id":")" + id + R"(","Names":["/web-)" + std::to_string(number) +
         R"("],"Image":"busybox","ImageID":"sha256:)" + id +
         R"(","Command":"sleep 3600","Created":1700000000,"Ports":[{"IP":"0.0.0.0",)"
         R"("PrivatePort":80,"PublicPort":8080,"Type":"tcp"}],"Labels":{"dockherd.template":"web",)"
         R"("dockherd.bulk":"0123456789abcdef"},"State":"running","Status":"Up 2 minutes",)"
         R"("HostConfig":{"NetworkMode":"default"},"NetworkSettings":{"Networks":{"bridge":)"
         R"({"IPAMConfig":null,"Links":null,"Aliases":null,"NetworkID":")" +
         id + R"(","EndpointID":")" + id +
         R"(","Gateway":"172.17.0.1","IPAddress":"172.17.0.2","IPPrefixLen":16,"IPv6Gateway":"",)"
         R"("GlobalIPv6Address":"","GlobalIPv6PrefixLen":0,"MacAddress":"02:42:ac:11:00:02",)"
         R"("DriverOpts":null}}},"Mounts":[]})";
}

std::string list_of(std::size_t count) {
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(list_entry(i));
  return json_array(entries);
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void verb_decode_inspect(benchmark::State& state) {
  const std::string text = R"({"action":"inspect-container","id":")" + std::string(64, 'a') + "\"}";
  for (auto _ : state) benchmark::DoNotOptimize(decode_verb(text, VerbOrigin::client));
}
BENCHMARK(verb_decode_inspect);

void verb_decode_create(benchmark::State& state) {
  const std::string text =
      R"({"action":"create-container","instances":30,"start":true,"name":"web-{n}","body":)"
      R"({"Image":"busybox","Cmd":["sleep","3600"],"Env":["A=1","B=2"],)"
      R"("HostConfig":{"NetworkMode":"host","Memory":67108864}}})";
  for (auto _ : state) benchmark::DoNotOptimize(decode_verb(text, VerbOrigin::client));
}
BENCHMARK(verb_decode_create);

void daemon_list_decode(benchmark::State& state) {
  const std::string text = list_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(docker_client::decode_container_list(text));
  count_bytes(state, text.size());
}
BENCHMARK(daemon_list_decode)->Arg(50)->Arg(200);

void herd_list_merge(benchmark::State& state) {
  const std::string body = body_envelope(
      "host", with_instance(list_of(static_cast<std::size_t>(state.range(1))), "host"));
  std::mt19937_64 random(5);
  std::vector<NodeAnswer> answers;
  for (int i = 0; i < state.range(0); ++i) {
    answers.emplace_back(NodeId::random(random), "host" + std::to_string(i), bus::Reply(200, body));
  }
  ListVerb verb;
  verb.all = true;
  verb.shape = ListShape::flat;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const VerbReply merged = merge_lists(answers, {}, verb, "host", TimePoint());
    bytes = merged.body.size();
    benchmark::DoNotOptimize(merged);
  }
  count_bytes(state, bytes);
}
BENCHMARK(herd_list_merge)->Args({3, 50})->Args({50, 200})->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace dockherd::agent
