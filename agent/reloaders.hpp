// What SIGHUP has read anew. Must not know what any of it is.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"

namespace dockherd::agent {

/// Purpose: a list of files that can be read again while the agent runs.
/// Owner: the agent, and what the functions use outlives it. One thread only.
class Reloaders {
 public:
  explicit Reloaders(Logger log) : log_(std::move(log)) {}

  /// `reload` keeps what was when it fails.
  void add(std::string what, std::function<Result<void>()> reload);
  /// All of them, each whatever becomes of the others; says what happened to each.
  void run();

 private:
  struct Reloader {
    std::string what;
    std::function<Result<void>()> reload;
  };

  Logger log_;
  std::vector<Reloader> reloaders_;
};

}  // namespace dockherd::agent
