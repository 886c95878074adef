#include "trust/create_policy.hpp"

#include <gtest/gtest.h>

#include "trust/call_policy.hpp"
#include "trust/judges.hpp"
#include "trust/log_options.hpp"
#include "trust/ownership.hpp"

namespace dockherd::trust {
namespace {

/// A body whose HostConfig has this one member.
json with_host(const std::string& member) {
  return json::parse(R"({"Image":"busybox","HostConfig":{)" + member + "}}");
}

Result<References> judged(const std::string& member, const Allowance& allow = {}) {
  return judge_create(with_host(member), allow);
}

/// Each of these gives its sender the host, or something of others.
const char* const escapes[] = {
    R"("Privileged":true)",
    R"("privileged":true)",
    R"("NetworkMode":"host")",
    R"("PidMode":"host")",
    R"("IpcMode":"host")",
    R"("UTSMode":"host")",
    R"("UsernsMode":"host")",
    R"("CgroupnsMode":"host")",
    R"("UTSMode":"container:x")",
    R"("PidMode":"ns:/proc/1/ns/pid")",
    R"("Binds":["/:/host"])",
    R"("Binds":["/etc:/etc:ro"])",
    R"("Binds":["/var/run/docker.sock:/s"])",
    R"("Binds":["/srv/../etc:/x"])",
    R"("Binds":["../../etc:/x"])",
    R"("Binds":["./x:/x"])",
    R"("Binds":["~/x:/x"])",
    R"("Binds":["data:/x:rshared"])",
    R"("Binds":"/:/host")",
    R"("Binds":[7])",
    R"("Mounts":[{"Type":"bind","Source":"/","Target":"/host"}])",
    R"("Mounts":[{"type":"bind","source":"/etc","Target":"/host"}])",
    R"("Mounts":[{"Type":"bind","Target":"/host"}])",
    R"("Mounts":[{"Type":"npipe","Source":"/x","Target":"/host"}])",
    R"("Mounts":[{"Type":"image","Source":"x","Target":"/host"}])",
    R"("Mounts":[{"Source":"x","Target":"/host"}])",
    R"("Mounts":[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Name":"local",)"
    R"("Options":{"type":"none","o":"bind","device":"/"}}}}])",
    R"("Mounts":[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Name":"nfs"}}}])",
    R"("Mounts":[{"Type":"volume","Source":"v","Target":"/x",)"
    R"("VolumeOptions":{"Labels":{"dockherd.owner":"bob"}}}])",
    R"("Mounts":[{"Type":"volume","Target":"/x","BindOptions":{"Propagation":"rshared"}}])",
    R"("Mounts":[{"Type":"volume","Target":"/x","ClusterOptions":{}}])",
    R"("Devices":[{"PathOnHost":"/dev/sda","PathInContainer":"/dev/sda"}])",
    R"("Devices":[{}])",
    R"("DeviceRequests":[{"Count":-1}])",
    R"("DeviceCgroupRules":["c 1:3 rwm"])",
    R"("CapAdd":["SYS_ADMIN"])",
    R"("CapAdd":["cap_net_admin"])",
    R"("CapAdd":["ALL"])",
    R"("Capabilities":["SYS_ADMIN"])",
    R"("SecurityOpt":["seccomp=unconfined"])",
    R"("SecurityOpt":["apparmor=unconfined"])",
    R"("SecurityOpt":["label=disable"])",
    R"("SecurityOpt":["systempaths=unconfined"])",
    R"("Runtime":"evil")",
    R"("CgroupParent":"/system.slice")",
    R"("Cgroup":"container:x")",
    R"("Sysctls":{"net.ipv4.ip_forward":"1"})",
    R"("MaskedPaths":[])",
    R"("ReadonlyPaths":[])",
    R"("OomScoreAdj":-1000)",
    R"("OomKillDisable":true)",
    R"("VolumeDriver":"sshfs")",
    R"("StorageOpt":{"size":"1t"})",
    R"("LogConfig":{"Type":"syslog"})",
    R"("LogConfig":{"Type":"json-file","Config":{"path":"/etc/cron.d/x"}})",
    R"("LogConfig":{"Type":"json-file","Config":{"tag":"{{pad .ID 200000000000 0}}"}})",
    R"("LogConfig":{"Type":"local","Config":{"mode":"non-blocking","max-buffer-size":"1t"}})",
    R"("Annotations":{"io.katacontainers.config.hypervisor.path":"/x"})",
    R"("CpuRealtimeRuntime":950000)",
    R"("BlkioWeightDevice":[{"Path":"/dev/sda","Weight":10}])",
    R"("Isolation":"process")",
    R"("Memory":1,"memory":2)",
    R"("MaſkedPaths":[])",
    R"("AnythingNew":true)",
};

