#include "engine_api/container_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json_reader.hpp"
#include "engine_api/network_id.hpp"
#include "tests/unit/engine_api/answers.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

NodeView h1() {
  return {.id = "N1",
          .name = "h1",
          .ip = "10.0.0.11",
          .address = "10.0.0.11:8080",
          .cpus = 2,
          .memory_bytes = 1024,
          .labels = {{"disk", "ssd"}}};
}

std::string shown(std::string_view entry) {
  return herd_list_entry(entry, h1(), NameStyle::node_prefixed);
}

// As dockerd 20.10 lists it, shortened.
constexpr std::string_view entry_of_dockerd =
    R"({"Id":"b910","Names":["/web","/db/alias"],"Image":"busybox","Command":"sh -c 'echo \"{\"'",)"
    R"("Created":1795548145,"Ports":[{"IP":"0.0.0.0","PrivatePort":53,"PublicPort":32768,)"
    R"("Type":"udp"},{"IP":"::","PrivatePort":53,"PublicPort":32768,"Type":"udp"}],)"
    R"("Labels":{"a":"b"},"State":"running","HostConfig":{"NetworkMode":"default"},"Mounts":[]})";

TEST(HerdListEntry, of_a_real_daemon_changes_names_ports_and_labels_and_nothing_else) {
  json expected = parsed(entry_of_dockerd);
  expected["Names"] = {"/h1/web", "/h1/db/alias"};
  expected["Ports"] = json::array(
      {{{"IP", "10.0.0.11"}, {"PrivatePort", 53}, {"PublicPort", 32768}, {"Type", "udp"}}});
  expected["Labels"] = {{"a", "b"}, {"dockherd.node", "h1"}};
  EXPECT_EQ(parsed(shown(entry_of_dockerd)), expected);
}

// Compose makes containers anew whose network is another than the one that it has looked up.
constexpr std::string_view networks_of_dockerd =
    R"({"bridge":{"IPAMConfig":null,"NetworkID":"a38f","MacAddress":"02:42"},"new":{"NetworkID":""}})";

json networks_of_the_herd() {
  json networks = parsed(networks_of_dockerd);
  networks["bridge"]["NetworkID"] = herd_network_id("bridge");
  return networks;
}

TEST(HerdListEntry, shows_the_herds_ids_of_networks) {
  const json entry = parsed(shown(R"({"Id":"1","NetworkSettings":{"Networks":)" +
                                  std::string(networks_of_dockerd) + "}}"));
  EXPECT_EQ(entry["NetworkSettings"]["Networks"], networks_of_the_herd());
}

TEST(HerdInspection, shows_the_herds_ids_of_networks) {
  const json inspection = parsed(
      herd_inspection(R"({"Id":"1","NetworkSettings":{"SandboxID":"x","Ports":{},"Networks":)" +
                          std::string(networks_of_dockerd) + "}}",
                      h1()));
  EXPECT_EQ(inspection["NetworkSettings"]["Networks"], networks_of_the_herd());
  EXPECT_EQ(inspection["NetworkSettings"]["SandboxID"], "x");
}

TEST(HerdListEntry, in_plain_style_keeps_names) {
  const json entry = parsed(herd_list_entry(entry_of_dockerd, h1(), NameStyle::plain));
  EXPECT_EQ(entry["Names"], json({"/web", "/db/alias"}));
  EXPECT_EQ(entry["Labels"]["dockherd.node"], "h1");
}

TEST(HerdListEntry, is_reworded_member_by_member) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      // What the container itself claims is replaced.
      {R"({"Labels":{"dockherd.node":"x","z":"1"}})",
       R"({"Labels":{"z":"1","dockherd.node":"h1"}})"},
      {R"({"Labels":{}})", R"({"Labels":{"dockherd.node":"h1"}})"},
      {R"({"Labels":null})", R"({"Labels":{"dockherd.node":"h1"}})"},
      {R"({})", R"({"Labels":{"dockherd.node":"h1"}})"},
      {R"({"Id":"1"})", R"({"Id":"1","Labels":{"dockherd.node":"h1"}})"},
      // Names that are none.
      {R"({"Names":[],"Labels":{}})", R"({"Names":[],"Labels":{"dockherd.node":"h1"}})"},
      {R"({"Names":null,"Labels":{}})", R"({"Names":null,"Labels":{"dockherd.node":"h1"}})"},
      {R"({"Names":["odd",7],"Labels":{}})",
       R"({"Names":["odd",7],"Labels":{"dockherd.node":"h1"}})"},
      // Ports: not published, on one address, of both families with different ports.
      {R"({"Ports":[{"PrivatePort":80,"Type":"tcp"}],"Labels":{}})",
       R"({"Ports":[{"PrivatePort":80,"Type":"tcp"}],"Labels":{"dockherd.node":"h1"}})"},
      {R"({"Ports":[{"IP":"127.0.0.1","PublicPort":8}],"Labels":{}})",
       R"({"Ports":[{"IP":"127.0.0.1","PublicPort":8}],"Labels":{"dockherd.node":"h1"}})"},
      {R"({"Ports":[{"IP":"0.0.0.0","PublicPort":8},{"IP":"::","PublicPort":9}],"Labels":{}})",
       R"({"Ports":[{"IP":"10.0.0.11","PublicPort":8},{"IP":"10.0.0.11","PublicPort":9}],)"
       R"("Labels":{"dockherd.node":"h1"}})"},
      {R"({"Ports":7,"Labels":{}})", R"({"Ports":7,"Labels":{"dockherd.node":"h1"}})"},
  };
  for (const auto& [entry, expected] : cases) EXPECT_EQ(shown(entry), expected) << entry;
}

