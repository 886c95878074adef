// Everything an agent is started with, resolved: flags, files, environment and defaults are merged
// and checked. Plain values; must not know where each came from.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/address.hpp"
#include "base/log.hpp"
#include "bus/event_bus.hpp"
#include "engine_api/node_view.hpp"
#include "http_api/client_limits.hpp"
#include "trust/certificate_tls.hpp"
#include "trust/herd_key.hpp"

namespace dockherd::agent {

using std::chrono::milliseconds;

inline constexpr std::uint16_t default_http_port = 8080;
inline constexpr std::uint16_t default_beacon_port = 5670;
inline constexpr std::uint16_t default_gossip_port = 5671;
inline constexpr std::uint16_t first_bus_port = 49152;

struct BeaconConfig {
  std::uint16_t port = default_beacon_port;
  /// Name or IPv4 address of the interface; empty: the one that bus.bind_address belongs to, or
  /// that of the default route.
  std::string interface;
  milliseconds interval{1'000};  ///< `announceInterval`.
};

struct GossipConfig {
  HostPort bind;                ///< An IPv4 address ("0.0.0.0" for all) and a port.
  std::vector<HostPort> seeds;  ///< Host names or IPv4 addresses. May include this node itself.
};

struct BusConfig {
  /// IPv4 address of the mailbox; empty: that of the beacon's interface, or of the interface of the
  /// default route. "0.0.0.0" listens on all; peers are then told the same address as when empty.
  std::string bind_address;
  std::uint16_t first_port = first_bus_port;  ///< The first free port in the range is taken.
  std::uint16_t last_port = 65'535;
  /// What peers are told to connect to instead of the bound address; empty: the bound address.
  std::string advertise;
};

struct AgentConfig {
  std::string docker = "unix:///var/run/docker.sock";  ///< "unix:///PATH" or "tcp://HOST:PORT".
  /// `dockerTls`: by TLS, if it is on TCP.
  std::optional<trust::CertificateFiles> docker_tls;
  HostPort http{"127.0.0.1", default_http_port};  ///< An IP address to listen on.
  std::optional<trust::CertificateFiles> tls;     ///< `tls`: clients come by TLS.
  std::uint16_t agents_port = 0;  ///< `agentsPort`: for other agents; 0 is the system's choice.
  BusConfig bus;
  std::optional<BeaconConfig> beacon;  ///< At least one of beacon and gossip is set.
  std::optional<GossipConfig> gossip;
  bus::LivenessSettings liveness;

  std::string herd = "herd";
  std::string cluster_address = "deblox.docker";
  std::string hostname;
  milliseconds relist_interval{10'000};        ///< `trackingServiceInterval`.
  milliseconds task_timeout{2'500};            ///< `taskTimeout`.
  milliseconds new_container_timeout{15'000};  ///< `newContainerTimeout`.
  milliseconds pull_timeout{600'000};          ///< `pullTimeout`.

  milliseconds reschedule_after{2'000};  ///< `rescheduleAfter`.
  bool remove_superseded = false;        ///< `superseded`: "remove", not "stop".

  double overcommit = 0.05;                                                 ///< `overcommit`
  engine_api::NameStyle name_style = engine_api::NameStyle::node_prefixed;  ///< `plainNames`

  std::filesystem::path templates = "templates";
  LogSettings log;
  bool insecure = false;                         ///< May listen beyond loopback, without keys.
  std::vector<std::filesystem::path> key_files;  ///< `key`: what `keys` are read from.
  trust::HerdKeys keys;
  std::optional<std::filesystem::path> users_file;  ///< `users`: who may call.
  http_api::LimitSettings limits;

  bool docker_by_tls() const { return docker_tls && docker.starts_with("tcp://"); }

  /// Whether agents may be spoken with beyond loopback.
  bool networked() const { return insecure || !key_files.empty(); }

  /// What the reader of the files should be told once at start: ignored keys and the like.
  std::vector<std::string> notes;
};

}  // namespace dockherd::agent
