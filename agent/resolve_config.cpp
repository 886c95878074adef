#include "agent/resolve_config.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "agent/tls_conf.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t group_bytes = 255;  // A ZRE string has one byte for its length.
constexpr std::string_view loopback = "127.0.0.1";

Error bad_flag(const std::string& flag, std::string_view expected, const std::string& got) {
  return Error(errc::bad_config,
               flag + " must be " + std::string(expected) + ", got " + quote_json(got))
      .at_field(flag);
}

/// `file` is empty for a flag.
Error beyond_loopback(const std::string& file, const std::string& key, const std::string& address) {
  return Error(errc::bad_config,
               (file.empty() ? "" : file + ": ") + key + " must be loopback, got " + address +
                   ": whoever reaches an agent may use Docker. Give the herd a key (dockherd "
                   "keygen, and \"key\" in conf.json), or, on a network where you trust everybody, "
                   "allow it by \"insecure\": true in conf.json or by --insecure")
      .at_field(key);
}

/// The same for the port of clients, where the herd's key lets nobody in.
Error clients_beyond_loopback(const std::string& file, const std::string& key,
                              const std::string& address) {
  return Error(errc::bad_config,
               (file.empty() ? "" : file + ": ") + key + " must be loopback, got " + address +
                   ": whoever reaches it may use Docker. Ask clients who they are (\"tls\" with "
                   "\"client_ca\" or \"users\" in conf.json), or, on a network where you trust "
                   "everybody, allow "
                   "it by \"insecure\": true in conf.json or by --insecure")
      .at_field(key);
}

/// An address of the cluster file, if it is given, and its key.
struct KeyedAddress {
  std::string key;
  std::optional<std::string> address;
};

Result<void> resolve_docker(const AgentFlags& flags, const ConfFile& conf,
                            const Environment& environment, AgentConfig& config) {
  constexpr std::string_view expected = "\"unix:///PATH\" or \"tcp://HOST:PORT\"";
  const std::uint16_t port = config.docker_tls ? docker_tls_port : docker_port;
  if (flags.docker) {
    const auto address = parse_docker_address(*flags.docker, port);
    if (!address) return bad_flag("--docker", expected, *flags.docker);
    config.docker = *address;
  } else if (conf.docker) {
    config.docker = parse_docker_address(*conf.docker, port).value_or(*conf.docker);
  } else if (!environment.docker_host.empty()) {
    const auto address = parse_docker_address(environment.docker_host, port);
    if (!address) return bad_flag("$DOCKER_HOST", expected, environment.docker_host);
    config.docker = *address;
  }
  return {};
}

Result<void> resolve_http(const AgentFlags& flags, const ConfFile& conf, AgentConfig& config) {
  ListenAddress listen = conf.http.value_or(ListenAddress{});
  std::string file = conf.file;
  std::string key = "http";
  if (flags.http) {
    const auto given = parse_listen_address(*flags.http, IpVersion::any);
    if (!given) {
      return bad_flag("--http", "\"ADDRESS:PORT\", \"ADDRESS\" or \":PORT\" with an IP address",
                      *flags.http);
    }
    if (given->address) {
      listen.address = given->address;
      file.clear();
      key = "--http";
    }
    if (given->port) listen.port = given->port;
  }
  config.http.host = listen.address.value_or(config.insecure ? "0.0.0.0" : std::string(loopback));
  config.http.port = listen.port.value_or(default_http_port);
  const bool asks = config.tls && (!config.tls->authority.empty() || config.users_file);
  if (!config.insecure && !asks && !is_loopback(config.http.host)) {
    return clients_beyond_loopback(file, key, config.http.text());
  }
  return {};
}

Result<void> resolve_names(const AgentFlags& flags, const ConfFile& conf,
                           const ClusterFile& cluster, const Environment& environment,
                           AgentConfig& config) {
  if (flags.hostname) {
    if (!is_group_word(*flags.hostname)) {
      return bad_flag("--hostname", group_word_rule, *flags.hostname);
    }
    config.hostname = *flags.hostname;
  } else if (conf.hostname) {
    config.hostname = *conf.hostname;
  } else if (is_group_word(environment.hostname)) {
    config.hostname = environment.hostname;
  } else {
    return Error(errc::bad_config, "the machine's name must be " + std::string(group_word_rule) +
                                       ", got " + quote_json(environment.hostname) +
                                       "; name this node by --hostname or \"hostname\" in "
                                       "conf.json")
        .at_field("hostname");
  }
  if (conf.cluster_address) config.cluster_address = *conf.cluster_address;
  if (cluster.herd) config.herd = *cluster.herd;
  if (config.cluster_address.size() + 1 + config.hostname.size() > group_bytes) {
    return Error(errc::bad_config,
                 (conf.file.empty() ? "" : conf.file + ": ") +
                     "clusterAddress and hostname must be at most 254 bytes together, got " +
                     std::to_string(config.cluster_address.size() + config.hostname.size()))
        .at_field("clusterAddress");
  }
  return {};
}

