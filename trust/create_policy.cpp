#include "trust/create_policy.hpp"

#include <algorithm>

#include "trust/host_paths.hpp"
#include "trust/judges.hpp"
#include "trust/log_options.hpp"

namespace dockherd::trust {

namespace {

constexpr std::string_view container_prefix = "container:";
constexpr std::size_t most_named_volumes = 100;

/// The judges of one body: what its sender is allowed, and what they have met.
class Policy {
 public:
  explicit Policy(const Allowance& allow) : allow_(allow) {}

  Result<void> judge_body(const json& body);
  References take_references() { return std::move(references_); }

 private:
  using Text = const std::string&;
  std::vector<Member> host_config();

  Result<void> judge_bind(Text place, const json& value);
  Result<void> judge_mount(Text place, const json& mount);
  Result<void> judge_host_path(Text place, std::string_view path);
  Result<void> judge_volume_options(Text place, const json& options);
  Result<void> judge_device(Text place, const json& device);
  Result<void> judge_capability(Text place, const json& value);
  Result<void> judge_security(Text place, const json& value);
  Result<void> judge_sysctls(Text place, const json& value);
  Result<void> judge_log(Text place, const json& value);
  Result<void> judge_runtime(Text place, const json& value);
  Result<void> judge_network_mode(Text place, const json& value);
  Result<void> judge_namespace(Text place, const json& value, std::string_view name);
  Result<void> judge_networking(Text place, const json& value);
  Result<void> judge_endpoint(Text place, const json& value);
  Result<void> note_container(Text place, const json& value);

