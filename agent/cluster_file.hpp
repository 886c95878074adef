// The cluster file (YAML): how agents find and reach each other. Usually the same on every host.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/address.hpp"
#include "base/error.hpp"
#include "bus/event_bus.hpp"

namespace dockherd::agent {

/// What the file says; absent where it says nothing.
struct ClusterFile {
  std::string file;  ///< For messages.
  std::optional<std::string> herd;

  bool beacon = true;  ///< Unless switched off, or only gossip is asked for.
  std::optional<std::uint16_t> beacon_port;
  std::optional<std::string> beacon_interface;  ///< A name or an IPv4 address.

  bool gossip = false;
  std::optional<ListenAddress> gossip_bind;
  std::vector<HostPort> seeds;  ///< `discovery.gossip.seeds`, then `members`, each once.
  std::size_t members = 0;      ///< How many of them, the last ones, stand in `members` only.

  std::optional<std::string> bus_bind;  ///< An IPv4 address.
  std::optional<std::uint16_t> first_port;
  std::optional<std::uint16_t> last_port;
  std::optional<std::string> advertise;  ///< An IPv4 address.

  bus::LivenessSettings liveness;
};

/// Fails with bad_config: "FILE:LINE: KEY must be …". Never throws.
Result<ClusterFile> parse_cluster_file(std::string_view text, const std::string& file);

/// The same from the disk, up to 1 MiB.
Result<ClusterFile> read_cluster_file(const std::filesystem::path& file);

}  // namespace dockherd::agent
