// What a container is promised on its host (memory, CPUs, published ports), and the sum of it over
// the containers of one host. Must not know where containers come from.
//
// What holds what, as in Classic Swarm except for the last line:
//   memory, CPUs, slots  every container that the host has, running or not; dead ones are only
//                        waiting for their removal
//   ports                a container that runs, is paused or restarts, and one that was created and
//                        waits for its start. Classic Swarm let exited ones hold theirs, too; then
//                        docker-compose, which makes the new container before it removes the old
//                        one, could not put it onto the same host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_reader.hpp"

namespace dockherd::engine_api {

/// A port of the host that a container publishes; of a range it takes one that is free.
struct PortClaim {
  std::string ip;  ///< Empty: every address of the host.
  std::uint16_t first = 0;
  std::uint16_t last = 0;  ///< The same as `first` unless it is a range.
  std::string protocol;    ///< "tcp", "udp", "sctp".

  auto operator<=>(const PortClaim&) const = default;
};

struct Reservation {
  std::int64_t memory_bytes = 0;
  std::int64_t nano_cpus = 0;
  std::vector<PortClaim> ports;
  bool by_shares = false;  ///< The CPUs were asked for by CpuShares.

  bool operator==(const Reservation&) const = default;
};

/// Of the HostConfig of a create body or of an inspection. CPUs are NanoCpus (--cpus); where there
/// are none, CpuShares below 128 are a number of CPUs, as Classic Swarm read `-c 2`, while those
/// above are Docker's weights (512, 1024…) and promise nothing. Ports that the daemon chooses, and
/// those of containers in the host's or another container's network, are not claimed. What is of a
/// wrong type is left for the daemon to refuse.
/// Of more ports than most_claimed_ports the first ones are claimed.
Reservation reservation_of(const json& host_config);

/// As many as an address has. What asks for more, its ranges counted in full, no daemon can give.
inline constexpr std::size_t most_claimed_ports = 65'536;
bool claims_too_many_ports(const json& host_config);

/// Of the answer to GET /containers/{id}/json: as above, but where the container has its ports the
/// real ones count, also those that the daemon chose.
Reservation reservation_of_inspection(const json& inspection);

/// Whether a container in this state ("running", "exited"…) keeps others from its ports.
bool holds_ports(std::string_view state);

/// Whether a container in this state counts at all. Not when it is "dead" or in "removing".
bool holds_resources(std::string_view state);

/// The engine label containerslots=N: how many containers the host takes. Nothing without the label
/// or when it is no number, as in Classic Swarm.
std::optional<std::size_t> container_slots(const std::map<std::string, std::string>& labels);

/// What a host has to give. Zero: not known, and nothing is refused for it.
struct Capacity {
  std::int64_t memory_bytes = 0;
  std::int64_t nano_cpus = 0;
};

/// The promises of one host, by container. The host's owner keeps it, and asks it before a create.
class ReservationLedger {
 public:
  struct Totals {
    std::int64_t memory_bytes = 0;
    std::int64_t nano_cpus = 0;
    std::size_t containers = 0;
  };

  /// Adds the container, or replaces what was known of it.
  void put(const std::string& id, Reservation reservation, bool with_ports);
  void remove(const std::string& id);
  bool contains(const std::string& id) const { return entries_.contains(id); }
  void clear();

  const Totals& totals() const { return totals_; }

  /// The reason why one more container does not fit: "memory: 900 MiB of 1000 MiB are promised, 200
  /// MiB more asked, overcommit 5 %". `overcommit` is a fraction (0.05). Nothing when it fits.
  std::optional<std::string> why_not(const Reservation& asked, const Capacity& capacity,
                                     double overcommit, std::optional<std::size_t> slots) const;

 private:
  struct Entry {
    Reservation reservation;
    bool with_ports = false;
  };
  using Port = std::pair<std::uint16_t, std::string>;  // And protocol.

  void release(const Entry& entry);
  bool is_taken(const std::string& ip, const Port& port) const;
  bool is_taken(const PortClaim& claim) const;

  std::map<std::string, Entry> entries_;
  std::map<Port, std::multiset<std::string>> taken_;  // By which addresses, one for each claim.
  Totals totals_;
};

}  // namespace dockherd::engine_api