  const Allowance& allow_;
  References references_;
};

// --- the policy ----------------------------------------------------------------------------------

std::vector<Member> container_config() {
  return harmless(
      {"Hostname",        "Domainname",  "User",      "AttachStdin", "AttachStdout", "AttachStderr",
       "ExposedPorts",    "Tty",         "OpenStdin", "StdinOnce",   "Env",          "Cmd",
       "Healthcheck",     "ArgsEscaped", "Image",     "Volumes",     "WorkingDir",   "Entrypoint",
       "NetworkDisabled", "MacAddress",  "OnBuild",   "StopSignal",  "StopTimeout",  "Shell"});
}

std::vector<Member> harmless_host_config() {
  // clang-format off
  return harmless({
      "Memory", "MemorySwap", "MemoryReservation", "MemorySwappiness", "KernelMemory",
      "KernelMemoryTCP", "NanoCpus", "CpuShares", "CpuPeriod", "CpuQuota", "CpusetCpus",
      "CpusetMems", "CpuCount", "CpuPercent", "BlkioWeight", "PidsLimit", "Ulimits", "ShmSize",
      "RestartPolicy", "AutoRemove", "Init", "ReadonlyRootfs", "Tmpfs", "CapDrop", "GroupAdd",
      "PortBindings", "PublishAllPorts", "Dns", "DnsOptions", "DnsSearch", "ExtraHosts",
      "ConsoleSize", "ContainerIDFile"});
  // clang-format on
}

/// May be there, but say nothing: nothing in `allow` permits more.
std::vector<Member> empty_host_config() {
  std::vector<Member> members;
  for (const std::string_view name :
       {"DeviceCgroupRules", "Cgroup", "CgroupParent", "Capabilities", "StorageOpt", "Annotations",
        "OomKillDisable", "CpuRealtimePeriod", "CpuRealtimeRuntime", "BlkioWeightDevice",
        "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps",
        "IOMaximumIOps", "IOMaximumBandwidth"}) {
    members.push_back({name, nothing()});
  }
  return members;
}

/// Without masks a container reads and writes the host's /proc; an empty list takes them off.
Result<void> judge_masks(const std::string& place, const json&) {
  return refused(place, "it must be left out");
}

/// Each of them is a call to the daemon, which also makes the volumes that are not there.
Result<void> judge_volume_count(std::size_t count) {
  if (count <= most_named_volumes) return {};
  return refused("HostConfig.Binds with HostConfig.Mounts",
                 "they name " + std::to_string(count) + " volumes; operators may have at most " +
                     std::to_string(most_named_volumes));
}

Result<void> judge_oom_score(const std::string& place, const json& value) {
  if (value.is_number_unsigned()) return {};
  return refused(place, "the kernel would rather end other programs of the host");
}

std::vector<Member> Policy::host_config() {
  const auto by = [this](Result<void> (Policy::*judge)(Text, const json&)) -> Judge {
    return [this, judge](Text place, const json& value) { return (this->*judge)(place, value); };
  };
  const auto shares = [this](std::string_view name) -> Judge {
    return
        [this, name](Text place, const json& value) { return judge_namespace(place, value, name); };
  };
  std::vector<Member> members{{"Privileged", with_flag(allow_.privileged, "privileged")},
                              {"NetworkMode", by(&Policy::judge_network_mode)},
                              {"PidMode", shares("pid")},
                              {"IpcMode", shares("ipc")},
                              {"UTSMode", shares("uts")},
                              {"UsernsMode", shares("user")},
                              {"CgroupnsMode", shares("cgroup")},
                              {"Binds", each(by(&Policy::judge_bind))},
                              {"Mounts", each(by(&Policy::judge_mount))},
                              {"VolumesFrom", each(by(&Policy::note_container))},
                              {"Links", each(by(&Policy::note_container))},
                              {"VolumeDriver", one_of({"", "local"})},
                              {"Devices", each(by(&Policy::judge_device))},
                              {"DeviceRequests", with_flag(allow_.gpus, "gpus")},
                              {"CapAdd", each(by(&Policy::judge_capability))},
                              {"SecurityOpt", each(by(&Policy::judge_security))},
                              {"Runtime", by(&Policy::judge_runtime)},
                              {"Sysctls", by(&Policy::judge_sysctls)},
                              {"LogConfig", by(&Policy::judge_log)},
                              {"MaskedPaths", judge_masks},
                              {"ReadonlyPaths", judge_masks},
                              {"OomScoreAdj", judge_oom_score},
                              {"Isolation", one_of({"", "default"})}};
  for (const auto& more : {harmless_host_config(), empty_host_config()}) {
    members.insert(members.end(), more.begin(), more.end());
  }
  return members;
}

Result<void> Policy::judge_body(const json& body) {
  std::vector<Member> members = container_config();
  members.push_back({"Labels", judge_labels});
  members.push_back({"HostConfig", [this](Text place, const json& value) {
                       return judge_members(value, place + ".", host_config());
                     }});
  members.push_back({"NetworkingConfig", [this](Text place, const json& value) {
                       return judge_networking(place, value);
                     }});
  if (auto judged = judge_members(body, "", members); !judged) return judged;
  return judge_volume_count(references_.volumes.size());
}

// --- mounts --------------------------------------------------------------------------------------

Result<void> Policy::judge_host_path(Text place, std::string_view path) {
  const auto normal = normal_path(path);
  if (!normal) return refused(place, quote_json(path) + " is no absolute path within the root");
  if (gives_docker(*normal) && !allow_.docker_socket) {
    return refused(place, *normal +
                              " gives Docker itself, and with it the host; it needs "
                              "\"dockerSocket\": true in the user's \"allow\"");
  }
  if (is_within_any(*normal, allow_.mounts)) return {};
  return refused(place, *normal + " of the host; " + needs("mounts", *normal));
}

/// "SOURCE:TARGET:OPTIONS", "SOURCE:TARGET" or "TARGET".
Result<void> Policy::judge_bind(Text place, const json& value) {
  static constexpr std::string_view harmless_options[] = {
      "ro", "rw", "z", "Z", "nocopy", "private", "rprivate", "consistent", "cached", "delegated"};
  const std::string bind = text_in(value);
  if (bind.empty()) return refused(place, "it must be a list of texts");
  const auto colon = bind.find(':');
  if (colon == bind.npos) return {};
  const std::string source = bind.substr(0, colon);
  const auto second = bind.find(':', colon + 1);
  std::string_view options;
  if (second != bind.npos) options = std::string_view(bind).substr(second + 1);
  while (!options.empty()) {
    const std::string_view option = options.substr(0, options.find(','));
    options.remove_prefix(std::min(option.size() + 1, options.size()));
    const bool known = std::find(std::begin(harmless_options), std::end(harmless_options),
                                 option) != std::end(harmless_options);
    if (!known) return refused(place, "operators may not mount with " + quote_json(option));
  }
  if (source.find('/') != source.npos || source.starts_with('.') || source.empty()) {
    return judge_host_path(place, source);
  }
  references_.volumes.insert(source);
  return {};
}

Result<void> Policy::judge_mount(Text place, const json& mount) {
  const json* type = find_member(mount, "Type");
  const json* source_member = find_member(mount, "Source");
  const std::string kind = type == nullptr ? "" : text_in(*type);
  const std::string source = source_member == nullptr ? "" : text_in(*source_member);
  if (kind != "bind" && kind != "volume" && kind != "tmpfs") {
    return refused(place, "operators may mount what is of type bind, volume and tmpfs, not " +
                              quote_json(kind));
  }
  std::vector<Member> members = harmless({"Type", "Source", "Target", "ReadOnly", "Consistency"});
  members.push_back({"BindOptions", [](Text inner, const json& value) {
                       return judge_members(value, inner + ".",
                                            {{"Propagation", one_of({"", "private", "rprivate"})},
                                             {"NonRecursive", {}},
                                             {"CreateMountpoint", {}},
                                             {"ReadOnlyNonRecursive", {}},
                                             {"ReadOnlyForceRecursive", {}}});
                     }});
  members.push_back({"VolumeOptions", [this](Text inner, const json& value) {
                       return judge_volume_options(inner, value);
                     }});
  members.push_back({"TmpfsOptions", [](Text inner, const json& value) {
                       return judge_members(
                           value, inner + ".",
                           {{"SizeBytes", {}}, {"Mode", {}}, {"Options", nothing()}});
                     }});
  if (auto judged = judge_members(mount, place + ".", members); !judged) return judged.error();
  if (kind == "bind") return judge_host_path(place, source);
  if (kind == "volume" && !source.empty()) references_.volumes.insert(source);
  return {};
}

/// The local driver mounts what its options say: a directory of the host, too.
Result<void> Policy::judge_volume_options(Text place, const json& options) {
  return judge_members(options, place + ".",
                       {{"NoCopy", {}},
                        {"Subpath", {}},
                        {"Labels",
                         [](Text inner, const json& labels) -> Result<void> {
                           if (labels.is_object() && labels.contains(std::string(owner_label))) {
                             return refused(inner, "the owner's label is set by the herd");
                           }
                           return judge_labels(inner, labels);
                         }},
                        {"DriverConfig", [](Text inner, const json& value) {
                           return judge_members(
                               value, inner + ".",
                               {{"Name", one_of({"", "local"})}, {"Options", nothing()}});
                         }}});
}

// --- devices, capabilities and the like ----------------------------------------------------------

Result<void> Policy::judge_device(Text place, const json& device) {
  const json* member = find_member(device, "PathOnHost");
  const auto path = normal_path(member == nullptr ? "" : text_in(*member));
  if (!path || !allow_.devices.contains(*path)) {
    return refused(place, needs("devices", path.value_or("the device's path")));
  }
  return judge_members(device, place + ".",
                       harmless({"PathOnHost", "PathInContainer", "CgroupPermissions"}));
}

Result<void> Policy::judge_capability(Text place, const json& value) {
  std::string name = text_in(value);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  if (name.starts_with("CAP_")) name.erase(0, 4);
  if (allow_.capabilities.contains(name)) return {};
  return refused(place, needs("capabilities", name));
}

Result<void> Policy::judge_security(Text place, const json& value) {
  const std::string option = text_in(value);
  const bool tightens = option == "no-new-privileges" || option == "no-new-privileges:true" ||
                        option == "no-new-privileges=true";
  if (tightens || allow_.security_options.contains(option)) return {};
  return refused(place, needs("securityOptions", option));
}

Result<void> Policy::judge_sysctls(Text place, const json& value) {
  if (!value.is_object()) return refused(place, "it must be an object");
  for (const auto& [key, setting] : value.items()) {
    if (!allow_.sysctls.contains(key)) return refused(place, needs("sysctls", key));
  }
  return {};
}

Result<void> Policy::judge_runtime(Text place, const json& value) {
  const std::string name = text_in(value);
  const bool usual = value.is_string() && (name.empty() || name == "runc");
  if (usual || allow_.runtimes.contains(name)) return {};
  return refused(place, needs("runtimes", name));
}

/// A driver may send a container's output anywhere, with the daemon's rights.
Result<void> Policy::judge_log(Text place, const json& value) {
  const json* type = find_member(value, "Type");
  const std::string driver = type == nullptr ? "" : text_in(*type);
  const bool usual = driver.empty() || driver == "json-file" || driver == "local" ||
                     driver == "none" || driver == "default";
  if (!usual && !allow_.log_drivers.contains(driver)) {
    return refused(place + ".Type", needs("logDrivers", driver));
  }
  const Judge options = [usual](Text inner, const json& config) {
    return judge_log_options(inner, config, usual);
  };
  return judge_members(value, place + ".", {{"Type", {}}, {"Config", options}});
}

// --- namespaces and networks ---------------------------------------------------------------------

Result<void> Policy::note_container(Text place, const json& value) {
  const std::string text = text_in(value);
  const std::string name = text.substr(0, text.find(':'));
  if (name.empty()) return refused(place, "it must be a list of containers");
  references_.containers.insert(name);
  return {};
}

Result<void> Policy::judge_namespace(Text place, const json& value, std::string_view name) {
  const std::string mode = text_in(value);
  if (value.is_string() && (mode.empty() || mode == "private")) return {};
  if (name == "ipc" && (mode == "shareable" || mode == "none")) return {};
  const bool is_shared = mode.starts_with(container_prefix) && (name == "ipc" || name == "pid");
  if (is_shared && mode.size() > container_prefix.size()) {
    references_.containers.insert(mode.substr(container_prefix.size()));
    return {};
  }
  if (mode == "host" && allow_.host_namespaces.contains(std::string(name))) return {};
  if (mode == "host") return refused(place, needs("hostNamespaces", name));
  return refused(place, "operators may not have " + dump_json(value));
}

Result<void> Policy::judge_network_mode(Text place, const json& value) {
  const std::string mode = text_in(value);
  if (mode == "host") return judge_namespace(place, value, "network");
  if (!value.is_string()) return refused(place, "it must be a text");
  if (mode.empty() || mode == "default" || mode == "bridge" || mode == "none") return {};
  if (!mode.starts_with(container_prefix)) {
    references_.networks.insert(mode);
    return {};
  }
  if (mode.size() == container_prefix.size()) return refused(place, "it names no container");
  references_.containers.insert(mode.substr(container_prefix.size()));
  return {};
}

Result<void> Policy::judge_networking(Text place, const json& value) {
  return judge_members(
      value, place + ".",
      {{"EndpointsConfig", [this](Text inner, const json& endpoints) -> Result<void> {
          if (!endpoints.is_object()) return refused(inner, "it must be an object");
          for (const auto& [network, endpoint] : endpoints.items()) {
            if (network == "host") return judge_namespace(inner, json("host"), "network");
            const bool open = network == "bridge" || network == "none" || network == "default";
            if (!open) references_.networks.insert(network);
            if (endpoint.is_null()) continue;
            std::string name = inner;
            name.append(".").append(network);
            if (auto judged = judge_endpoint(name, endpoint); !judged) return judged.error();
          }
          return {};
        }}});
}

Result<void> Policy::judge_endpoint(Text place, const json& value) {
  std::vector<Member> members = harmless(
      {"IPAMConfig", "Aliases", "EndpointID", "Gateway", "IPAddress", "IPPrefixLen", "IPv6Gateway",
       "GlobalIPv6Address", "GlobalIPv6PrefixLen", "MacAddress", "DNSNames", "GwPriority"});
  members.push_back({"NetworkID", [this](Text, const json& id) -> Result<void> {
                       if (!text_in(id).empty()) references_.networks.insert(text_in(id));
                       return {};
                     }});
  members.push_back({"Links", each([this](Text inner, const json& link) {
                       return note_container(inner, link);
                     })});
  members.push_back({"DriverOpts", nothing()});
  return judge_members(value, place + ".", members);
}

/// "NAME" and "NAME:REST" with the id in the name's place.
void put_id(json& text, std::size_t after, const std::map<std::string, std::string>& full_ids) {
  if (!text.is_string()) return;
  const std::string whole = text.get<std::string>();
  const auto end = std::min(whole.find(':', after), whole.size());
  const auto id = full_ids.find(whole.substr(after, end - after));
  if (id == full_ids.end()) return;
  text = whole.substr(0, after) + id->second + whole.substr(end);
}

json* member_of(json* object, std::string_view name) {
  return object == nullptr ? nullptr : const_cast<json*>(find_member(*object, name));
}

}  // namespace

// --- what others call ----------------------------------------------------------------------------

Result<References> judge_create(const json& body, const Allowance& allow) {
  Policy policy(allow);
  if (auto judged = policy.judge_body(body); !judged) return judged.error();
  return policy.take_references();
}

void name_by_id(json& body, const std::map<std::string, std::string>& full_ids) {
  json* host_config = member_of(&body, "HostConfig");
  for (const char* mode : {"NetworkMode", "PidMode", "IpcMode"}) {
    json* member = member_of(host_config, mode);
    const bool is_shared = member != nullptr && text_in(*member).starts_with(container_prefix);
    if (is_shared) put_id(*member, container_prefix.size(), full_ids);
  }
  for (const char* list : {"VolumesFrom", "Links"}) {
    json* elements = member_of(host_config, list);
    if (elements == nullptr || !elements->is_array()) continue;
    for (json& element : *elements) put_id(element, 0, full_ids);
  }
}

}  // namespace dockherd::trust
