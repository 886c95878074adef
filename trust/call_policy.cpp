#include "trust/call_policy.hpp"

#include "trust/judges.hpp"

namespace dockherd::trust {

Result<void> judge_update(const json& body, const Quota& quota) {
  std::vector<Member> members =
      harmless({"MemoryReservation", "KernelMemory", "KernelMemoryTCP", "CpusetCpus", "CpusetMems",
                "BlkioWeight", "PidsLimit", "RestartPolicy"});
  const Judge counted = [](const std::string& place, const json& value) -> Result<void> {
    const bool unchanged = value.is_number() && value.get<double>() == 0;
    if (unchanged) return {};
    return refused(place, "your quota counts it: make a new container with another value");
  };
  for (const std::string_view name : {"Memory", "MemorySwap"}) {
    members.push_back({name, quota.memory_bytes ? counted : Judge()});
  }
  for (const std::string_view name : {"NanoCpus", "CpuQuota", "CpuPeriod", "CpuShares"}) {
    members.push_back({name, quota.nano_cpus ? counted : Judge()});
  }
  // The docker command sends each of them, of which most say nothing.
  for (const std::string_view name :
       {"CpuRealtimePeriod", "CpuRealtimeRuntime", "CgroupParent", "BlkioWeightDevice",
        "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps",
        "Devices", "DeviceCgroupRules", "DeviceRequests", "OomKillDisable", "Ulimits", "CpuCount",
        "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth", "MemorySwappiness"}) {
    members.push_back({name, nothing()});
  }
  return judge_members(body, "", members);
}

Result<void> judge_exec(const json& body) {
  std::vector<Member> members =
      harmless({"User", "Tty", "AttachStdin", "AttachStderr", "AttachStdout", "Detach",
                "DetachKeys", "Env", "WorkingDir", "Cmd", "ConsoleSize", "Container"});
  members.push_back({"Privileged", nothing()});
  return judge_members(body, "", members);
}

Result<void> judge_network(const json& body) {
  std::vector<Member> members =
      harmless({"Name", "CheckDuplicate", "Internal", "Attachable", "EnableIPv4", "EnableIPv6"});
  members.push_back({"Labels", judge_labels});
  members.push_back({"Driver", one_of({"", "default", "bridge"})});
  members.push_back({"Scope", one_of({"", "local"})});
  for (const std::string_view name : {"Options", "Ingress", "ConfigOnly"}) {
    members.push_back({name, nothing()});
  }
  // The host's own packets for a subnet that it is told to have go to that bridge.
  members.push_back(
      {"IPAM", [](const std::string& place, const json& value) {
         return judge_members(
             value, place + ".",
             {{"Driver", one_of({"", "default"})}, {"Options", nothing()}, {"Config", nothing()}});
       }});
  members.push_back({"ConfigFrom", [](const std::string& place, const json& value) {
                       return judge_members(value, place + ".", {{"Network", nothing()}});
                     }});
  return judge_members(body, "", members);
}

Result<void> judge_connection(const json& body) {
  std::vector<Member> members = harmless({"Container", "Force"});
  members.push_back({"EndpointConfig", [](const std::string& place, const json& value) {
                       std::vector<Member> endpoint = harmless(
                           {"IPAMConfig", "Aliases", "MacAddress", "IPAddress", "IPPrefixLen",
                            "Gateway", "IPv6Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen",
                            "EndpointID", "DNSNames", "GwPriority"});
                       for (const std::string_view name : {"Links", "NetworkID", "DriverOpts"}) {
                         endpoint.push_back({name, nothing()});
                       }
                       return judge_members(value, place + ".", endpoint);
                     }});
  return judge_members(body, "", members);
}

Result<void> judge_volume(const json& body) {
  std::vector<Member> members = harmless({"Name"});
  members.push_back({"Labels", judge_labels});
  members.push_back({"Driver", one_of({"", "local"})});
  members.push_back({"DriverOpts", nothing()});
  members.push_back({"ClusterVolumeSpec", nothing()});
  return judge_members(body, "", members);
}

}  // namespace dockherd::trust