/// Plain containers, as the docker command and compose make them.
const char* const plain[] = {
    R"("Privileged":false,"Binds":null,"NetworkMode":"default","PidMode":"","IpcMode":"private")",
    R"("NetworkMode":"bridge","CgroupnsMode":"private","Devices":[],"CapAdd":null)",
    R"("MaskedPaths":null,"ReadonlyPaths":null,"Sysctls":{},"DeviceRequests":null)",
    R"("PortBindings":{"80/tcp":[{"HostPort":"8080"}]},"PublishAllPorts":true)",
    R"("Memory":67108864,"NanoCpus":500000000,"RestartPolicy":{"Name":"always"})",
    R"("LogConfig":{"Type":"","Config":{}},"VolumeDriver":"","Runtime":"runc")",
    R"("LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}})",
    R"("LogConfig":{"Type":"","Config":{"tag":"{{.Name}}/{{.ID}}","max-buffer-size":"4m"}})",
    R"("SecurityOpt":["no-new-privileges"],"CapDrop":["ALL"],"OomScoreAdj":100)",
    R"("Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1}}])",
    R"("Mounts":[{"Type":"volume","Target":"/t"}],"Tmpfs":{"/run":"size=1m"})",
    R"("Binds":["/data"],"OomKillDisable":false,"ConsoleSize":[0,0],"IOMaximumIOps":0)",
};

TEST(CreatePolicy, what_would_give_an_operator_the_host_is_refused_by_name) {
  for (const char* member : escapes) {
    const auto answer = judged(member);
    ASSERT_FALSE(answer) << member;
    EXPECT_EQ(answer.error().docker_status, 403) << member;
    EXPECT_FALSE(answer.error().field.empty()) << member;
  }
}

TEST(CreatePolicy, plain_containers_are_permitted) {
  for (const char* member : plain) {
    const auto answer = judged(member);
    EXPECT_TRUE(answer) << member << ": " << (answer ? "" : answer.error().message);
  }
}

TEST(CreatePolicy, a_member_of_the_outermost_object_that_is_not_known_is_refused) {
  // As old clients write HostConfig's members; dockerd reads them.
  EXPECT_FALSE(judge_create(json::parse(R"({"Image":"x","Privileged":true})"), {}));
  EXPECT_FALSE(judge_create(json::parse(R"({"Image":"x","Binds":["/:/x"]})"), {}));
  EXPECT_FALSE(judge_create(json::parse(R"({"HostConfig":{},"hostconfig":{}})"), {}));
  EXPECT_FALSE(judge_create(json::parse("[]"), {}));
  EXPECT_FALSE(judge_create(json::parse(R"({"HostConfig":7})"), {}));
}

TEST(CreatePolicy, what_the_user_is_allowed_is_permitted) {
  Allowance allow;
  allow.privileged = true;
  allow.gpus = true;
  allow.mounts = {"/srv/data"};
  allow.devices = {"/dev/fuse"};
  allow.capabilities = {"NET_ADMIN"};
  allow.host_namespaces = {"network", "pid"};
  allow.security_options = {"seccomp=unconfined"};
  allow.sysctls = {"net.ipv4.ip_forward"};
  allow.runtimes = {"runsc"};
  allow.log_drivers = {"syslog"};
  for (const char* member :
       {R"("Privileged":true)", R"("DeviceRequests":[{"Count":-1}])",
        R"("Binds":["/srv/data:/d","/srv/data/x:/y:ro"])",
        R"("Mounts":[{"Type":"bind","Source":"/srv/./data/","Target":"/d"}])",
        R"("Devices":[{"PathOnHost":"/dev/fuse"}])", R"("CapAdd":["cap_net_admin","NET_ADMIN"])",
        R"("NetworkMode":"host","PidMode":"host")", R"("SecurityOpt":["seccomp=unconfined"])",
        R"("Sysctls":{"net.ipv4.ip_forward":"1"})", R"("Runtime":"runsc")",
        R"("LogConfig":{"Type":"syslog","Config":{"syslog-address":"udp://x"}})"}) {
    const auto answer = judged(member, allow);
    EXPECT_TRUE(answer) << member << ": " << (answer ? "" : answer.error().message);
  }
}

TEST(CreatePolicy, an_allowed_directory_ends_at_its_name) {
  Allowance allow;
  allow.mounts = {"/srv/data", "/run"};
  EXPECT_FALSE(judged(R"("Binds":["/srv/database:/x"])", allow));
  EXPECT_FALSE(judged(R"("Binds":["/srv:/x"])", allow));
  EXPECT_FALSE(judged(R"("Binds":["/srv/data/../secret:/x"])", allow));
  EXPECT_FALSE(judged(R"("Binds":["/run/docker.sock:/x"])", allow));
  EXPECT_FALSE(judged(R"("Binds":["/run:/x"])", allow));
  EXPECT_TRUE(judged(R"("Binds":["/run/mine:/x"])", allow));
  allow.docker_socket = true;
  EXPECT_TRUE(judged(R"("Binds":["/run/docker.sock:/x"])", allow));
}

TEST(CreatePolicy, what_may_be_somebody_elses_is_named) {
  const auto answer = judge_create(json::parse(R"({"HostConfig":{
    "NetworkMode":"front","PidMode":"container:a","VolumesFrom":["b:ro"],"Links":["c:db"],
    "Binds":["data:/d"],"Mounts":[{"Type":"volume","Source":"more","Target":"/m"}]},
    "NetworkingConfig":{"EndpointsConfig":{"back":{"Links":["d:x"],"NetworkID":"n1"},
                                           "bridge":{}}}})"),
                                   {});
  ASSERT_TRUE(answer) << answer.error().message;
  References expected;
  expected.containers = {"a", "b", "c", "d"};
  expected.volumes = {"data", "more"};
  expected.networks = {"front", "back", "n1"};
  EXPECT_EQ(*answer, expected);
}