TEST(HerdListEntry, of_a_host_without_a_known_address_keeps_addresses) {
  NodeView node = h1();
  node.ip.clear();
  const json entry = parsed(herd_list_entry(entry_of_dockerd, node, NameStyle::plain));
  EXPECT_EQ(entry["Ports"], parsed(entry_of_dockerd)["Ports"]);
}

TEST(HerdListEntry, quotes_a_hostname_that_is_odd) {
  NodeView node = h1();
  node.name = "a\"b";
  const json entry = parsed(herd_list_entry(entry_of_dockerd, node, NameStyle::node_prefixed));
  EXPECT_EQ(entry["Names"][0], "/a\"b/web");
  EXPECT_EQ(entry["Labels"]["dockherd.node"], "a\"b");
}

TEST(HerdListEntry, that_is_no_object_passes_unchanged) {
  for (const char* text : {"", "null", "[", "7", "{\"Id\":", "{\"Names\":[\"/a\"}"}) {
    EXPECT_EQ(shown(text), text);
  }
}

constexpr std::string_view inspection_of_dockerd =
    R"({"Id":"b910","State":{"Running":true},"Name":"/web","HostConfig":{"PortBindings":{"80/tcp":)"
    R"([{"HostIp":"0.0.0.0","HostPort":"8080"}]}},"NetworkSettings":{"Bridge":"","Ports":)"
    R"({"53/udp":null,"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":)"
    R"("8080"}],"90/tcp":[{"HostIp":"127.0.0.1","HostPort":"90"}]},"Gateway":"172.17.0.1"}})";

TEST(HerdInspection, has_the_node_and_the_address_where_ports_can_be_reached) {
  json expected = parsed(inspection_of_dockerd);
  expected["Node"] = {
      {"ID", "N1"}, {"IP", "10.0.0.11"}, {"Addr", "10.0.0.11:8080"},   {"Name", "h1"},
      {"Cpus", 2},  {"Memory", 1024},    {"Labels", {{"disk", "ssd"}}}};
  expected["NetworkSettings"]["Ports"]["80/tcp"] =
      json::array({{{"HostIp", "10.0.0.11"}, {"HostPort", "8080"}}});
  const std::string text = herd_inspection(inspection_of_dockerd, h1());
  EXPECT_EQ(parsed(text), expected);
  EXPECT_LT(text.find("\"Node\":"), text.find("\"Name\":\"/web\""));
}

TEST(HerdInspection, ends_with_a_line_as_the_daemons_does) {
  const std::string body = std::string(inspection_of_dockerd) + "\n";
  EXPECT_TRUE(herd_inspection(body, h1()).ends_with("}\n"));
  EXPECT_TRUE(herd_inspection(inspection_of_dockerd, h1()).ends_with("}}"));
}

TEST(HerdInspection, without_network_settings_still_has_the_node) {
  for (const char* rest : {"", R"(,"NetworkSettings":null)", R"(,"NetworkSettings":{})",
                           R"(,"NetworkSettings":{"Ports":null})"}) {
    const std::string body = R"({"Id":"1")" + std::string(rest) + "}";
    json expected = parsed(body);
    expected["Node"] = parsed(node_object(h1()));
    EXPECT_EQ(parsed(herd_inspection(body, h1())), expected) << body;
  }
}

TEST(HerdInspection, that_is_none_passes_unchanged) {
  for (const char* body :
       {"", "null", "{\"message\":\"No such container: x\"}\n", "[{}]", "{\"Id\":"}) {
    EXPECT_EQ(herd_inspection(body, h1()), body);
  }
}

