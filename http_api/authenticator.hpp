// Port: who says who a caller is.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "http_api/caller.hpp"

namespace dockherd::http_api {

/// What a request says of its sender. Borrowed from its head and its connection.
struct Credentials {
  std::string_view authorization;     ///< The header; empty without one.
  std::string_view certificate_name;  ///< Of a certificate that has been verified; else empty.
  std::string_view address;           ///< Without its port.
  bool to_agents_port = false;
  std::string_view user;  ///< What an agent says of whom it asks for.
  std::string_view role;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;

  /// Fails when he is nobody. The error is for logs of ours: it says nothing that is secret, but
  /// the caller is not told which part was wrong.
  virtual Result<Caller> authenticate(const Credentials& credentials) = 0;
};

}  // namespace dockherd::http_api
