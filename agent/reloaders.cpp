#include "agent/reloaders.hpp"

#include <utility>

namespace dockherd::agent {

void Reloaders::add(std::string what, std::function<Result<void>()> reload) {
  reloaders_.push_back({std::move(what), std::move(reload)});
}

void Reloaders::run() {
  if (reloaders_.empty())
    log_->info("nothing is reloaded: no file that could have changed is used");
  for (const auto& [what, reload] : reloaders_) {
    if (const auto done = reload(); done) {
      log_->info("reloaded {}", what);
    } else {
      log_->error("{} not reloaded, the old one stays error={}", what, done.error().message);
    }
  }
}

}  // namespace dockherd::agent
