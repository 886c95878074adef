#include <gmock/gmock.h>

#include "tests/unit/engine_api/herd_on_loopback.hpp"

namespace dockherd::engine_api {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class VolumesOfTheHerd : public HerdOnLoopback {};

TEST_F(VolumesOfTheHerd, those_of_one_name_are_one) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").volumes = {{"data", "local"}};
    host("h2").volumes = {{"data", "local"}, {"own", "local"}};
    const auto list_answer = co_await ask("GET", "/v1.41/volumes");
    const json list = parsed(list_answer.body);
    EXPECT_EQ(list["Volumes"].size(), 2u);
    EXPECT_EQ(list["Volumes"][0]["Nodes"], json({"h1", "h2"}));
    const auto volume_answer = co_await ask("GET", "/volumes/own");
    const json volume = parsed(volume_answer.body);
    EXPECT_EQ(volume["Nodes"], json({"h2"}));
    const auto nope = co_await ask("GET", "/volumes/nope");
    EXPECT_EQ(nope.status, 404);
  });
}

TEST_F(VolumesOfTheHerd, a_new_one_is_made_on_every_host_of_the_pool) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    herd.node("h3").daemon_up = false;
    const auto answer = co_await ask("POST", "/volumes/create", R"({"Name":"data"})");
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(parsed(answer.body)["Mountpoint"], "/on/h1");
    EXPECT_TRUE(host("h2").volumes.contains("data"));
    EXPECT_THAT(host("h3").volumes, IsEmpty());
  });
}

TEST_F(VolumesOfTheHerd, a_name_that_docker_makes_up_is_the_same_on_all_hosts) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    const auto answer = co_await ask("POST", "/volumes/create", R"({"Labels":{"a":"b"}})");
    EXPECT_EQ(parsed(answer.body)["Name"], "made-up-by-h1");
    EXPECT_TRUE(host("h2").volumes.contains("made-up-by-h1"));
    EXPECT_THAT(host("h2").seen.back().body, HasSubstr(R"("Labels":{"a":"b"})"));
  });
}

TEST_F(VolumesOfTheHerd, when_one_host_fails_only_those_that_were_new_are_removed_again) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    host("h1").volumes = {{"data", "local"}};
    host("h2").answer("POST /volumes/create", 500, R"({"message":"disk full"})");
    const auto answer = co_await ask("POST", "/volumes/create", R"({"Name":"data"})");
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(parsed(answer.body)["message"], "h2: disk full");
    EXPECT_TRUE(host("h1").volumes.contains("data")) << "what it holds is somebody's";
    EXPECT_THAT(host("h3").volumes, IsEmpty());
  });
}

TEST_F(VolumesOfTheHerd, those_of_plugins_are_this_nodes_business) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    co_await ask("POST", "/volumes/create", R"({"Name":"data","Driver":"nfs"})");
    EXPECT_TRUE(host("h1").volumes.contains("data"));
    EXPECT_THAT(host("h2").seen, IsEmpty());
  });
}

TEST_F(VolumesOfTheHerd, a_removal_is_for_all_hosts_that_have_it) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    host("h2").volumes = {{"data", "local"}};
    host("h3").volumes = {{"data", "local"}};
    const auto answer = co_await ask("DELETE", "/v1.41/volumes/data?force=1");
    EXPECT_EQ(answer.status, 204);
    EXPECT_TRUE(host("h2").has_seen("DELETE /v1.41/volumes/data?force=1"));
    EXPECT_THAT(host("h3").volumes, IsEmpty());
    EXPECT_FALSE(host("h1").has_seen("DELETE"));
    const auto again = co_await ask("DELETE", "/volumes/data");
    EXPECT_EQ(again.status, 404);
    EXPECT_EQ(parsed(again.body)["message"], "get data: no such volume");
  });
}

TEST_F(VolumesOfTheHerd, one_that_a_host_uses_stays_on_all) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").volumes = {{"data", "local"}};
    host("h2").volumes = {{"data", "local"}};
    host("h2").answer("GET /containers/json?all=1&filters=", 200, R"([{"Id":"c7"}])");
    const auto answer = co_await ask("DELETE", "/volumes/data");
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(parsed(answer.body)["message"], "h2: remove data: volume is in use - [c7]");
    EXPECT_TRUE(host("h1").volumes.contains("data"));
  });
}

TEST_F(VolumesOfTheHerd, one_that_a_silent_host_may_have_stays_on_all) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    host("h1").volumes = {{"data", "local"}};
    host("h2").answer("GET /volumes/data", 504, R"({"message":"h2: no answer"})");
    host("h3").answer("GET /volumes/data", 502, R"({"message":"h3: connection refused"})");
    const auto answer = co_await ask("DELETE", "/volumes/data");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(parsed(answer.body)["message"],
              "h2, h3 did not answer and may have it: try again when it does, or remove it with "
              "each host's own daemon");
    EXPECT_TRUE(host("h1").volumes.contains("data"));
    const auto nobody = co_await ask("DELETE", "/volumes/nope");
    EXPECT_EQ(nobody.status, 404);
  });
}

TEST_F(VolumesOfTheHerd, one_that_a_silent_host_may_use_stays_on_all) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").volumes = {{"data", "local"}};
    host("h2").volumes = {{"data", "local"}};
    host("h2").answer("GET /containers/json", 504, R"({"message":"h2: no answer"})");
    const auto answer = co_await ask("DELETE", "/volumes/data");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(parsed(answer.body)["message"], "h2 did not answer and may use it");
    EXPECT_TRUE(host("h1").volumes.contains("data"));
  });
}

TEST_F(VolumesOfTheHerd, what_a_host_may_have_had_is_not_removed_again_when_another_fails) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    host("h1").answer("GET /volumes/data", 504, R"({"message":"h1: no answer"})");
    host("h2").answer("POST /volumes/create", 500, R"({"message":"disk full"})");
    const auto answer = co_await ask("POST", "/volumes/create", R"({"Name":"data"})");
    EXPECT_EQ(answer.status, 500);
    EXPECT_TRUE(host("h1").volumes.contains("data"));
    EXPECT_THAT(host("h3").volumes, IsEmpty());
  });
}

}  // namespace
}  // namespace dockherd::engine_api
