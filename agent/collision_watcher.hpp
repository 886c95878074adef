// Says when a name has become that of containers on several hosts, and when it is unique again: in
// the log, and to the one who asked to be told. Every node says so of what it sees itself.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "agent/herd.hpp"

namespace dockherd::agent {

/// Purpose: keeps Herd::name_collisions true. Sleeps while no name that several containers have
/// changes hands. Owned by Node. One thread only.
class CollisionWatcher {
 public:
  explicit CollisionWatcher(Herd& herd);
  CollisionWatcher(const CollisionWatcher&) = delete;
  CollisionWatcher& operator=(const CollisionWatcher&) = delete;

 private:
  void touch(const std::string& name);
  asio::awaitable<void> watch();
  void log(const std::vector<CollisionChange>& changes) const;
  std::string containers_text(const Resolution& containers) const;

  Herd& herd_;
  bool watching_ = false;
};

}  // namespace dockherd::agent
