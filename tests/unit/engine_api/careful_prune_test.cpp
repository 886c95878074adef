#include <gmock/gmock.h>

#include "tests/unit/engine_api/answers.hpp"

#include "tests/unit/engine_api/herd_on_loopback.hpp"

namespace dockherd::engine_api {
namespace {

using testing::HasSubstr;

constexpr const char* unused_list = "GET /volumes?filters=%7B%22dangling%22%3A%5B%22true%22%5D%7D";
constexpr const char* used_list = "GET /volumes?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D";

/// One of GET /volumes.
std::string volume(const std::string& name, const std::string& labels = "null",
                   const std::string& rest = R"("Driver":"local","Options":null)") {
  return R"({"Name":")" + name + R"(","Labels":)" + labels + "," + rest + "}";
}

std::string volumes(const std::string& list) {
  return R"({"Volumes":)" + list + R"(,"Warnings":null})";
}

const std::string anonymous = R"({"com.docker.volume.anonymous":""})";

/// Host h2 has unused volumes, of which h1 uses "data": so h2 is not pruned as a whole.
class CarefulPrune : public HerdOnLoopback {
 protected:
  void share_data(const std::string& others_of_h2) {
    herd.newest_of_all = "1.44";
    host("h1").answer(unused_list, 200, volumes("null"));
    host("h1").answer(used_list, 200, volumes("[" + volume("data") + "]"));
    host("h1").answer("POST ", 200, R"({"VolumesDeleted":[],"SpaceReclaimed":0})");
    host("h2").answer(unused_list, 200, volumes("[" + volume("data") + "," + others_of_h2 + "]"));
    host("h2").answer(used_list, 200, volumes("[]"));
    host("h2").answer("DELETE ", 204, "");
  }
  asio::awaitable<json> deleted(std::string target) {
    const auto answer = co_await ask("POST", std::move(target));
    EXPECT_EQ(answer.status, 200) << answer.body;
    const json body = parsed(answer.body);
    co_return body.value("VolumesDeleted", json());
  }
};

TEST_F(CarefulPrune, of_volumes_takes_those_without_names_alone_since_daemons_do) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    share_data(volume("named") + "," + volume("0a1b", anonymous));
    const json recent = co_await deleted("/v1.42/volumes/prune");
    EXPECT_EQ(recent, json({"0a1b"}));
    EXPECT_FALSE(host("h2").has_seen("DELETE /volumes/named"));
    EXPECT_FALSE(host("h2").has_seen("POST ")) << "its daemon would take data, too";
    const json earlier = co_await deleted("/v1.41/volumes/prune");
    EXPECT_EQ(earlier, json({"named", "0a1b"}));
    EXPECT_FALSE(host("h2").has_seen("DELETE /volumes/data"));
  });
}

TEST_F(CarefulPrune, without_a_version_does_as_each_daemon_does) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    share_data(volume("named") + "," + volume("0a1b", anonymous));
    herd.node("h2").api_version = "1.44";
    const json recent = co_await deleted("/volumes/prune");
    EXPECT_EQ(recent, json({"0a1b"}));
    herd.node("h2").api_version = "";
    herd.newest_of_all = "1.41";
    const json earlier = co_await deleted("/volumes/prune");
    EXPECT_EQ(earlier, json({"named", "0a1b"}));
  });
}

TEST_F(CarefulPrune, of_volumes_knows_the_filter_all_when_daemons_do) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    share_data(volume("named") + "," + volume("0a1b", anonymous));
    const std::string all = "/volumes/prune?filters=%7B%22all%22%3A%5B%22";
    for (const char* yes : {"true", "1"}) {
      const json both = co_await deleted("/v1.43" + all + yes + "%22%5D%7D");
      EXPECT_EQ(both, json({"named", "0a1b"})) << yes;
    }
    const json one = co_await deleted("/v1.43" + all + "0%22%5D%7D");
    EXPECT_EQ(one, json({"0a1b"}));
    host("h2").seen.clear();
    for (const std::string& refused : {"/v1.43" + all + "perhaps", "/v1.41" + all + "true"}) {
      const auto answer = co_await ask("POST", refused + "%22%5D%7D");
      EXPECT_EQ(answer.status, 200) << refused;
      EXPECT_THAT(warning_of(answer), HasSubstr("h2 (other hosts use")) << refused;
      EXPECT_FALSE(host("h2").has_seen("DELETE ")) << refused;
    }
  });
}

