// Who sent a request, once that is known. Plain values.
#pragma once

#include <string>
#include <utility>

#include "trust/principal.hpp"

namespace dockherd::http_api {

/// One that is not asked who he is is an admin without a name, who may speak as another agent does.
struct Caller {
  Caller() = default;
  Caller(trust::Principal who, std::string from, bool agent)
      : principal(std::move(who)), address(std::move(from)), by_agent(agent) {}

  trust::Principal principal;
  std::string address;   ///< Without its port; empty on a unix socket.
  bool by_agent = true;  ///< Another agent passes on what it was asked, and may say so.

  std::string idempotency_key;  ///< Of the request: it may be repeated. Empty: it may not.

  /// For logs.
  std::string name() const { return principal.name.empty() ? "anonymous" : principal.name; }
};

/// By which an agent says on whose behalf it asks. Believed on the agents' port only.
inline constexpr std::string_view user_header = "X-Dockherd-User";
inline constexpr std::string_view key_header = "Idempotency-Key";
inline constexpr std::string_view role_header = "X-Dockherd-Role";

}  // namespace dockherd::http_api
