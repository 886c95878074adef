#include "agent/collision_watcher.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"

namespace dockherd::agent {

namespace {

constexpr std::chrono::milliseconds collision_look_period{250};

}  // namespace

CollisionWatcher::CollisionWatcher(Herd& herd) : herd_(herd) {
  herd.directory.on_shared_name([this](const std::string& name) { touch(name); });
}

void CollisionWatcher::touch(const std::string& name) {
  herd_.name_collisions.touch(name);
  if (watching_) return;
  watching_ = true;
  herd_.tasks.spawn("name collisions", watch());
}

asio::awaitable<void> CollisionWatcher::watch() {
  while (!herd_.name_collisions.settled()) {
    const auto changes = herd_.name_collisions.look(herd_.directory, herd_.clock.now());
    log(changes);
    if (herd_.on_name_collision) {
      for (const CollisionChange& change : changes) herd_.on_name_collision(change);
    }
    co_await herd_.clock.sleep_until(herd_.clock.now() + collision_look_period);
  }
  watching_ = false;
}

/// The sides of a split may have made the same thousand names.
void CollisionWatcher::log(const std::vector<CollisionChange>& changes) const {
  std::size_t told = 0;
  for (const CollisionChange& change : changes) {
    if (++told > limits::name_collisions_shown) {
      herd_.log->warn("more names have become, or are no longer, those of several hosts count={}",
                      changes.size() - limits::name_collisions_shown);
      return;
    }
    if (change.begins) {
      herd_.log->warn("containers of several hosts have the same name name={} containers={}",
                      loggable(change.name), containers_text(change.containers));
    } else {
      herd_.log->info("a name is on one host again, or on none name={}", loggable(change.name));
    }
  }
}

std::string CollisionWatcher::containers_text(const Resolution& containers) const {
  std::vector<std::string> texts;
  for (const ContainerLocation& location : containers.candidates) {
    texts.push_back(loggable(herd_.hostname_of(location.node)) + "/" + location.id.substr(0, 12));
  }
  if (containers.more) texts.emplace_back("...");
  return join(texts, ",");
}

}  // namespace dockherd::agent
