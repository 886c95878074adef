// Any JSON as the body of a call of Docker's: what the policies let through for an operator gives
// nothing away, as a daemon reads it, and the rules of placement change nothing about that.
#include <algorithm>
#include <filesystem>
#include <functional>

#include "agent/key_labels.hpp"
#include "engine_api/create_rules.hpp"
#include "engine_api/placement_filter.hpp"
#include "engine_api/reservation.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "trust/call_policy.hpp"
#include "trust/create_policy.hpp"
#include "trust/ownership.hpp"

namespace {

using namespace dockherd;
using namespace dockherd::engine_api;

// --- as a daemon reads ---------------------------------------------------------------------------

/// Go's encoding/json takes a key for a member's name when both are the same once folded: letters
/// in any case, the Kelvin sign for a k, and the long s for an s.
std::string folded(std::string text) {
  for (const auto& [sign, letter] : {std::pair("\u212a", "k"), std::pair("\u017f", "s")}) {
    for (auto at = text.find(sign); at != text.npos; at = text.find(sign, at)) {
      text.replace(at, std::string_view(sign).size(), letter);
    }
  }
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

/// Every value that a daemon may take for the member.
std::vector<const json*> members(const json& object, const char* name) {
  std::vector<const json*> found;
  if (!object.is_object()) return found;
  for (const auto& [key, value] : object.items()) {
    if (folded(key) == folded(name) && !value.is_null()) found.push_back(&value);
  }
  return found;
}

bool all(const json& object, const char* name, const std::function<bool(const json&)>& holds) {
  const auto found = members(object, name);
  return std::all_of(found.begin(), found.end(), [&](const json* value) { return holds(*value); });
}

bool each(const json& object, const char* name, const std::function<bool(const json&)>& holds) {
  return all(object, name, [&](const json& list) {
    return list.is_array() && std::all_of(list.begin(), list.end(), holds);
  });
}

bool is_empty(const json& value) {
  return value == false || value == "" || value == 0 || value == 0.0 || value == json::array() ||
         value == json::object();
}

bool is_text_of(const json& value, std::initializer_list<const char*> texts) {
  return std::any_of(texts.begin(), texts.end(), [&](const char* text) { return value == text; });
}

/// A user who may mount one directory of the host, or none.
struct Allowed {
  bool srv_data = true;

  trust::Allowance allowance() const {
    trust::Allowance allow;
    if (srv_data) allow.mounts = {"/srv/data"};
    return allow;
  }
  bool is_path(const std::string& path) const {
    const std::string normal = std::filesystem::path(path).lexically_normal().string();
    return srv_data && path.starts_with('/') &&
           (normal == "/srv/data" || normal.starts_with("/srv/data/"));
  }
  bool is_bind(const json& bind) const;
  bool is_mount(const json& mount) const;
  bool is_host_config(const json& host) const;
};

/// "SOURCE:TARGET:OPTIONS", "SOURCE:TARGET" or "TARGET".
bool Allowed::is_bind(const json& bind) const {
  if (!bind.is_string()) return false;
  const auto text = bind.get<std::string>();
  const auto colon = text.find(':');
  if (colon == text.npos) return true;
  const auto options = text.find(':', colon + 1);
  for (const char* spreading : {",shared", ":shared", "rshared", "slave"}) {
    if (options != text.npos && text.find(spreading, options) != text.npos) return false;
  }
  const std::string source = text.substr(0, colon);
  return source.find('/') == source.npos ? !source.empty() && source.front() != '.'
                                         : is_path(source);
}

bool Allowed::is_mount(const json& mount) const {
  const bool is_bind = !all(mount, "Type", [](const json& type) { return type != "bind"; });
  const bool may_have = all(mount, "Source", [this](const json& source) {
    return source.is_string() && is_path(source.get<std::string>());
  });
  const bool plain = all(mount, "VolumeOptions", [](const json& options) {
    return all(options, "DriverConfig", [](const json& driver) {
      return all(driver, "Options", is_empty) && all(driver, "Name", [](const json& name) {
               return is_text_of(name, {"", "local"});
             });
    });
  });
  return plain && !members(mount, "Type").empty() && (!is_bind || may_have) &&
         all(mount, "Type", [](const json& type) {
           return is_text_of(type, {"bind", "volume", "tmpfs"});
         });
}

/// Nothing of the host but that directory.
bool Allowed::is_host_config(const json& host) const {
  for (const char* mode :
       {"NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode"}) {
    if (!all(host, mode, [](const json& value) { return value.is_string() && value != "host"; })) {
      return false;
    }
  }
  for (const char* name :
       {"Privileged", "Devices", "DeviceRequests", "DeviceCgroupRules", "CapAdd", "Capabilities",
        "Sysctls", "CgroupParent", "Cgroup", "StorageOpt", "Annotations", "OomKillDisable"}) {
    if (!all(host, name, is_empty)) return false;
  }
  const auto no_option = [](const json& option) {
    return option.is_string() && option.get<std::string>().starts_with("no-new-privileges");
  };
  const auto is_plain_log = [](const json& log) {
    // What is no text a daemon refuses.
    return all(log, "Type", [](const json& type) {
      return !type.is_string() || is_text_of(type, {"", "json-file", "local", "none", "default"});
    });
  };
  const auto nothing = [](const json&) { return false; };
  return each(host, "SecurityOpt", no_option) && all(host, "LogConfig", is_plain_log) &&
         all(host, "MaskedPaths", nothing) && all(host, "ReadonlyPaths", nothing) &&
         all(host, "Runtime",
             [](const json& name) {
               return is_text_of(name, {"", "runc"});
             }) &&
         all(host, "VolumeDriver",
             [](const json& name) {
               return is_text_of(name, {"", "local"});
             }) &&
         each(host, "Binds", [this](const json& bind) { return is_bind(bind); }) &&
         each(host, "Mounts", [this](const json& mount) { return is_mount(mount); });
}

// --- what is checked -----------------------------------------------------------------------------

constexpr Allowed with_data;
constexpr Allowed with_nothing{false};

auto is_harmless(const Allowed& allowed) {
  return [allowed](const json& host) { return allowed.is_host_config(host); };
}

void check_references(json body, const trust::References& references) {
  std::map<std::string, std::string> ids;
  for (const std::string& name : references.containers) ids[name] = std::string(64, 'a');
  trust::name_by_id(body, ids);
  fuzz::require(trust::judge_create(body, with_data.allowance()).has_value());
}

/// True when an operator may send it.
bool check_create(json& body) {
  const auto judged = trust::judge_create(body, with_data.allowance());
  const bool without = trust::judge_create(body, with_nothing.allowance()).has_value();
  fuzz::require(judged || !without);
  if (!judged) {
    fuzz::require(!judged.error().message.empty() && judged.error().docker_status == 403);
    return false;
  }
  fuzz::require(all(body, "HostConfig", is_harmless(with_data)));
  fuzz::require(!without || all(body, "HostConfig", is_harmless(with_nothing)));
  check_references(body, *judged);
  const trust::Principal ann("ann", trust::Role::operator_);
  if (!trust::claim_for(ann, body)) return false;
  const auto labels = members(body, "Labels");
  fuzz::require(labels.size() == 1 && labels.front()->is_object());
  fuzz::require(labels.front()->at(std::string(trust::owner_label)) == "ann");
  const auto again = trust::judge_create(body, with_data.allowance());
  fuzz::require(again && *again == *judged);
  return true;
}

std::vector<HostFacts> some_hosts() {
  std::vector<HostFacts> hosts(3);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    hosts[i].id = "id" + std::to_string(i);
    hosts[i].name = "h" + std::to_string(i);
    hosts[i].labels = {{"storage", i == 0 ? "ssd" : "disk"}};
    hosts[i].containers = {{std::string(64, static_cast<char>('a' + i)), {"/web"}, {{"a", "b"}}}};
    hosts[i].images = {"redis:7", "sha256:0123456789abcdef"};
    hosts[i].volumes = {"data"};
  }
  hosts[2].in_pool = false;
  return hosts;
}

void check_placement(const CreateRules& rules) {
  const std::vector<HostFacts> hosts = some_hosts();
  const FilterOutcome outcome = filter_hosts(rules, hosts);
  fuzz::require(outcome.fitting.size() + outcome.refusals.size() == hosts.size());
  fuzz::require(std::is_sorted(outcome.fitting.begin(), outcome.fitting.end()));
  fuzz::require(std::find(outcome.fitting.begin(), outcome.fitting.end(), 2) ==
                outcome.fitting.end());
  for (const auto& refusal : outcome.refusals) fuzz::require(!refusal.reason.empty());

  ReservationLedger ledger;
  ledger.put("x", rules.reservation, true);
  const Capacity capacity{1 << 30, 4'000'000'000};
  const auto why = ledger.why_not(rules.reservation, capacity, 0.05, std::nullopt);
  fuzz::require(!why || !why->empty());
  const bool asks_ports = !rules.reservation.ports.empty();
  if (asks_ports && rules.reservation.ports.front().first == rules.reservation.ports.front().last) {
    fuzz::require(why.has_value());
  }
  ledger.put("x", rules.reservation, false);
  ledger.remove("x");
  fuzz::require(ledger.totals().memory_bytes == 0 && ledger.totals().nano_cpus == 0);
  fuzz::require(!ledger.why_not(rules.reservation, Capacity(), 0, std::nullopt));
}

void check_rules(json body, bool permitted) {
  const auto rules = read_create_rules(body);
  if (!rules) return;
  fuzz::require(!permitted || all(body, "HostConfig", is_harmless(with_data)));
  json again = body;
  const auto same = read_create_rules(again);
  fuzz::require(same && again == body);
  fuzz::require(same->constraints.size() == rules->constraints.size());
  fuzz::require(same->reschedule_policy == rules->reschedule_policy);
  fuzz::require(same->reservation == rules->reservation && same->volumes == rules->volumes);
  fuzz::require(rules->reservation.memory_bytes >= 0 && rules->reservation.nano_cpus >= 0);
  check_placement(*rules);
}

void check_calls(const json& body) {
  if (trust::judge_exec(body)) fuzz::require(all(body, "Privileged", is_empty));
  if (trust::judge_volume(body)) fuzz::require(all(body, "DriverOpts", is_empty));
  if (trust::judge_network(body)) {
    fuzz::require(all(body, "Options", is_empty));
    fuzz::require(all(body, "Driver", [](const json& name) {
      return is_text_of(name, {"", "default", "bridge"});
    }));
  }
  if (trust::judge_connection(body)) {
    fuzz::require(all(body, "EndpointConfig",
                      [](const json& endpoint) { return all(endpoint, "Links", is_empty); }));
  }
  trust::Quota quota;
  if (trust::judge_update(body, quota)) fuzz::require(all(body, "Devices", is_empty));
  quota.memory_bytes = quota.nano_cpus = 1;
  if (!trust::judge_update(body, quota)) return;
  fuzz::require(trust::judge_update(body, trust::Quota()).has_value());
  fuzz::require(all(body, "Memory", is_empty) && all(body, "NanoCpus", is_empty));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto body = parse_json(fuzz::text_of(data, size));
  if (!body) return 0;
  check_calls(*body);
  const bool permitted = check_create(*body);
  if (!body->is_object()) return 0;
  for (const char* name : {"0123456789ab_web", "web"}) {
    fuzz::require(replaced_container(*body, name).size() <= 12);
  }
  check_rules(*body, permitted);
  return 0;
}