Result<void> resolve_templates(const AgentFlags& flags, const ConfFile& conf, AgentConfig& config) {
  if (flags.templates && flags.templates->empty()) return bad_flag("--templates", "a path", "");
  const std::filesystem::path conf_directory = std::filesystem::path(conf.file).parent_path();
  if (flags.templates) {
    config.templates = *flags.templates;
    return {};
  }
  if (conf.templates) {
    config.templates = conf_directory / *conf.templates;
    return {};
  }
  config.templates = "templates";
  const std::array<std::filesystem::path, 2> candidates = {conf_directory / "templates",
                                                           "/etc/dockherd/templates"};
  for (std::size_t i = conf.file.empty() ? 1 : 0; i < candidates.size(); ++i) {
    std::error_code error;
    if (!std::filesystem::is_directory(candidates[i], error)) continue;
    config.templates = candidates[i];
    break;
  }
  return {};
}

Result<void> resolve_log(const AgentFlags& flags, const ConfFile& conf, AgentConfig& config) {
  if (conf.log_format) config.log.format = *conf.log_format;
  if (conf.log_level) config.log.level = *conf.log_level;
  if (!flags.log_level) return {};
  if (!is_log_level(*flags.log_level)) {
    return bad_flag("--log-level", "one of trace, debug, info, warn, error, off", *flags.log_level);
  }
  config.log.level = *flags.log_level;
  return {};
}

void resolve_keys(const AgentFlags& flags, const ConfFile& conf, AgentConfig& config) {
  const std::filesystem::path conf_directory = std::filesystem::path(conf.file).parent_path();
  for (const std::string& file : conf.keys) config.key_files.push_back(conf_directory / file);
  if (!flags.keys.empty()) config.key_files.assign(flags.keys.begin(), flags.keys.end());
}

/// Without a key agents could not tell each other's calls from strangers'.
Result<void> resolve_users(const ConfFile& conf, AgentConfig& config) {
  config.limits = conf.limits;
  if (!conf.users) return {};
  config.users_file = std::filesystem::path(conf.file).parent_path() / *conf.users;
  if (!config.key_files.empty()) return {};
  return Error(errc::bad_config,
               conf.file +
                   ": users needs a key: without one, who reaches the bus of this herd "
                   "needs no token. Make one by \"dockherd keygen\" and name it by \"key\"")
      .at_field("users");
}

Result<void> load_keys(AgentConfig& config) {
  for (const std::filesystem::path& file : config.key_files) {
    auto key = trust::HerdKey::load(file);
    if (!key) return key.error();
    config.keys.push_back(*key);
  }
  return {};
}

void resolve_bus(const ClusterFile& cluster, AgentConfig& config) {
  if (cluster.bus_bind) {
    config.bus.bind_address = *cluster.bus_bind;
  } else if (!config.networked()) {
    config.bus.bind_address = loopback;
  }
  if (cluster.first_port) config.bus.first_port = *cluster.first_port;
  if (cluster.last_port) config.bus.last_port = *cluster.last_port;
  config.bus.advertise = cluster.advertise.value_or("");
  config.liveness = cluster.liveness;
}

void resolve_discovery(const ConfFile& conf, const ClusterFile& cluster, AgentConfig& config) {
  const std::string fallback = config.networked() ? "" : std::string(loopback);
  if (cluster.beacon) {
    config.beacon.emplace();
    config.beacon->port = cluster.beacon_port.value_or(default_beacon_port);
    config.beacon->interface = cluster.beacon_interface.value_or(fallback);
    if (conf.announce_interval) config.beacon->interval = *conf.announce_interval;
  }
  if (!cluster.gossip) return;
  const ListenAddress listen = cluster.gossip_bind.value_or(ListenAddress{});
  config.gossip.emplace();
  config.gossip->bind.host = listen.address.value_or(config.networked() ? "0.0.0.0" : fallback);
  config.gossip->bind.port = listen.port.value_or(default_gossip_port);
  config.gossip->seeds = cluster.seeds;
}

