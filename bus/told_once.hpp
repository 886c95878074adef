// What has been said already, so that it is not said again.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

namespace dockherd::bus {

/// Purpose: keeps a log from being filled by others. The oldest are forgotten when there are many.
class ToldOnce {
 public:
  /// True at the first time.
  bool is_first(const std::string& what) { return is_time(what, 1); }
  /// True at the n-th time, and never again.
  bool is_time(const std::string& what, unsigned n) {
    const auto [entry, is_new] = times_.try_emplace(what, 0);
    const bool now = ++entry->second == n;
    if (!is_new) return now;
    order_.push_back(what);
    if (order_.size() > remembered) {
      times_.erase(order_.front());
      order_.pop_front();
    }
    return now;
  }

 private:
  static constexpr std::size_t remembered = 1024;

  std::map<std::string, unsigned> times_;
  std::deque<std::string> order_;
};

}  // namespace dockherd::bus
