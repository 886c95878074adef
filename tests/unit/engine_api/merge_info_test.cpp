#include "engine_api/merge_info.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"
#include "engine_api/node_rows.hpp"
#include "tests/unit/engine_api/answers.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using Status = NodeInfo::Status;

const HerdView& herd() {
  static const HerdView view = {.id = "HERD", .name = "any-node", .version = "0.1.0"};
  return view;
}

json info() {
  return {
      {"ID", "23XG"},
      {"Containers", 3},
      {"ContainersRunning", 2},
      {"ContainersPaused", 0},
      {"ContainersStopped", 1},
      {"Images", 4},
      {"Driver", "overlay2"},
      {"DriverStatus", parsed(R"([["Backing Filesystem","extfs"],["userxattr","false"]])")},
      {"Plugins", {{"Volume", {"local", "nfs"}}, {"Log", {"syslog"}}, {"Authorization", nullptr}}},
      {"MemoryLimit", true},
      {"Debug", false},
      {"KernelVersion", "6.1"},
      {"OperatingSystem", "Debian 12"},
      {"OSType", "linux"},
      {"Architecture", "x86_64"},
      {"NCPU", 2},
      {"MemTotal", 2147483648},
      {"Name", "host1"},
      {"Labels", {"disk=ssd", "zone=a"}},
      {"ServerVersion", "20.10.24+dfsg1"},
      {"Swarm", {{"LocalNodeState", "active"}}},
      {"SecurityOptions", {"name=seccomp,profile=default", "name=cgroupns"}},
      {"Warnings", nullptr}};
}

NodeInfo node(const std::string& name, const json& body) {
  NodeInfo node;
  node.node.id = "ID-" + name;
  node.node.name = name;
  node.node.address = "10.0.0.1:8080";
  node.status = Status::healthy;
  node.info = dump_json(body);
  return node;
}

json merged(const std::vector<NodeInfo>& nodes) {
  return parsed(merge_info(nodes, herd()).body);
}

TEST(MergeInfo, of_one_host_is_its_own_but_for_who_answers) {
  json expected = info();
  expected["ID"] = "HERD";
  expected["Name"] = "any-node";
  expected["Swarm"] = {{"NodeID", ""},
                       {"NodeAddr", ""},
                       {"LocalNodeState", "inactive"},
                       {"ControlAvailable", false},
                       {"Error", ""},
                       {"RemoteManagers", nullptr}};
  json all = merged({node("h1", info())});
  all.erase("SystemStatus");
  EXPECT_EQ(all, expected);
}

TEST(MergeInfo, sums_numbers) {
  json other = info();
  other["Containers"] = 10;
  other["ContainersPaused"] = 7;
  other["NCPU"] = 8;
  const json all = merged({node("h1", info()), node("h2", other)});
  EXPECT_EQ(all["Containers"], 13);
  EXPECT_EQ(all["ContainersRunning"], 4);
  EXPECT_EQ(all["ContainersPaused"], 7);
  EXPECT_EQ(all["ContainersStopped"], 2);
  EXPECT_EQ(all["Images"], 8);
  EXPECT_EQ(all["NCPU"], 10);
  EXPECT_EQ(all["MemTotal"], 4294967296);
}

TEST(MergeInfo, has_only_what_every_host_has) {
  json other = info();
  other["MemoryLimit"] = false;
  other["Plugins"] = {{"Volume", {"nfs", "ceph"}}, {"Log", nullptr}};
  other["SecurityOptions"] = {"name=seccomp,profile=default"};
  other["Labels"] = {"zone=a", "disk=hdd"};
  other["DriverStatus"][0][1] = "xfs";
  const json all = merged({node("h1", info()), node("h2", other)});
  EXPECT_EQ(all["MemoryLimit"], false);
  EXPECT_EQ(all["Plugins"],
            json({{"Volume", {"nfs"}}, {"Log", json::array()}, {"Authorization", nullptr}}));
  EXPECT_EQ(all["SecurityOptions"], json({"name=seccomp,profile=default"}));
  EXPECT_EQ(all["Labels"], json({"zone=a"}));
  EXPECT_EQ(all["DriverStatus"], parsed(R"([["userxattr","false"]])"));
}

