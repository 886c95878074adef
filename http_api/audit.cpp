#include "http_api/audit.hpp"

#include <set>
#include <vector>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "http_api/routes.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::size_t longest_action = 256;
constexpr std::size_t longest_name = 128;
constexpr std::size_t most_looked_through = 256u << 10;

bool is_refusal(int status) {
  return status == 401 || status == 403 || status == 429;
}

std::string text_of(const json& document, const char* key) {
  const auto found = document.find(key);
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// An answer may be large: of each object only the outermost members are looked at.
std::string_view member_of(std::string_view object, std::string_view key) {
  const auto members = slice_json_object(object);
  if (!members) return {};
  for (const JsonMember& member : *members) {
    if (member.key == key) return member.value;
  }
  return {};
}

std::string text_in(std::string_view object, std::string_view key) {
  const std::string_view value = member_of(object, key);
  if (value.size() < 2 || value.front() != '"') return {};
  return std::string(value.substr(1, value.size() - 2));
}

/// Of a bulk: each host that was given some of it, once.
std::string hosts_in(std::string_view answer) {
  if (answer.size() > most_looked_through) return {};
  const auto containers = slice_json_array(member_of(answer, "containers"));
  if (!containers) return {};
  std::set<std::string> hosts;
  for (const std::string_view each : *containers) hosts.insert(text_in(each, "dockerInstance"));
  hosts.erase("");
  return join(std::vector<std::string>(hosts.begin(), hosts.end()), ",");
}

/// What a create has made: one by its id, several by the label that they have in common.
std::string made_by(std::string_view answer) {
  const std::string bulk = text_in(answer, "bulk");
  if (!bulk.empty()) return "bulk:" + bulk;
  return text_in(member_of(member_of(answer, "Response"), "Body"), "Id");
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
  const bool creates = audit.entry.action.starts_with("create-");
  if (creates) audit.entry.container = made_by(answer);
  for (const char* key : {"id", "name"}) {
    if (audit.entry.container.empty()) audit.entry.container = text_of(*document, key);
  }
  if (const auto ids = document->find("ids"); ids != document->end() && ids->is_array()) {
    for (const json& id : *ids) {
      if (audit.entry.container.size() > longest_name || !id.is_string()) break;
      if (!audit.entry.container.empty()) audit.entry.container += ',';
      audit.entry.container += id.get<std::string>();
    }
  }
  audit.entry.node = text_in(answer, "dockerInstance");
  if (creates && audit.entry.node.empty()) audit.entry.node = hosts_in(answer);
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
