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

/// Moby counts in hundredths of a CPU: less than one of them it takes for no bound.
constexpr std::int64_t least_nano_cpus = 10'000'000;

/// Whether no more can be swapped than a quota of memory lets a container have in memory. Left out,
/// or 0, it is the daemon's twice; -1 is without a bound.
bool bounds_swap(const json& host_config, std::int64_t memory_bytes) {
  const json* swap = find_member(host_config, "MemorySwap");
  if (swap == nullptr || swap->is_null()) return true;
  if (!swap->is_number_integer()) return false;
  const auto most = 2 * memory_bytes;
  if (swap->is_number_unsigned() && swap->get<std::uint64_t>() > static_cast<std::uint64_t>(most)) {
    return false;
  }
  const auto bytes = swap->get<std::int64_t>();
  return bytes == 0 || (bytes >= memory_bytes && bytes <= most);
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
  const json* member = find_member(body, "HostConfig");
  const json nothing = json::object();
  const json& host_config = member == nullptr ? nothing : *member;
  const Asked asked = asked_by(body);
  const json* nano_cpus = find_member(host_config, "NanoCpus");
  // Not CpuShares, which count as CPUs here and bound nothing.
  const bool bounds_cpus = asked.nano_cpus >= least_nano_cpus && nano_cpus != nullptr &&
                           nano_cpus->is_number() && nano_cpus->get<double>() > 0;
  if (quota.memory_bytes && asked.memory_bytes == 0) {
    return trust::refused("HostConfig.Memory",
                          "your quota of memory needs a bound here (--memory)");
  }
  if (quota.memory_bytes && !bounds_swap(host_config, asked.memory_bytes)) {
    return trust::refused("HostConfig.MemorySwap",
                          "with your quota of memory it must be left out, 0, or from Memory to "
                          "twice as much (--memory-swap)");
  }
  if (quota.nano_cpus && !bounds_cpus) {
    return trust::refused("HostConfig.NanoCpus",
                          "your quota of CPUs needs a bound of at least 0.01 CPUs here (--cpus)");
  }
  return {};
}

}  // namespace dockherd::agent
