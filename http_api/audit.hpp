// The record of who did what: one line for each call that changes something, and one for each that
// was refused. Never what a call carried: bodies, queries and headers hold secrets.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "http_api/caller.hpp"
#include "http_api/rarely_said.hpp"

namespace dockherd::http_api {

/// One call.
struct AuditEntry {
  std::string action;     ///< "POST /containers/web/start", or "start-container".
  std::string container;  ///< An id, a name, or "bulk:" and its label; may be empty.
  std::string node;       ///< The host, or hosts, that did it; empty: not known.
  int status = 0;         ///< HTTP's; 0: it ended without an answer.
};

/// The line without time and level: "call user=ann role=operator from=10.0.0.1 action=…". Pure.
std::string audit_line(const Caller& caller, const AuditEntry& entry);

/// Whether a call of Docker's API changes something, or hands over a container's terminal. Pure.
bool is_change(std::string_view method, std::string_view path);

/// The entry of a JSON verb with the status and the body that answered it, and whether it changes
/// something. Pure.
struct VerbAudit {
  AuditEntry entry;
  bool changes = false;
};
VerbAudit verb_audit(std::string_view request, int status, std::string_view answer);

/// Purpose: writes the lines, of refusals few. Owner: the server. One thread only.
class AuditLog {
 public:
  AuditLog(Logger log, const Clock& clock) : log_(std::move(log)), clock_(clock) {}

  /// `changes`: as the functions above say. Others are written only when they were refused.
  void note(const Caller& caller, const AuditEntry& entry, bool changes);

 private:
  Logger log_;
  const Clock& clock_;
  RarelySaid refused_;
};

}  // namespace dockherd::http_api