/// Every address of the cluster file, at its key, must be loopback.
Result<void> check_loopback(const ClusterFile& cluster, const AgentConfig& config) {
  std::vector<KeyedAddress> addresses = {{"bus.bind", cluster.bus_bind},
                                         {"bus.advertise", cluster.advertise}};
  if (config.beacon) {
    addresses.push_back({"discovery.beacon.interface", cluster.beacon_interface});
  }
  if (config.gossip) {
    addresses.push_back({"discovery.gossip.bind", config.gossip->bind.host});
    const std::size_t first_member = cluster.seeds.size() - cluster.members;
    for (std::size_t i = 0; i < cluster.seeds.size(); ++i) {
      const std::string key = i < first_member ? "discovery.gossip.seeds" : "members";
      addresses.push_back({key, cluster.seeds[i].host});
    }
  }
  for (const auto& [key, address] : addresses) {
    if (address && !is_loopback(*address)) return beyond_loopback(cluster.file, key, *address);
  }
  return {};
}

/// Reads a file if one is named.
template <typename File, typename Read>
Result<File> read_named(const std::optional<std::string>& name, Read read) {
  if (!name) return File();
  return read(std::filesystem::path(*name));
}

/// As the docker command looks for its certificates.
std::string docker_cert_path() {
  for (const char* name : {"DOCKER_CERT_PATH", "DOCKER_CONFIG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "" : home) + "/.docker";
}

}  // namespace

Environment read_environment() {
  Environment environment;
  if (const char* docker_host = std::getenv("DOCKER_HOST")) environment.docker_host = docker_host;
  const char* verify = std::getenv("DOCKER_TLS_VERIFY");
  environment.docker_tls_verify = verify != nullptr && *verify != '\0';
  environment.docker_cert_path = docker_cert_path();
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) environment.hostname = name.data();
  return environment;
}

Result<AgentConfig> merge_config(const AgentFlags& flags, const ConfFile& conf,
                                 const ClusterFile& cluster, const Environment& environment) {
  AgentConfig config;
  config.notes = conf.notes;
  config.insecure = flags.insecure || conf.insecure.value_or(false);
  resolve_keys(flags, conf, config);
  if (auto done = resolve_users(conf, config); !done) return done.error();
  if (auto done = resolve_tls(flags, conf, config); !done) return done.error();
  resolve_docker_tls(conf, environment, config);
  if (auto done = resolve_names(flags, conf, cluster, environment, config); !done) {
    return done.error();
  }
  if (auto done = resolve_docker(flags, conf, environment, config); !done) return done.error();
  if (auto done = resolve_http(flags, conf, config); !done) return done.error();
  if (auto done = resolve_templates(flags, conf, config); !done) return done.error();
  if (auto done = resolve_log(flags, conf, config); !done) return done.error();
  resolve_bus(cluster, config);
  resolve_discovery(conf, cluster, config);
  if (!config.networked()) {
    if (auto checked = check_loopback(cluster, config); !checked) return checked.error();
  }
  if (conf.relist_interval) config.relist_interval = *conf.relist_interval;
  if (conf.task_timeout) config.task_timeout = *conf.task_timeout;
  if (conf.new_container_timeout) config.new_container_timeout = *conf.new_container_timeout;
  if (conf.pull_timeout) config.pull_timeout = *conf.pull_timeout;
  if (conf.reschedule_after) config.reschedule_after = *conf.reschedule_after;
  config.remove_superseded = conf.superseded == "remove";
  if (conf.overcommit_percent) {
    config.overcommit = static_cast<double>(*conf.overcommit_percent) / 100;
  }
  if (conf.plain_names.value_or(false)) config.name_style = engine_api::NameStyle::plain;
  if (!cluster.gossip && !cluster.seeds.empty()) {
    config.notes.push_back(cluster.file +
                           ": seeds and members are not used while gossip is not enabled");
  }
  return config;
}

Result<AgentConfig> resolve_config(const AgentFlags& flags, const Environment& environment) {
  auto conf = read_named<ConfFile>(flags.conf, read_conf_file);
  if (!conf) return conf.error();
  std::optional<std::string> cluster_path = flags.cluster;
  if (!cluster_path && conf->cluster) {
    const auto conf_directory = std::filesystem::path(conf->file).parent_path();
    cluster_path = (conf_directory / *conf->cluster).string();
  }
  auto cluster = read_named<ClusterFile>(cluster_path, read_cluster_file);
  if (!cluster) return cluster.error();
  auto config = merge_config(flags, *conf, *cluster, environment);
  if (!config) return config;
  if (auto loaded = load_keys(*config); !loaded) return loaded.error();
  return config;
}

}  // namespace dockherd::agent
