// A request's path and query, taken apart: for fakes, which play the server.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace dockherd::fakes {

struct RequestTarget {
  std::string version;  ///< "1.41" when the path begins with "/v1.41/", else empty.
  std::string path;     ///< Decoded, without the version: "/containers/json".
  std::map<std::string, std::string> query;  ///< Decoded; of a repeated key the last.

  static RequestTarget parse(std::string_view target);

  /// The value of `key`, or an empty string.
  std::string get(const std::string& key) const;
  /// As Docker reads booleans: absent, "", "0", "no", "false" and "none" are false.
  bool flag(const std::string& key) const;
};

}  // namespace dockherd::fakes
