// Who owns which container: the agent's directory and the bus's address table, at the size of a
// herd. 200 containers a host.
#include <benchmark/benchmark.h>

#include "agent/container_directory.hpp"
#include "bus/address_table.hpp"

namespace dockherd {
namespace {

constexpr std::size_t per_host = 200;

std::vector<std::string> container_ids(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back(random_token(random) + random_token(random) + random_token(random) +
                  random_token(random));
  }
  return ids;
}

std::vector<NodeId> node_ids(std::size_t count) {
  std::mt19937_64 random(2);
  std::vector<NodeId> nodes;
  for (std::size_t i = 0; i < count; ++i) nodes.push_back(NodeId::random(random));
  return nodes;
}

std::string name_of(std::size_t number) {
  return "web-" + std::to_string(number);
}

agent::ContainerDirectory directory_of(const std::vector<std::string>& ids) {
  const auto nodes = node_ids(ids.size() / per_host);
  agent::ContainerDirectory directory(nodes.front());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    directory.put(nodes[i % nodes.size()], ids[i], {name_of(i)});
  }
  return directory;
}

enum class By { id, prefix, name };

template <By by>
void directory_resolve(benchmark::State& state) {
  const auto ids = container_ids(static_cast<std::size_t>(state.range(0)));
  const agent::ContainerDirectory directory = directory_of(ids);
  std::size_t at = 0;
  for (auto _ : state) {
    at = (at + 7919) % ids.size();
    const std::string wanted = by == By::id       ? ids[at]
                               : by == By::prefix ? ids[at].substr(0, 12)
                                                  : name_of(at);
    const auto found = directory.resolve(wanted);
    if (!found.found()) state.SkipWithError("a container was not found");
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(directory_resolve<By::id>)->Arg(10'000)->Arg(100'000);
BENCHMARK(directory_resolve<By::prefix>)->Arg(10'000)->Arg(100'000);
BENCHMARK(directory_resolve<By::name>)->Arg(10'000)->Arg(100'000);

void directory_put_and_remove(benchmark::State& state) {
  const auto ids = container_ids(static_cast<std::size_t>(state.range(0)) + 1);
  const auto node = node_ids(1).front();
  agent::ContainerDirectory directory = directory_of({ids.begin(), ids.end() - 1});
  for (auto _ : state) {
    directory.put(node, ids.back(), {"other"});
    directory.remove(node, ids.back());
  }
}
BENCHMARK(directory_put_and_remove)->Arg(10'000)->Arg(100'000);

void address_table_members(benchmark::State& state) {
  const auto ids = container_ids(static_cast<std::size_t>(state.range(0)));
  const auto nodes = node_ids(ids.size() / per_host);
  bus::AddressTable table;
  for (std::size_t i = 0; i < ids.size(); ++i) table.join(ids[i], nodes[i % nodes.size()]);
  std::size_t at = 0;
  for (auto _ : state) {
    at = (at + 7919) % ids.size();
    benchmark::DoNotOptimize(table.members(ids[at]));
  }
}
BENCHMARK(address_table_members)->Arg(10'000)->Arg(100'000);

/// A peer with all its containers is lost and comes back.
void address_table_lose_and_rejoin(benchmark::State& state) {
  const auto ids = container_ids(static_cast<std::size_t>(state.range(0)));
  const auto nodes = node_ids(ids.size() / per_host);
  bus::AddressTable table;
  for (std::size_t i = 0; i < ids.size(); ++i) table.join(ids[i], nodes[i % nodes.size()]);
  for (auto _ : state) {
    table.remove(nodes.front());
    for (std::size_t i = 0; i < ids.size(); i += nodes.size()) table.join(ids[i], nodes.front());
  }
}
BENCHMARK(address_table_lose_and_rejoin)->Arg(10'000)->Arg(100'000);

}  // namespace
}  // namespace dockherd
