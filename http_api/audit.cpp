#include "http_api/audit.hpp"

#include "base/json_reader.hpp"
#include "http_api/routes.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::size_t longest_action = 256;
constexpr std::size_t longest_name = 128;

bool is_refusal(int status) {
  return status == 401 || status == 403 || status == 429;
}

std::string text_of(const json& document, const char* key) {
  const auto found = document.find(key);
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// An answer may be large: only its outermost members are looked at.
std::string node_in(std::string_view answer) {
  const auto members = slice_json_object(answer);
  if (!members) return {};
  for (const JsonMember& member : *members) {
    if (member.key != "dockerInstance" || member.value.size() < 2) continue;
    return std::string(member.value.substr(1, member.value.size() - 2));
  }
  return {};
}

}  // namespace

std::string audit_line(const Caller& caller, const AuditEntry& entry) {
  std::string line = "call user=" + loggable(caller.name());
  line += " role=";
  line += to_string(caller.principal.role);
  line += " from=" + loggable(caller.address.empty() ? "local" : caller.address);
  line += " action=" + loggable(entry.action, longest_action);
  if (!entry.container.empty()) line += " container=" + loggable(entry.container, longest_name);
  if (!entry.node.empty()) line += " node=" + loggable(entry.node, longest_name);
  return line + " status=" + std::to_string(entry.status);
}

bool is_change(std::string_view method, std::string_view path) {
  if (method != "GET" && method != "HEAD" && method != "OPTIONS") return true;
  return path.ends_with("/attach/ws");
}

VerbAudit verb_audit(std::string_view request, int status, std::string_view answer) {
  VerbAudit audit;
  audit.entry.status = status;
  const auto document = parse_json(request);
  if (!document || !document->is_object()) {
    audit.entry.action = "POST /";
    return audit;
  }
  audit.entry.action = text_of(*document, "action");
  if (audit.entry.action.empty()) audit.entry.action = "POST /";
  audit.changes = !audit.entry.action.starts_with("list-") &&
                  audit.entry.action != "inspect-container" && status != 400;
  for (const char* key : {"id", "name", "template"}) {
    if (audit.entry.container.empty()) audit.entry.container = text_of(*document, key);
  }
  if (const auto ids = document->find("ids"); ids != document->end() && ids->is_array()) {
    for (const json& id : *ids) {
      if (audit.entry.container.size() > longest_name || !id.is_string()) break;
      if (!audit.entry.container.empty()) audit.entry.container += ',';
      audit.entry.container += id.get<std::string>();
    }
  }
  audit.entry.node = node_in(answer);
  if (audit.entry.node.empty()) audit.entry.node = text_of(*document, "hostname");
  return audit;
}

void AuditLog::note(const Caller& caller, const AuditEntry& entry, bool changes) {
  const bool refused = is_refusal(entry.status);
  if (!changes && !refused) return;
  if (refused && !refused_.may_say(caller.address, clock_.now())) return;
  log_->info("{}", audit_line(caller, entry));
}

}  // namespace dockherd::http_api