TEST(CreatePolicy, a_tag_of_the_log_is_no_program) {
  for (const char* tag : {"", "web", "{.ID}", "a{{.ID}}b{{.FullID}}", "{{.Name}}.{{.ImageName}}",
                          "{{.DaemonName}}}}", "{ {", "100 %"}) {
    EXPECT_TRUE(is_plain_log_tag(tag)) << tag;
  }
  for (const char* tag : {"{{pad .ID 200000000000 0}}", "{{.ID}}{{pad .ID 9 0}}", "{{ .ID }}",
                          "{{- .ID}}", "{{{.ID}}", "{{.ID", "{{", "{{{{.ID}}.ID}}",
                          "{{.ContainerEnv}}", "{{.ID|printf \"%9s\"}}"}) {
    EXPECT_FALSE(is_plain_log_tag(tag)) << tag;
  }
  Allowance allow;
  allow.log_drivers = {"syslog"};
  const std::string begin = R"("LogConfig":{"Type":"syslog","Config":{"syslog-address":"udp://x",)";
  EXPECT_TRUE(judged(begin + R"("tag":"{{.ID}}","max-buffer-size":"1m"}})", allow));
  EXPECT_FALSE(judged(begin + R"("tag":"{{pad .ID 9 0}}"}})", allow));
  EXPECT_FALSE(judged(begin + R"("tag":["x"]}})", allow));
  EXPECT_FALSE(judged(begin + R"("max-buffer-size":"1g"}})", allow));
}

TEST(CreatePolicy, the_buffer_of_a_log_is_bounded) {
  for (const char* size : {"0", "1", "67108864", "67108864b", "65536k", "64m", "64M", "0g"}) {
    EXPECT_TRUE(is_modest_buffer(size)) << size;
  }
  for (const char* size : {"", "m", "-1", "1.5m", "65m", "1g", "1t", "67108865", "65537k", "1mb",
                           "1 m", "99999999999999999999", "67108864g", "1e3"}) {
    EXPECT_FALSE(is_modest_buffer(size)) << size;
  }
}

TEST(CreatePolicy, labels_are_bounded_in_all_together) {
  const auto labelled = [](std::size_t bytes) {
    const json labels{{"a", std::string(bytes / 2 - 1, 'x')},
                      {"b", std::string(bytes - bytes / 2 - 1, 'y')}};
    return json{{"labels", labels}};
  };
  for (const auto judge : {judge_network, judge_volume}) {
    EXPECT_TRUE(judge(labelled(most_label_bytes)));
    EXPECT_EQ(judge(labelled(most_label_bytes + 1)).error().field, "Labels");
    EXPECT_FALSE(judge(json::parse(R"({"Labels":["a=b"]})")));
    EXPECT_TRUE(judge(json::parse(R"({"Labels":null})")));
  }
  EXPECT_TRUE(judge_create(labelled(most_label_bytes), {}));
  EXPECT_EQ(judge_create(labelled(most_label_bytes + 1), {}).error().field, "Labels");
  json mount{{"Type", "volume"}, {"Target", "/t"}};
  mount["VolumeOptions"] = labelled(most_label_bytes + 1);
  json body;
  body["HostConfig"]["Mounts"] = json::array({mount});
  EXPECT_FALSE(judge_create(body, {}));
}

