#include "agent/cluster_file.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/agent_config.hpp"
#include "agent/conf_file.hpp"
#include "agent/text_file.hpp"
#include "agent/yaml_reader.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t cluster_bytes = 1u << 20;
constexpr std::size_t seeds_limit = 1'024;
constexpr std::size_t interface_bytes = 15;  // IFNAMSIZ with its ending zero is 16.

Result<void> read_beacon(const YamlReader& discovery, ClusterFile& cluster) {
  auto beacon = discovery.mapping("beacon", {"enabled", "port", "interface"});
  if (!beacon) return beacon.error();
  auto enabled = beacon->boolean("enabled");
  if (!enabled) return enabled.error();
  cluster.beacon = enabled->value_or(!cluster.gossip || discovery.has("beacon"));
  auto port = beacon->integer("port", 1, 65'535);
  if (!port) return port.error();
  if (*port) cluster.beacon_port = static_cast<std::uint16_t>(**port);
  auto interface = beacon->string("interface");
  if (!interface) return interface.error();
  if (!*interface) return {};
  const std::string& name = **interface;
  const bool usable =
      parse_ip(name, IpVersion::four) ||
      (!name.empty() && name.size() <= interface_bytes && name.find_first_of("/: ") == name.npos);
  if (!usable || name == "*") {
    return beacon->wrong("interface", "the name or IPv4 address of one interface");
  }
  cluster.beacon_interface = std::move(*interface);
  return {};
}

/// `key` lists seeds: hosts whose gossip port listens.
Result<void> read_seeds(const YamlReader& reader, std::string_view key, ClusterFile& cluster) {
  auto list = reader.strings(key, seeds_limit);
  if (!list) return list.error();
  if (!*list) return {};
  for (const std::string& text : **list) {
    const auto seed = parse_host_port(text, default_gossip_port);
    if (!seed) {
      Error error = reader.wrong(key, "a list of \"HOST\" or \"HOST:PORT\"");
      error.message += " with " + quote_json(text);
      return error;
    }
    if (std::find(cluster.seeds.begin(), cluster.seeds.end(), *seed) == cluster.seeds.end()) {
      cluster.seeds.push_back(*seed);
    }
  }
  return {};
}

Result<void> read_gossip(const YamlReader& top, const YamlReader& discovery, ClusterFile& cluster) {
  auto gossip = discovery.mapping("gossip", {"enabled", "bind", "seeds"});
  if (!gossip) return gossip.error();
  auto enabled = gossip->boolean("enabled");
  if (!enabled) return enabled.error();
  auto bind = gossip->string("bind");
  if (!bind) return bind.error();
  if (*bind) {
    cluster.gossip_bind = parse_listen_address(**bind, IpVersion::four);
    if (!cluster.gossip_bind) {
      return gossip->wrong("bind",
                           "\"tcp://ADDRESS:PORT\", \"ADDRESS:PORT\" or \":PORT\" with an "
                           "IPv4 address or \"*\"");
    }
  }
  if (auto read = read_seeds(*gossip, "seeds", cluster); !read) return read.error();
  const std::size_t before = cluster.seeds.size();
  if (auto read = read_seeds(top, "members", cluster); !read) return read.error();
  cluster.members = cluster.seeds.size() - before;
  cluster.gossip = enabled->value_or(discovery.has("gossip") || top.has("members"));
  return {};
}

Result<void> read_discovery(const YamlReader& top, ClusterFile& cluster) {
  auto discovery = top.mapping("discovery", {"beacon", "gossip"});
  if (!discovery) return discovery.error();
  if (auto read = read_gossip(top, *discovery, cluster); !read) return read.error();
  if (auto read = read_beacon(*discovery, cluster); !read) return read.error();
  if (!cluster.beacon && !cluster.gossip) {
    return top.wrong("discovery", "by beacon, by gossip or by both, or no other host is found");
  }
  return {};
}

/// "49152-65535", or one port.
Result<void> read_port_range(const YamlReader& bus, ClusterFile& cluster) {
  auto ports = bus.string("ports");
  if (!ports) return ports.error();
  if (!*ports) return {};
  const std::string& text = **ports;
  const auto dash = text.find('-');
  cluster.first_port = parse_port(text.substr(0, dash));
  cluster.last_port =
      dash == std::string::npos ? cluster.first_port : parse_port(text.substr(dash + 1));
  if (!cluster.first_port || !cluster.last_port || *cluster.first_port > *cluster.last_port) {
    return bus.wrong("ports", "\"FIRST-LAST\" or one port, from 1 to 65535");
  }
  return {};
}

Result<void> read_bus(const YamlReader& top, ClusterFile& cluster) {
  auto bus = top.mapping("bus", {"bind", "ports", "advertise"});
  if (!bus) return bus.error();
  auto bind = bus->string("bind");
  if (!bind) return bind.error();
  if (*bind) {
    cluster.bus_bind = parse_ip(**bind, IpVersion::four);
    if (!cluster.bus_bind) return bus->wrong("bind", "an IPv4 address or \"*\"");
  }
  if (auto read = read_port_range(*bus, cluster); !read) return read.error();
  auto advertise = bus->string("advertise");
  if (!advertise) return advertise.error();
  if (!*advertise) return {};
  cluster.advertise = parse_ip(**advertise, IpVersion::four);
  if (!cluster.advertise || *cluster.advertise == "0.0.0.0") {
    return bus->wrong("advertise", "an IPv4 address that other hosts can reach");
  }
  return {};
}

Result<void> read_duration(const YamlReader& reader, std::string_view key, std::int64_t low_ms,
                           std::int64_t high_ms, Duration& into) {
  auto value = reader.integer(key, low_ms, high_ms);
  if (!value) return value.error();
  if (*value) into = std::chrono::milliseconds(**value);
  return {};
}

std::string milliseconds_text(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

/// `low_key` may not pass `high_key`; the one that the file gives is at fault, the low one of both.
Error out_of_order(const YamlReader& reader, std::string_view low_key, Duration low,
                   std::string_view relation, std::string_view high_key, Duration high) {
  if (reader.has(low_key) || !reader.has(high_key)) {
    return reader.wrong(low_key, std::string(relation) + " " + std::string(high_key) + " (" +
                                     milliseconds_text(high) + ")");
  }
  const std::string_view inverse = relation == "at most" ? "at least" : "more than";
  return reader.wrong(high_key, std::string(inverse) + " " + std::string(low_key) + " (" +
                                    milliseconds_text(low) + ")");
}

Result<void> check_liveness(const YamlReader& reader, const bus::LivenessSettings& liveness) {
  // A probe is answered, relayed or missed before the next begins.
  if (liveness.probe_timeout > liveness.probe_period) {
    return out_of_order(reader, "probe_timeout_ms", liveness.probe_timeout, "at most",
                        "probe_period_ms", liveness.probe_period);
  }
  // A peer is asked after the evasive time; it needs time left to answer.
  if (liveness.evasive >= liveness.expired) {
    return out_of_order(reader, "evasive_ms", liveness.evasive, "less than", "expired_ms",
                        liveness.expired);
  }
  return {};
}

Result<void> read_liveness(const YamlReader& top, bus::LivenessSettings& liveness) {
  auto reader = top.mapping("liveness", {"probe_period_ms", "probe_timeout_ms", "suspicion_ms",
                                         "indirect_probes", "evasive_ms", "expired_ms"});
  if (!reader) return reader.error();
  const struct {
    std::string_view key;
    std::int64_t low_ms;
    std::int64_t high_ms;
    Duration& into;
  } keys[] = {
      {"probe_period_ms", 50, 60'000, liveness.probe_period},
      {"probe_timeout_ms", 10, 60'000, liveness.probe_timeout},
      {"suspicion_ms", 50, 600'000, liveness.suspicion},
      {"evasive_ms", 100, 3'600'000, liveness.evasive},
      {"expired_ms", 200, 86'400'000, liveness.expired},
  };
  for (const auto& [key, low, high, into] : keys) {
    if (auto read = read_duration(*reader, key, low, high, into); !read) return read.error();
  }
  auto indirect = reader->integer("indirect_probes", 0, 16);
  if (!indirect) return indirect.error();
  if (*indirect) liveness.indirect_probes = static_cast<std::size_t>(**indirect);
  return check_liveness(*reader, liveness);
}

Result<ClusterFile> read_document(const YAML::Node& node, const std::string& file) {
  auto top = YamlReader::of(node, file, "", {"herd", "discovery", "members", "bus", "liveness"});
  if (!top) return top.error();
  ClusterFile cluster;
  cluster.file = file;
  auto herd = top->string("herd");
  if (!herd) return herd.error();
  if (*herd && !is_group_word(**herd)) return top->wrong("herd", group_word_rule);
  cluster.herd = std::move(*herd);
  if (auto read = read_discovery(*top, cluster); !read) return read.error();
  if (auto read = read_bus(*top, cluster); !read) return read.error();
  if (auto read = read_liveness(*top, cluster.liveness); !read) return read.error();
  return cluster;
}

}  // namespace

Result<ClusterFile> parse_cluster_file(std::string_view text, const std::string& file) {
  auto document = parse_yaml(text, file);
  if (!document) return document.error();
  try {
    return read_document(document->root, file);
  } catch (const YAML::Exception& error) {
    // Reading checks types first; this is for what yaml-cpp finds besides.
    return Error(errc::bad_config, file + ": " + error.what());
  }
}

Result<ClusterFile> read_cluster_file(const std::filesystem::path& file) {
  auto text = read_text_file(file, cluster_bytes);
  if (!text) return Error(errc::bad_config, text.error().message);
  return parse_cluster_file(*text, file.string());
}

}  // namespace dockherd::agent
