// Counts what is under way, also when it ends by an exception or by cancellation.
#pragma once

#include <cstddef>

namespace dockherd {

/// One more while it lives. `count` outlives it.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

}  // namespace dockherd
