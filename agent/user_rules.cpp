#include "agent/user_rules.hpp"

#include <boost/beast/core/string.hpp>

#include "engine_api/reservation.hpp"
#include "trust/members.hpp"

namespace dockherd::agent {

namespace {

/// The verbs' names for those who are refused; empty when the role has it.
std::string_view refused_to_operators(const Verb& verb) {
  if (const auto* pool = std::get_if<PoolVerb>(&verb)) {
    return pool->in_pool ? "register" : "unregister";
  }
  return {};
}

std::string_view refused_to_viewers(const Verb& verb) {
  if (std::holds_alternative<CreateVerb>(verb)) return "create-container";
  if (const auto* act = std::get_if<ContainerVerb>(&verb)) {
    if (act->action != ContainerAction::inspect) return action_name(act->action);
  }
  return refused_to_operators(verb);
}

}  // namespace

const trust::UserBook& users_of(const Herd& herd) {
  static const trust::UserBook nobody;
  return herd.users == nullptr ? nobody : *herd.users;
}

Result<void> may_ask(const trust::Principal& caller, const Verb& verb) {
  if (caller.is_admin()) return {};
  const std::string_view refused =
      caller.role == trust::Role::viewer ? refused_to_viewers(verb) : refused_to_operators(verb);
  if (refused.empty()) return {};
  return trust::forbidden("the role " + std::string(to_string(caller.role)) + " of " + caller.name +
                          " does not permit " + std::string(refused));
}

Result<void> only_registry_headers(
    const std::vector<std::pair<std::string, std::string>>& headers) {
  for (const auto& [name, value] : headers) {
    if (boost::beast::iequals(name, "X-Registry-Auth")) continue;
    return trust::refused("headers." + name, "operators may send X-Registry-Auth");
  }
  return {};
}

Asked asked_by(const json& body) {
  Asked asked;
  const json* host_config = find_member(body, "HostConfig");
  if (host_config == nullptr) return asked;
  const engine_api::Reservation reservation = engine_api::reservation_of(*host_config);
  asked.nano_cpus = reservation.nano_cpus;
  asked.memory_bytes = reservation.memory_bytes;
  return asked;
}

Result<void> states_what_is_counted(const json& body, const trust::Quota& quota) {
  const json* host_config = find_member(body, "HostConfig");
  const json nothing = json::object();
  const Asked asked = asked_by(body);
  const json* nano_cpus = find_member(host_config == nullptr ? nothing : *host_config, "NanoCpus");
  const bool bounds_cpus = asked.nano_cpus > 0 && nano_cpus != nullptr && nano_cpus->is_number() &&
                           nano_cpus->get<double>() > 0;
  if (quota.memory_bytes && asked.memory_bytes == 0) {
    return trust::refused("HostConfig.Memory",
                          "your quota of memory needs a bound here (--memory)");
  }
  if (quota.nano_cpus && !bounds_cpus) {
    return trust::refused("HostConfig.NanoCpus", "your quota of CPUs needs a bound here (--cpus)");
  }
  return {};
}

}  // namespace dockherd::agent