TEST(MergeInfo, says_mixed_where_hosts_differ) {
  json other = info();
  other["KernelVersion"] = "5.10";
  other["Architecture"] = "aarch64";
  other.erase("Driver");
  const json all = merged({node("h1", info()), node("h2", other)});
  EXPECT_EQ(all["KernelVersion"], "mixed");
  EXPECT_EQ(all["Architecture"], "mixed");
  EXPECT_EQ(all["Driver"], "mixed");
  EXPECT_EQ(all["OperatingSystem"], "Debian 12");
  EXPECT_EQ(all["OSType"], "linux");
}

TEST(MergeInfo, tells_whose_warning_it_is) {
  json first = info();
  first["Warnings"] = {"WARNING: no swap"};
  json second = info();
  second["Warnings"] = {"WARNING: old", "WARNING: slow"};
  EXPECT_EQ(merged({node("h1", first), node("h2", info()), node("h3", second)})["Warnings"],
            json({"h1: WARNING: no swap", "h3: WARNING: old", "h3: WARNING: slow"}));
}

TEST(MergeInfo, has_the_lowest_server_version) {
  json old = info();
  old["ServerVersion"] = "19.3.9";
  json newer = info();
  newer["ServerVersion"] = "28.2.2";
  EXPECT_EQ(merged({node("h1", newer), node("h2", old), node("h3", info())})["ServerVersion"],
            "19.3.9");
}

TEST(MergeInfo, counts_healthy_hosts_only_and_names_the_others) {
  NodeInfo lost = node("h1", info());
  lost.status = Status::unhealthy;
  NodeInfo garbled = node("h2", info());
  garbled.info = "what";
  NodeInfo pending = node("h3", info());
  pending.status = Status::pending;
  pending.info.clear();
  const Merged all =
      merge_info(std::vector<NodeInfo>{lost, garbled, pending, node("h4", info())}, herd());
  EXPECT_THAT(all.left_out, ElementsAre("h1", "h2", "h3"));
  EXPECT_EQ(parsed(all.body)["Containers"], 3);
  EXPECT_EQ(parsed(all.body)["SystemStatus"][0], json({"Nodes", "4"}));
}

TEST(MergeInfo, of_no_healthy_host_still_tells_of_the_herd) {
  NodeInfo lost = node("h1", info());
  lost.status = Status::unhealthy;
  const Merged merged = merge_info(std::vector<NodeInfo>{lost}, herd());
  const json all = parsed(merged.body);
  EXPECT_EQ(merged.status, 200);
  EXPECT_EQ(all["Containers"], 0);
  EXPECT_EQ(all["NCPU"], 0);
  EXPECT_EQ(all["Name"], "any-node");
  EXPECT_EQ(all["Swarm"]["LocalNodeState"], "inactive");
  EXPECT_EQ(all["SystemStatus"][1][0], " h1");
  EXPECT_EQ(parsed(merge_info({}, herd()).body)["SystemStatus"], json::array({{"Nodes", "0"}}));
}

TEST(MergeInfo, survives_members_of_other_types) {
  json odd = info();
  for (const char* key :
       {"Containers", "Plugins", "Labels", "Warnings", "ServerVersion", "Driver"}) {
    odd[key] = {{"x", 1}};
  }
  const json all = merged({node("h1", odd), node("h2", info())});
  EXPECT_EQ(all["Name"], "any-node");
  EXPECT_EQ(merged({node("h2", info()), node("h1", odd)})["Containers"], 3);
}