TEST(CreatePolicy, named_volumes_are_a_hundred_at_most) {
  json binds = json::array();
  for (int i = 0; i < 100; ++i) binds.push_back("v" + std::to_string(i) + ":/x");
  json body;
  body["HostConfig"]["Binds"] = binds;
  body["HostConfig"]["Mounts"] = json::parse(R"([{"Type":"volume","Source":"v7","Target":"/m"}])");
  EXPECT_TRUE(judge_create(body, {}));
  body["HostConfig"]["Mounts"][0]["Source"] = "more";
  const auto answer = judge_create(body, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().docker_status, 403);
  EXPECT_NE(answer.error().message.find("101 volumes"), std::string::npos);
}

TEST(CreatePolicy, containers_are_named_by_their_ids) {
  json body = json::parse(
      R"({"HostConfig":{"PidMode":"container:a","VolumesFrom":["b:ro","b"],"IpcMode":"private"}})");
  name_by_id(body, {{"a", "1111"}, {"b", "2222"}});
  EXPECT_EQ(body, json::parse(R"({"HostConfig":{"PidMode":"container:1111",
                                  "VolumesFrom":["2222:ro","2222"],"IpcMode":"private"}})"));
}

TEST(CreatePolicy, an_operator_owns_what_he_makes) {
  const Principal ann{"ann", Role::operator_};
  const Principal root{"root", Role::admin};
  EXPECT_EQ(*owner_for(ann, std::nullopt), "ann");
  EXPECT_EQ(*owner_for(ann, "ann"), "ann");
  EXPECT_FALSE(owner_for(ann, "bob"));
  EXPECT_FALSE(owner_for(ann, ""));
  EXPECT_EQ(*owner_for(root, "bob"), "bob");
  json body = json::parse(R"({"labels":{"a":"b"}})");
  set_owner(body, "ann");
  EXPECT_EQ(body, json::parse(R"({"labels":{"a":"b","dockherd.owner":"ann"}})"));
  EXPECT_EQ(owner_in(body)->value_or(""), "ann");
  EXPECT_FALSE(owner_in(json::parse(R"({"Labels":["dockherd.owner=bob"]})")));
}

TEST(CreatePolicy, a_network_is_joined_without_options) {
  EXPECT_TRUE(judge_connection(
      json::parse(R"({"Container":"c","EndpointConfig":{"Aliases":["db"],"Links":null}})")));
  EXPECT_FALSE(
      judge_connection(json::parse(R"({"Container":"c","EndpointConfig":{"Links":["x:y"]}})")));
}

TEST(CreatePolicy, execs_updates_networks_and_volumes_have_theirs) {
  EXPECT_TRUE(judge_exec(json::parse(R"({"Cmd":["sh"],"User":"root","Privileged":false})")));
  EXPECT_FALSE(judge_exec(json::parse(R"({"Cmd":["sh"],"privileged":true})")));
  EXPECT_FALSE(judge_exec(json::parse(R"({"Cmd":["sh"],"New":1})")));
  EXPECT_TRUE(judge_update(json::parse(R"({"Memory":1,"RestartPolicy":{"Name":"no"}})"), {}));
  EXPECT_FALSE(judge_update(json::parse(R"({"Devices":[{}]})"), {}));
  Quota quota;
  quota.memory_bytes = 1;
  EXPECT_FALSE(judge_update(json::parse(R"({"Memory":2})"), quota));
  EXPECT_TRUE(judge_update(json::parse(R"({"Memory":0,"NanoCpus":5})"), quota));
  EXPECT_TRUE(judge_network(json::parse(R"({"Name":"n","Driver":"bridge","Options":{},
                                           "IPAM":{"Driver":"default","Options":null,"Config":[]}})")));
  for (const char* body :
       {R"({"Name":"n","Driver":"macvlan"})", R"({"Name":"n","Driver":"host"})",
        R"({"Name":"n","Options":{"parent":"eth0"}})",
        R"({"Name":"n","ConfigFrom":{"Network":"x"}})", R"({"Name":"n","Scope":"swarm"})",
        R"({"Name":"n","IPAM":{"Config":[{"Subnet":"10.0.0.0/8"}]}})",
        R"({"Name":"n","IPAM":{"Driver":"other"}})"}) {
    EXPECT_FALSE(judge_network(json::parse(body))) << body;
  }
  EXPECT_TRUE(judge_volume(json::parse(R"({"Name":"v","Driver":"local","DriverOpts":{}})")));
  EXPECT_FALSE(judge_volume(json::parse(R"({"Name":"v","DriverOpts":{"device":"/"}})")));
  EXPECT_FALSE(judge_volume(json::parse(R"({"Name":"v","Driver":"nfs"})")));
}

}  // namespace
}  // namespace dockherd::trust
