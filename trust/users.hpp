// Who may use the herd, as one node's users file says it. Plain values; must not know files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trust/principal.hpp"

namespace dockherd::trust {

/// One secret by which a user is known. The secret itself is kept nowhere.
struct StoredToken {
  std::string id;       ///< Tells a user's tokens apart; no secret.
  std::string sha256;   ///< Of the token's text, 64 hexadecimal digits.
  std::string created;  ///< "2026-11-29T15:00:00Z"; for people.

  bool operator==(const StoredToken&) const = default;
};

/// What an operator may have beyond a plain container. Everything is off unless it is listed.
struct Allowance {
  bool privileged = false;
  bool docker_socket = false;              ///< Also the directories of Docker and containerd.
  bool gpus = false;                       ///< DeviceRequests.
  std::vector<std::string> mounts;         ///< Directories of the host, with all that is in them.
  std::set<std::string> devices;           ///< "/dev/fuse".
  std::set<std::string> capabilities;      ///< "NET_ADMIN"; "ALL" is all.
  std::set<std::string> host_namespaces;   ///< Of those in namespace_names.
  std::set<std::string> security_options;  ///< "seccomp=unconfined", as Docker takes them.
  std::set<std::string> sysctls;           ///< "net.ipv4.ip_forward".
  std::set<std::string> runtimes;          ///< "runsc".
  std::set<std::string> log_drivers;       ///< Besides json-file, local and none.

  bool operator==(const Allowance&) const = default;
};

/// The namespaces of the host, by the names that `hostNamespaces` takes.
inline constexpr std::string_view namespace_names[] = {"network", "pid",  "ipc",
                                                       "uts",     "user", "cgroup"};

/// What a user may have over the whole herd. Nothing: without a bound.
struct Quota {
  std::optional<std::int64_t> containers;
  std::optional<std::int64_t> nano_cpus;
  std::optional<std::int64_t> memory_bytes;

  bool empty() const { return !containers && !nano_cpus && !memory_bytes; }
  bool operator==(const Quota&) const = default;
};

struct User {
  Role role = Role::viewer;
  std::vector<StoredToken> tokens;
  Quota quota;
  Allowance allow;

  bool operator==(const User&) const = default;
};

/// By name.
using Users = std::map<std::string, User>;

/// At most 64 letters, digits, '.', '_' and '-', of which the first is a letter or a digit: a name
/// that can stand in a label, a filter, a header and a line of the log as it is.
bool is_user_name(std::string_view text);
inline constexpr std::string_view user_name_rule =
    "1 to 64 letters, digits, \".\", \"_\" and \"-\", of which the first is a letter or a digit";

/// The label that says whose a container, a network or a volume is.
inline constexpr std::string_view owner_label = "dockherd.owner";

}  // namespace dockherd::trust