TEST(NodeRows, describe_each_node_as_classic_swarm_did) {
  NodeInfo first = node("h1", info());
  first.node.labels = {{"disk", "ssd"}};
  first.reserved_nano_cpus = 500'000'000;
  first.reserved_memory_bytes = 1610612736;
  NodeInfo second;
  second.node = {.id = "ID-h2",
                 .name = "h2",
                 .ip = "10.0.0.2",
                 .address = "10.0.0.2:8080",
                 .cpus = 4,
                 .memory_bytes = 1024};
  second.status = Status::unhealthy;
  second.error = "the daemon is away";
  NodeInfo third;
  third.node.name = "h3";
  EXPECT_EQ(parsed(node_rows(std::vector<NodeInfo>{first, second, third})),
            parsed(R"rows([["Nodes","3"],
              [" h1","10.0.0.1:8080"],
              ["  └ ID","ID-h1"],
              ["  └ Status","Healthy"],
              ["  └ Containers","3 (2 Running, 0 Paused, 1 Stopped)"],
              ["  └ Reserved CPUs","0.5 / 2"],
              ["  └ Reserved Memory","1.5 GiB / 2 GiB"],
              ["  └ Labels","architecture=x86_64, disk=ssd, kernelversion=6.1, operatingsystem=Debian 12, ostype=linux, storagedriver=overlay2"],
              ["  └ ServerVersion","20.10.24+dfsg1"],
              [" h2","10.0.0.2:8080"],
              ["  └ ID","ID-h2"],
              ["  └ Status","Unhealthy"],
              ["  └ Error","the daemon is away"],
              ["  └ Containers","0 (0 Running, 0 Paused, 0 Stopped)"],
              ["  └ Reserved CPUs","0 / 4"],
              ["  └ Reserved Memory","0 B / 1 KiB"],
              ["  └ Labels",""],
              ["  └ ServerVersion",""],
              [" h3",""],
              ["  └ ID",""],
              ["  └ Status","Pending"],
              ["  └ Containers","0 (0 Running, 0 Paused, 0 Stopped)"],
              ["  └ Reserved CPUs","0 / 0"],
              ["  └ Reserved Memory","0 B / 0 B"],
              ["  └ Labels",""],
              ["  └ ServerVersion",""]])rows"));
}

TEST(NodeRows, keep_a_label_of_the_engine_that_is_called_like_one_of_the_system) {
  NodeInfo first = node("h1", info());
  first.node.labels = {{"ostype", "mine"}};
  EXPECT_THAT(node_rows(std::vector<NodeInfo>{first}), testing::HasSubstr("ostype=mine"));
}

TEST(NodeRows, write_sizes_with_four_digits) {
  const std::vector<std::pair<std::int64_t, std::string>> sizes = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1 KiB"},
      {1984172, "1.892 MiB"},
      {25276514304, "23.54 GiB"},
      {std::int64_t{1} << 62, "4 EiB"},
  };
  for (const auto& [bytes, text] : sizes) EXPECT_EQ(size_text(bytes), text);
  EXPECT_EQ(cpus_text(1'250'000'000), "1.25");
  EXPECT_EQ(cpus_text(64'000'000'000), "64");
}

TEST(IsOlderVersion, compares_numbers) {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"20.10.5", "20.10.24+dfsg1"}, {"1.9", "1.41"}, {"19.03.15", "20.10.0"},
      {"20.10", "20.10.1"},          {"", "1.0"},     {"dev", "1.0"},
      {"27.0.0-rc.1", "27.0.1"},     {"9.9", "10"},
  };
  for (const auto& [older, newer] : pairs) {
    EXPECT_TRUE(is_older_version(older, newer)) << older << " " << newer;
    EXPECT_FALSE(is_older_version(newer, older)) << older << " " << newer;
  }
  EXPECT_FALSE(is_older_version("20.10.24", "20.10.24+dfsg1"));
  EXPECT_FALSE(is_older_version("", "dev"));
}

TEST(MergeInfo, has_the_herds_own_warnings_before_those_of_its_hosts) {
  json warned = info();
  warned["Warnings"] = json::array({"WARNING: No swap limit support"});
  HerdView view = herd();
  view.warnings = {"WARNING: two of them"};
  const std::vector<NodeInfo> one = {node("host1", warned)};
  EXPECT_EQ(parsed(merge_info(one, view).body)["Warnings"],
            json({"WARNING: two of them", "host1: WARNING: No swap limit support"}));
  EXPECT_EQ(parsed(merge_info({}, view).body)["Warnings"], json::array({"WARNING: two of them"}));
  EXPECT_EQ(parsed(merge_info({}, herd()).body)["Warnings"], nullptr);
}

}  // namespace
}  // namespace dockherd::engine_api
