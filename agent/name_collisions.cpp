#include "agent/name_collisions.hpp"

#include <algorithm>

namespace dockherd::agent {

namespace {

/// Two containers of one node have the same name only while one of them is being renamed or
/// removed, and what several agents beside one daemon report is one container.
bool collide(const Resolution& holders) {
  const auto& all = holders.candidates;
  return std::any_of(all.begin(), all.end(), [&all](const ContainerLocation& location) {
    return location.node != all.front().node;
  });
}

}  // namespace

std::vector<CollisionChange> NameCollisions::look(const ContainerDirectory& directory,
                                                  TimePoint now) {
  for (const std::string& name : touched_) {
    Resolution holders = directory.named(name);
    const bool is = collide(holders);
    const auto known = standing_.find(name);
    if (is != (known != standing_.end())) {
      changing_.try_emplace(name, now);
      continue;
    }
    changing_.erase(name);
    if (is) known->second = std::move(holders);
  }
  touched_.clear();
  std::vector<CollisionChange> changes;
  for (auto it = changing_.begin(); it != changing_.end();) {
    const auto& [name, since] = *it;
    if (now - since < lasting_) {
      ++it;
      continue;
    }
    CollisionChange change;
    change.name = name;
    const auto known = standing_.find(name);
    change.begins = known == standing_.end();
    if (change.begins) {
      change.containers = directory.named(name);
      standing_.emplace(name, change.containers);
    } else {
      change.containers = std::move(known->second);
      standing_.erase(known);
    }
    changes.push_back(std::move(change));
    it = changing_.erase(it);
  }
  return changes;
}

}  // namespace dockherd::agent
