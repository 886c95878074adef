// The Date header (RFC 9110, 5.6.7). Made anew once a second, not once a response.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace dockherd::http_api {

/// "Sun, 06 Nov 1994 08:49:37 GMT", whatever the locale.
std::string format_http_date(WallTime time);

class HttpDate {
 public:
  explicit HttpDate(const Clock& clock) : clock_(clock) {}

  /// Now, to the second. Valid until the next call.
  std::string_view now();

 private:
  const Clock& clock_;
  std::int64_t second_ = -1;
  std::string text_;
};

}  // namespace dockherd::http_api
