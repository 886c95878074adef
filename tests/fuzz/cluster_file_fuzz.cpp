// Any text as a cluster file: an error or a value, and what is accepted keeps its rules.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/resolve_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dockherd::agent;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cluster = parse_cluster_file(text, "cluster.yaml");
  if (!cluster) {
    if (cluster.error().message.rfind("cluster.yaml", 0) != 0) std::abort();
    return 0;
  }
  if (cluster->liveness.evasive >= cluster->liveness.expired) std::abort();
  if (!cluster->beacon && !cluster->gossip) std::abort();
  const auto config = merge_config({}, {}, *cluster, {"", "host"});
  if (config && !is_loopback(config->bus.bind_address)) std::abort();
  return 0;
}
