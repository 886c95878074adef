// Names that containers of several hosts have. Within a herd that is whole name_claims keep names
// unique; two sides of a split, and the docker command at a daemon, know of no claim. Pure: told by
// the directory whose names to look at, so that a change costs what it touches and not what the
// herd has.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/container_directory.hpp"
#include "base/clock.hpp"

namespace dockherd::agent {

/// One name has become, or is no longer, the name of containers on several hosts.
struct CollisionChange {
  std::string name;
  bool begins = false;
  Resolution containers;  ///< That have it; at the end those that had it.
};

/// Purpose: what is shown and told of names that are not unique. A container that is removed here
/// and made there is heard of in any order, and one that was run again elsewhere is retired when
/// its host returns: so both a collision and its end count once they have lasted. One thread only.
class NameCollisions {
 public:
  /// `lasting`: how long a collision, or its end, has to be true before it counts.
  explicit NameCollisions(Duration lasting) : lasting_(lasting) {}

  /// Other containers than before have the name.
  void touch(const std::string& name) { touched_.insert(name); }
  /// Looks up what was touched. What has begun or ended, by name, each once.
  std::vector<CollisionChange> look(const ContainerDirectory& directory, TimePoint now);
  /// Whether a look can come to anything before the next touch.
  bool settled() const { return touched_.empty() && changing_.empty(); }

  /// By name: the containers, by id, at most 16.
  const std::map<std::string, Resolution>& standing() const { return standing_; }

 private:
  Duration lasting_;
  std::set<std::string> touched_;
  std::map<std::string, TimePoint> changing_;  // Since when they are otherwise than they stand.
  std::map<std::string, Resolution> standing_;
};

}  // namespace dockherd::agent
