// Which hosts a container may go to, by its rules and by what is known of the hosts, and why not to
// the others. Pure. Must not choose among those that fit.
//
// As in Classic Swarm all soft rules are tried together, and dropped together when they leave no
// host; links on a network of one's own count among them. Unlike there, "==" never holds for a
// label that is not there, not even with *.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine_api/create_rules.hpp"

namespace dockherd::engine_api {

struct ContainerFacts {
  std::string id;
  std::vector<std::string> names;             ///< With or without Docker's leading slash.
  std::map<std::string, std::string> labels;  ///< Only when needs_container_labels().
};

struct HostFacts {
  std::string id;
  std::string name;
  std::map<std::string, std::string> labels;  ///< The engine's.
  std::string operating_system;               ///< These five as in GET /info; empty: not known.
  std::string os_type;
  std::string architecture;
  std::string kernel_version;
  std::string storage_driver;
  std::vector<ContainerFacts> containers;  ///< Stopped ones, too. Only when needs_containers().
  std::set<std::string> images;  ///< Ids ("sha256:…"), tags and digests. Only when needs_images().
  std::set<std::string> volumes;  ///< Names. Only when needs_volumes().
  bool in_pool = true;
  bool daemon_up = true;
  /// Why the host itself did not take the container (a port, memory); empty: it was not asked or
  /// would take it.
  std::string refusal;
};

/// Whether `containers` of hosts are looked at: ids and names.
bool needs_containers(const CreateRules& rules);
/// Whether labels of containers are.
bool needs_container_labels(const CreateRules& rules);
bool needs_images(const CreateRules& rules);
bool needs_volumes(const CreateRules& rules);

struct FilterOutcome {
  struct Refusal {
    std::string host;
    std::string reason;
  };

  std::vector<std::size_t> fitting;  ///< Indices, in the order of the hosts.
  std::vector<Refusal> refusals;     ///< Of all others, in the same order.
  bool soft_dropped = false;         ///< No host met the soft rules as well.
};

/// Keys of constraints: "node" (a host's name or id), an engine label, or storagedriver,
/// operatingsystem, ostype, architecture, kernelversion. Any key of a whitelist is "node". Keys of
/// affinities: "container" (name, node/name, id or its first digits, six at least), "image" (id or
/// its first digits, repository with or without tag), or a label of containers.
///
/// A container that another depends on binds it to its host, unless no host has it: then the daemon
/// says so in its own words. A volume binds it when one host only has it.
FilterOutcome filter_hosts(const CreateRules& rules, std::span<const HostFacts> hosts);

/// "no host fits: h1: out of the pool; h2: constraint node==h3 not met".
std::string no_host_text(const FilterOutcome& outcome);

/// Whether a host with these images (as in HostFacts) has the one that a create body names:
/// "redis", "docker.io/library/redis:7", "redis@sha256:…", an id or its first digits.
bool has_image(const std::set<std::string>& images, std::string_view reference);

}  // namespace dockherd::engine_api