TEST(WithCreatedNano, keeps_the_second_that_the_daemon_lists) {
  const std::string entry = R"({"Id":"a","Created":7})";
  EXPECT_EQ(created_nano_of(with_created_nano(entry, 7'300'000'001)), 7'300'000'001);
  EXPECT_EQ(created_nano_of(with_created_nano(entry, 8'010'000'000)), 7'999'999'999)
      << "its event came in the next second";
  EXPECT_EQ(with_created_nano(entry, 6'999'999'999), entry);
  EXPECT_EQ(with_created_nano(entry, 0), entry);
  const std::string long_ago = R"({"Id":"a","Created":-9000000000000000000})";
  EXPECT_EQ(with_created_nano(long_ago, 7), long_ago);
  EXPECT_LT(created_nano_of(long_ago), 0);
}

TEST(CreatedOf, reads_the_entrys_own_time_wherever_it_stands) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {std::string(entry_of_dockerd), 1795548145},
      {R"({"Created":5})", 5},
      {R"({"Id":"a","Created":-5,"Image":"x"})", -5},
      {R"({"Id":"a", "Created": 7 })", 7},
      {R"({"Labels":{"a":"b","Created":"9"},"Created":6})", 6},
      {R"({"Labels":{"a":1,"Created":9},"Created":6})", 6},
      {R"({"Command":"x,\"Created\":9","Created":6})", 6},
      {R"({"Command":"{","Created":6})", 6},
      {R"({"Id":"a","Created":6.5})", 0},
      {R"({"Id":"a","Created":"6"})", 0},
      {R"({"Id":"a"})", 0},
      {R"(,"Created":)", 0},
      {R"()", 0},
      {R"([,"Created":)", 0},
  };
  for (const auto& [entry, created] : cases) EXPECT_EQ(created_of(entry), created) << entry;
}

/// Of entries like "a5": an id and the second of its creation.
std::string list_of(const std::vector<std::string>& ids) {
  std::string list;
  for (const std::string& id : ids) {
    list += (list.empty() ? "" : ",");
    list += R"({"Id":")" + id + R"(","Created":)" + id.substr(1) + "}";
  }
  return "[" + list + "]";
}

std::vector<std::string> ids_of(const std::string& body) {
  std::vector<std::string> ids;
  for (const json& entry : parsed(body)) ids.push_back(entry["Id"]);
  return ids;
}

TEST(MergeLists, gives_one_list_newest_first) {
  const std::string a = list_of({"a9", "a5", "a5", "a1"});
  const std::string b = list_of({"b8", "b5"});
  const std::string c = list_of({"c9"});
  const std::vector<ListOfHost> lists = {{"h1", a}, {"h2", b}, {"h3", c}};
  const Merged merged = merge_lists(lists, std::nullopt);
  EXPECT_EQ(merged.status, 200);
  EXPECT_THAT(ids_of(merged.body), ElementsAre("a9", "c9", "b8", "a5", "a5", "b5", "a1"));
  EXPECT_THAT(merged.left_out, IsEmpty());
  EXPECT_TRUE(merged.body.ends_with("]\n"));
}

TEST(MergeLists, keeps_the_order_of_each_host_as_its_daemon_gave_it) {
  // Created is in whole seconds, and dockerd knows more.
  const std::string a = list_of({"b5", "a5", "c5"});
  const std::vector<ListOfHost> lists = {{"h1", a}};
  EXPECT_THAT(ids_of(merge_lists(lists, std::nullopt).body), ElementsAre("b5", "a5", "c5"));
}

TEST(MergeLists, stops_at_the_limit) {
  const std::string a = list_of({"a9", "a5"});
  const std::string b = list_of({"b8"});
  const std::vector<ListOfHost> lists = {{"h1", a}, {"h2", b}};
  EXPECT_THAT(ids_of(merge_lists(lists, 2).body), ElementsAre("a9", "b8"));
  EXPECT_THAT(ids_of(merge_lists(lists, 99).body), ElementsAre("a9", "b8", "a5"));
  EXPECT_EQ(merge_lists(lists, 0).body, "[]\n");
}

TEST(MergeLists, of_nothing_is_an_empty_list) {
  EXPECT_EQ(merge_lists({}, std::nullopt).body, "[]\n");
  const std::vector<ListOfHost> lists = {{"h1", "[]"}, {"h2", "null"}};
  const Merged merged = merge_lists(lists, std::nullopt);
  EXPECT_EQ(merged.body, "[]\n");
  EXPECT_THAT(merged.left_out, IsEmpty());
}

TEST(MergeLists, names_hosts_whose_text_is_no_list) {
  const std::string a = list_of({"a9"});
  const std::vector<ListOfHost> lists = {
      {"h1", "{}"}, {"h2", a}, {"h3", ""}, {"h4", "[{\"Id\":"}, {"h5", "[1,"}};
  const Merged merged = merge_lists(lists, std::nullopt);
  EXPECT_THAT(ids_of(merged.body), ElementsAre("a9"));
  EXPECT_THAT(merged.left_out, ElementsAre("h1", "h3", "h4", "h5"));
}

}  // namespace
}  // namespace dockherd::engine_api