TEST_F(CarefulPrune, leaves_volumes_of_plugins_and_mounted_ones_alone) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    const std::string plugins = volume("shared", "null", R"("Driver":"nfs","Options":null)");
    const std::string mounted =
        volume("mounted", "null", R"("Driver":"local","Options":{"type":"nfs"})");
    share_data(plugins + "," + mounted + "," + volume("plain"));
    const json gone = co_await deleted("/v1.41/volumes/prune");
    EXPECT_EQ(gone, json({"plain"}));
    const json all = co_await deleted("/v1.44/volumes/prune?filters=%7B%22all%22:%5B%221%22%5D%7D");
    EXPECT_EQ(all, json({"plain"}));
  });
}

TEST_F(CarefulPrune, heeds_labels_beside) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    share_data(volume("0a", R"({"com.docker.volume.anonymous":"","keep":"yes"})") + "," +
               volume("0b", anonymous));
    const json gone =
        co_await deleted("/v1.44/volumes/prune?filters=%7B%22label!%22%3A%5B%22keep%22%5D%7D");
    EXPECT_EQ(gone, json({"0b"}));
  });
}

TEST_F(CarefulPrune, removes_nothing_while_a_host_does_not_say_what_it_uses) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    for (const char* silent : {used_list, unused_list}) {
      share_data(volume("0a1b", anonymous));
      host("h3").answer("GET /volumes", 200, volumes("[]"));
      host("h3").answer(silent, 502, R"({"message":"h3: connection refused"})");
      const auto answer = co_await ask("POST", "/v1.44/volumes/prune");
      EXPECT_EQ(answer.status, 503);
      EXPECT_EQ(parsed(answer.body)["message"],
                "h3 did not answer and may use what would be removed");
    }
    host("h2").answer("GET /v1.27/networks", 504, "{}");
    const auto networks = co_await ask("POST", "/networks/prune");
    EXPECT_EQ(networks.status, 503);
    for (const char* name : {"h1", "h2", "h3"}) {
      EXPECT_FALSE(host(name).has_seen("POST ") || host(name).has_seen("DELETE ")) << name;
    }
  });
}

TEST_F(CarefulPrune, of_networks_says_which_host_cannot_be_pruned_with_a_filter) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "a1"}};
    host("h1").network_containers["app"] = R"({"c1":{}})";
    host("h2").networks = {{"app", "a2"}, {"old", "o2"}};
    host("h1").answer("POST ", 200, R"({"NetworksDeleted":[]})");
    const auto left =
        co_await ask("POST", "/networks/prune?filters=%7B%22until%22%3A%5B%221h%22%5D%7D");
    EXPECT_EQ(left.status, 200);
    EXPECT_THAT(warning_of(left), HasSubstr("h2 (other hosts use"));
    EXPECT_TRUE(host("h2").networks.contains("old"));
    const auto answer = co_await ask("POST", "/networks/prune");
    EXPECT_EQ(parsed(answer.body)["NetworksDeleted"], json({"old"}));
    EXPECT_TRUE(host("h2").networks.contains("app"));
  });
}

TEST_F(CarefulPrune, of_networks_looks_at_each_where_a_daemon_is_too_new_to_list_their_use) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "a1"}};
    host("h1").network_containers["app"] = R"({"c1":{}})";
    host("h1").answer("GET /v1.27/networks", 400, R"({"message":"client version is too old"})");
    host("h1").answer("POST ", 200, R"({"NetworksDeleted":[]})");
    host("h2").networks = {{"app", "a2"}, {"old", "o2"}};
    const auto answer = co_await ask("POST", "/networks/prune");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_TRUE(host("h2").networks.contains("app"));
    EXPECT_FALSE(host("h2").networks.contains("old"));
  });
}

}  // namespace
}  // namespace dockherd::engine_api
