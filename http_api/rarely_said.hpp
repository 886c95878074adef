// Whether something is to be said again. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace dockherd::http_api {

/// Purpose: what an address does wrong is logged once a minute, and once a second when there are
/// more of these than are remembered.
class RarelySaid {
 public:
  /// Whether it may be said now; then it is taken as said.
  bool may_say(std::string_view what, TimePoint now);

 private:
  std::map<std::string, TimePoint, std::less<>> said_;
  TimePoint crowded_until_ = TimePoint::min();
};

}  // namespace dockherd::http_api
