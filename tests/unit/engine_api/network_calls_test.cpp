#include <gmock/gmock.h>

#include "engine_api/herd_networks.hpp"
#include "engine_api/network_id.hpp"
#include "tests/unit/engine_api/herd_on_loopback.hpp"

namespace dockherd::engine_api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class NetworksOfTheHerd : public HerdOnLoopback {};

TEST_F(NetworksOfTheHerd, those_of_one_name_are_one_in_the_list) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "a1"}};
    host("h2").networks = {{"app", "a2"}, {"own", "o2"}};
    const auto list = co_await ask("GET", "/v1.41/networks");
    EXPECT_EQ(list.status, 200);
    const json networks = parsed(list.body);
    EXPECT_EQ(networks.size(), 2u);
    EXPECT_EQ(networks[0]["Id"], herd_network_id("app"));
    EXPECT_EQ(networks[0]["Nodes"], json({"h1", "h2"}));
    EXPECT_EQ(networks[1]["Nodes"], json({"h2"}));
    EXPECT_EQ(host("h2").seen.front().node, "id-of-h2") << "so that its agent asks its own daemon";
  });
}

TEST_F(NetworksOfTheHerd, a_list_passes_filters_on_but_for_those_of_nodes) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    co_await ask("GET", "/networks?filters=%7B%22name%22%3A%5B%22app%22%5D%7D");
    EXPECT_TRUE(host("h2").has_seen("GET /networks?filters=%7B%22name%22%3A%5B%22app%22%5D%7D"));
    host("h1").seen.clear();
    co_await ask("GET", "/networks?filters=%7B%22node%22%3A%5B%22h2%22%5D%7D");
    EXPECT_THAT(host("h1").seen, IsEmpty());
    EXPECT_EQ(host("h2").seen.back().line, "GET /networks?filters=");
  });
}

TEST_F(NetworksOfTheHerd, a_list_is_refused_as_the_daemons_refuse_it) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    for (const char* name : {"h1", "h2"}) {
      host(name).answer("GET /networks", 400, "{\"message\":\"Invalid filter 'bad'\"}\n");
    }
    const auto answer = co_await ask("GET", "/networks?filters=%7B%22bad%22%3A%5B%22x%22%5D%7D");
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "{\"message\":\"Invalid filter 'bad'\"}\n");
    for (const auto& [header, value] : answer.headers) EXPECT_NE(header, "Warning") << value;
  });
}

TEST_F(NetworksOfTheHerd, an_inspection_shows_the_containers_of_all_hosts) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "a1"}};
    host("h2").networks = {{"app", "a2"}};
    host("h1").network_containers["app"] = R"({"c1":{"Name":"web"}})";
    host("h2").network_containers["app"] = R"({"c2":{"Name":"db"}})";
    const auto network_answer = co_await ask("GET", "/networks/app");
    const json network = parsed(network_answer.body);
    EXPECT_EQ(network["Containers"]["c1"]["Node"], "h1");
    EXPECT_EQ(network["Containers"]["c2"]["Name"], "db");
  });
}

TEST_F(NetworksOfTheHerd, the_id_that_any_host_gave_a_network_finds_it_everywhere) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aaaa"}};
    host("h2").networks = {{"app", "2bbbb"}};
    for (const char* reference : {"2bbbb", "2bb", "app"}) {
      const auto network_answer = co_await ask("GET", std::string("/networks/") + reference);
      const json network = parsed(network_answer.body);
      EXPECT_EQ(network["Nodes"], json({"h1", "h2"})) << reference;
    }
  });
}

TEST_F(NetworksOfTheHerd, a_name_goes_before_the_id_that_begins_so_on_another_host) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"other", "abc1"}};
    host("h2").networks = {{"abc", "9999"}};
    const auto network_answer = co_await ask("GET", "/networks/abc");
    const json network = parsed(network_answer.body);
    EXPECT_EQ(network["Name"], "abc");
    EXPECT_EQ(network["Nodes"], json({"h2"}));
  });
}

TEST_F(NetworksOfTheHerd, a_prefix_of_ids_of_several_networks_is_ambiguous) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"one", "abc1"}};
    host("h2").networks = {{"two", "abc2"}};
    const auto answer = co_await ask("GET", "/networks/abc");
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("network abc is ambiguous (2 matches found based on ID"));
  });
}

TEST_F(NetworksOfTheHerd, one_that_nobody_has_is_a_404_in_dockers_words) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    for (const char* method : {"GET", "DELETE"}) {
      const auto answer = co_await ask(method, "/networks/nope");
      EXPECT_EQ(answer.status, 404);
      EXPECT_EQ(answer.body, "{\"message\":\"network nope not found\"}\n");
    }
  });
}

TEST_F(NetworksOfTheHerd, are_found_by_the_herds_id_before_the_beginning_of_a_hosts) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    const std::string id = herd_network_id("app");
    host("h1").networks = {{"other", id.substr(0, 12) + "ffff"}};
    host("h2").networks = {{"app", "2bbbb"}};
    for (const std::size_t length : {64u, 12u, 3u}) {
      const auto answer = co_await ask("GET", "/networks/" + id.substr(0, length));
      EXPECT_EQ(answer.status, 200) << length;
      EXPECT_EQ(parsed(answer.body)["Name"], "app") << length;
      EXPECT_EQ(parsed(answer.body)["Id"], id) << length;
    }
    const auto removed = co_await ask("DELETE", "/networks/" + id);
    EXPECT_EQ(removed.status, 204);
    EXPECT_THAT(host("h2").networks, IsEmpty());
  });
}

TEST_F(NetworksOfTheHerd, whose_ids_begin_alike_are_ambiguous) {
  with_hosts({"h1"}, [this]() -> asio::awaitable<void> {
    std::string first;  // Of forty, several begin with the same digit.
    for (int number = 0; number < 40; ++number) {
      const std::string name = "n" + std::to_string(number);
      const std::string beginning = herd_network_id(name).substr(0, 1);
      if (first.empty()) first = beginning;
      if (beginning == first) host("h1").networks[name] = "not-hex-" + name;
    }
    EXPECT_GE(host("h1").networks.size(), 2u);
    const auto answer = co_await ask("DELETE", "/networks/" + first);
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("is ambiguous"));
    EXPECT_FALSE(host("h1").has_seen("DELETE"));
  });
}

TEST_F(NetworksOfTheHerd, are_filtered_by_the_herds_id) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}, {"own", "1bb"}};
    host("h2").networks = {{"app", "2aa"}};
    const std::string id = herd_network_id("app").substr(0, 12);
    const auto list = co_await ask("GET", R"(/networks?filters={%22id%22:[%22)" + id + "%22]}");
    EXPECT_EQ(list.status, 200);
    const json networks = parsed(list.body);
    EXPECT_EQ(networks.size(), 1u);
    EXPECT_EQ(networks[0]["Name"], "app");
    EXPECT_EQ(networks[0]["Nodes"], json({"h1", "h2"}));
    EXPECT_EQ(host("h1").seen.back().line, "GET /networks?filters=");
  });
}

TEST_F(NetworksOfTheHerd, one_that_a_silent_host_may_have_is_a_404_that_names_it_and_not_removed) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h2").answer("GET /networks/app", 502, R"({"message":"the daemon is down"})");
    const auto looked = co_await ask("GET", "/networks/app");
    EXPECT_EQ(looked.status, 404);
    std::string warning;
    for (const auto& [name, value] : looked.headers) {
      if (name == "Warning") warning = value;
    }
    EXPECT_THAT(warning, HasSubstr("h2"));
    const auto removed = co_await ask("DELETE", "/networks/app");
    EXPECT_EQ(removed.status, 503);
    EXPECT_THAT(removed.body, HasSubstr("h2 did not answer and may have it"));
  });
}

TEST_F(NetworksOfTheHerd, a_new_one_is_made_on_every_host_of_the_pool) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    herd.node("h3").in_pool = false;
    const std::string body = R"({"Name":"app","CheckDuplicate":true,"Labels":{"x":"y"}})";
    const auto answer = co_await ask("POST", "/v1.41/networks/create", body);
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(parsed(answer.body)["Id"], herd_network_id("app"));
    EXPECT_EQ(host("h2").seen.back().body, body);
    EXPECT_THAT(host("h3").networks, IsEmpty());
  });
}

TEST_F(NetworksOfTheHerd, when_one_host_fails_the_others_lose_theirs_again) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    host("h2").answer("POST /networks/create", 500, R"({"message":"no more bridges"})");
    const auto answer = co_await ask("POST", "/networks/create", R"({"Name":"app"})");
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(parsed(answer.body)["message"], "h2: no more bridges");
    EXPECT_THAT(host("h1").networks, IsEmpty());
    EXPECT_THAT(host("h3").networks, IsEmpty());
  });
}

TEST_F(NetworksOfTheHerd, what_the_first_host_finds_wrong_is_answered_as_it_is) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").answer("POST /networks/create", 400, "{\"message\":\"bad subnet\"}\n");
    const auto answer = co_await ask("POST", "/networks/create", R"({"Name":"app"})");
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "{\"message\":\"bad subnet\"}\n");
    EXPECT_FALSE(host("h2").has_seen("POST"));
  });
}

TEST_F(NetworksOfTheHerd, one_that_is_everywhere_is_a_conflict_and_one_that_is_not_is_completed) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "a1"}};
    const auto completed = co_await ask("POST", "/networks/create", R"({"Name":"app"})");
    EXPECT_EQ(completed.status, 201);
    EXPECT_TRUE(host("h2").networks.contains("app"));
    const auto refused = co_await ask("POST", "/networks/create", R"({"Name":"app"})");
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.body, "{\"message\":\"network with name app already exists\"}\n");
  });
}

TEST_F(NetworksOfTheHerd, one_that_reaches_over_hosts_is_this_nodes_business) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    co_await ask("POST", "/networks/create", R"({"Name":"app","Driver":"overlay"})");
    EXPECT_TRUE(host("h1").networks.contains("app"));
    EXPECT_THAT(host("h2").seen, IsEmpty());
  });
}

TEST_F(NetworksOfTheHerd, a_body_that_is_no_json_is_for_this_nodes_daemon_to_refuse) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").answer("POST /networks/create", 400, R"({"message":"unexpected EOF"})");
    const auto answer = co_await ask("POST", "/networks/create", "{");
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(parsed(answer.body)["message"], "unexpected EOF");
    EXPECT_THAT(host("h2").seen, IsEmpty());
  });
}

TEST_F(NetworksOfTheHerd, a_removal_is_for_all_hosts_that_have_it) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    host("h2").networks = {{"app", "2bb"}};
    const auto answer = co_await ask("DELETE", "/networks/2bb");
    EXPECT_EQ(answer.status, 204);
    EXPECT_THAT(host("h1").networks, IsEmpty());
    EXPECT_THAT(host("h2").networks, IsEmpty());
    EXPECT_FALSE(host("h3").has_seen("DELETE"));
  });
}

TEST_F(NetworksOfTheHerd, one_that_a_host_uses_stays_on_all) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    host("h2").networks = {{"app", "2bb"}};
    host("h2").network_containers["app"] = R"({"c2":{"Name":"db"}})";
    const auto answer = co_await ask("DELETE", "/networks/app");
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(parsed(answer.body)["message"],
              "h2: error while removing network: network app id 2bb has active endpoints");
    EXPECT_TRUE(host("h1").networks.contains("app"));
  });
}

TEST_F(NetworksOfTheHerd, a_host_that_refuses_a_removal_after_all_is_named) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    host("h2").networks = {{"app", "2bb"}};
    host("h2").answer("DELETE /networks/app", 403, R"({"message":"has active endpoints"})");
    const auto answer = co_await ask("DELETE", "/networks/app");
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(parsed(answer.body)["message"],
              "h2: has active endpoints (removed from 1 of 2 hosts)");
  });
}

TEST_F(NetworksOfTheHerd, a_removal_names_hosts_that_did_not_say_whether_they_have_it) {
  with_hosts({"h1", "h2", "h3"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    host("h3").answer("GET /networks/app", 502, R"({"message":"h3: connection refused"})");
    const auto answer = co_await ask("DELETE", "/networks/app");
    EXPECT_EQ(answer.status, 204);
    EXPECT_THAT(host("h1").networks, IsEmpty());
    std::string warning;
    for (const auto& [name, value] : answer.headers) {
      if (name == "Warning") warning = value;
    }
    EXPECT_THAT(warning, HasSubstr("h3 (connection refused)"));
    EXPECT_THAT(warning, testing::Not(HasSubstr("h2")));
  });
}

// --- connect -------------------------------------------------------------------------------------

TEST_F(NetworksOfTheHerd, a_container_is_connected_by_its_owner) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h2").networks = {{"app", "2bb"}};
    herd.put_container("c2", "web", "h2");
    const auto answer =
        co_await ask("POST", "/v1.41/networks/app/connect", R"({"Container":"web"})");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(host("h2").seen.back().line, "POST /v1.41/networks/app/connect");
    EXPECT_EQ(host("h2").seen.back().body, R"({"Container":"c2"})");
    EXPECT_FALSE(host("h1").has_seen("POST"));
  });
}

TEST_F(NetworksOfTheHerd, this_nodes_list_knows_of_a_container_that_was_connected_here) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    herd.put_container("c1", "web", "h1");
    co_await ask("POST", "/networks/app/disconnect", R"({"Container":"web","Force":false})");
    EXPECT_THAT(herd.changes, ElementsAre(Pair("c1", ContainerChange::touched)));
  });
}

TEST_F(NetworksOfTheHerd, a_network_by_another_hosts_id_is_connected_by_its_name) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    host("h2").networks = {{"app", "2bb"}};
    herd.put_container("c2", "web", "h2");
    co_await ask("POST", "/networks/1aa/connect", R"({"container":"web"})");
    EXPECT_EQ(host("h2").seen.back().line, "POST /networks/app/connect");
    EXPECT_EQ(host("h2").seen.back().body, R"({"container":"c2"})");
  });
}

TEST_F(NetworksOfTheHerd, one_by_the_herds_id_is_connected_and_disconnected_by_its_name) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h2").networks = {{"app", "2bb"}};
    herd.put_container("c2", "web", "h2");
    const std::string path = "/networks/" + herd_network_id("app");
    co_await ask("POST", path + "/connect", R"({"Container":"web"})");
    EXPECT_EQ(host("h2").seen.back().line, "POST /networks/app/connect");
    co_await ask("POST", path + "/disconnect", R"({"Container":"gone","Force":true})");
    EXPECT_EQ(host("h2").seen.back().line, "POST /networks/app/disconnect");
  });
}

TEST_F(NetworksOfTheHerd, a_host_that_came_later_gets_the_network_when_it_is_connected_there) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    herd.put_container("c2", "web", "h2");
    co_await ask("POST", "/networks/app/connect", R"({"Container":"web"})");
    EXPECT_TRUE(host("h2").networks.contains("app"));
    EXPECT_EQ(host("h2").seen.back().line, "POST /networks/app/connect");
  });
}

TEST_F(NetworksOfTheHerd, a_container_that_nobody_has_is_a_404) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    const auto answer = co_await ask("POST", "/networks/app/connect", R"({"Container":"web"})");
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(parsed(answer.body)["message"], "No such container: web");
  });
}

TEST_F(NetworksOfTheHerd, what_a_container_that_is_gone_left_behind_is_disconnected_by_force) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").answer("POST /networks/app/disconnect", 404, R"({"message":"no endpoint"})");
    const auto answer =
        co_await ask("POST", "/networks/app/disconnect", R"({"Container":"gone","Force":true})");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(host("h2").seen.back().body, R"({"Container":"gone","Force":true})");
  });
}

// --- a host that came later ----------------------------------------------------------------------

TEST_F(NetworksOfTheHerd, a_host_that_came_later_gets_what_a_create_names) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    const auto answer = co_await ask("POST", "/containers/create?name=web",
                                     R"({"Image":"busybox","HostConfig":{"NetworkMode":"app"}})");
    EXPECT_EQ(answer.status, 201);
    EXPECT_TRUE(host("h2").networks.contains("app"));
    EXPECT_EQ(herd.orders.at(0).eligible.size(), 2u);
  });
}

TEST_F(NetworksOfTheHerd, a_host_that_cannot_have_the_network_cannot_have_the_container) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    host("h2").answer("POST /networks/create", 403, R"({"message":"Pool overlaps"})");
    co_await ask("POST", "/containers/create",
                 R"({"Image":"busybox","HostConfig":{"NetworkMode":"app"}})");
    EXPECT_EQ(host("h2").count_of("POST /networks/create"), 2u) << "without its addresses, too";
    EXPECT_THAT(host("h2").seen.back().body, HasSubstr(R"("Config":[])"));
    EXPECT_THAT(herd.orders.at(0).eligible, ElementsAre("id-of-h1"));
    EXPECT_THAT(herd.orders.at(0).reasons, ElementsAre("h2: Pool overlaps"));
  });
}

// --- an operator ---------------------------------------------------------------------------------

class EverybodyIsAnn final : public http_api::Authenticator {
 public:
  Result<http_api::Caller> authenticate(const http_api::Credentials& credentials) override {
    const trust::Principal ann("ann", trust::Role::operator_);
    return http_api::Caller(ann, std::string(credentials.address), false);
  }
};

class NetworksOfAnOperator : public HerdOnLoopback {
 protected:
  NetworksOfAnOperator() { authenticator = &ann_; }

 private:
  EverybodyIsAnn ann_;
};

TEST_F(NetworksOfAnOperator, what_a_daemon_may_read_otherwise_is_not_sent) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"app", "1aa"}};
    herd.put_container("c1", "victim", "h1");
    const std::pair<const char*, int> cases[] = {
        {R"({"Container":"","container":"victim"})", 403},
        {R"({"container":"victim","Container":7})", 403},
        {R"({"Container":"","Container":"victim"})", 400},
        {R"({"Container":""})", 400},
        {R"({"Container":null})", 400},
        {R"({"Container":["victim"]})", 400},
        {R"({})", 400},
        {R"({"Container":"victim")", 400},
        {R"({"Container":"victim"}{})", 400},
        {"", 400},
        {R"([])", 403},
        {R"({"Container":"victim","EndpointConfig":{"DriverOpts":{"a":"b"}}})", 403},
        {R"({"Container":"victim","EndpointConfig":{"links":["victim:x"]}})", 403},
        {R"({"Container":"victim","EndpointConfig":{"Aliases":["a"],"aliases":["b"]}})", 403},
        {R"({"Container":"victim","Force":true})", 404},
    };
    for (const auto& [body, status] : cases) {
      for (const char* call : {"/networks/app/connect", "/networks/app/disconnect"}) {
        const auto answer = co_await ask("POST", call, body);
        EXPECT_EQ(answer.status, status) << call << " " << body << ": " << answer.body;
      }
    }
    EXPECT_FALSE(host("h1").has_seen("POST"));
    EXPECT_FALSE(host("h2").has_seen("POST"));
  });
}

TEST_F(NetworksOfAnOperator, what_was_judged_is_what_is_sent) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    for (const char* name : {"h1", "h2"}) host(name).networks = {{"bridge", "b-of-all"}};
    host("h2").answer("GET /containers/json", 200,
                      R"([{"Id":"c2","Labels":{"dockherd.owner":"ann"}}])");
    herd.put_container("c2", "web", "h2");
    const auto answer =
        co_await ask("POST", "/networks/b-of/connect", R"( {"container" : "web"} )");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(host("h2").seen.back().line, "POST /networks/bridge/connect");
    EXPECT_EQ(host("h2").seen.back().body, R"({"container":"c2"})");
  });
}

TEST_F(NetworksOfAnOperator, the_hosts_network_is_not_joined_by_its_id_either) {
  with_hosts({"h1"}, [this]() -> asio::awaitable<void> {
    host("h1").networks = {{"host", "ffff1"}};
    host("h1").answer("GET /containers/json", 200,
                      R"([{"Id":"c1","Labels":{"dockherd.owner":"ann"}}])");
    herd.put_container("c1", "web", "h1");
    for (const char* network : {"host", "ffff1", "fff"}) {
      const std::string target = std::string("/networks/") + network + "/connect";
      const auto answer = co_await ask("POST", target, R"({"Container":"web"})");
      EXPECT_EQ(answer.status, 404) << network << answer.body;
    }
    EXPECT_FALSE(host("h1").has_seen("POST"));
  });
}

TEST(CreateBodyOf, keeps_the_settings_of_a_network_and_nothing_else) {
  const std::string inspection =
      R"({"Name":"app","Id":"1aa","Created":"2020","Scope":"local","Driver":"bridge",)"
      R"("EnableIPv6":false,"IPAM":{"Driver":"default","Options":null,)"
      R"("Config":[{"Subnet":"172.18.0.0/16"}]},"Internal":true,"Attachable":false,)"
      R"("Containers":{"c1":{}},"Options":{"a":"b"},"Labels":{"l":"m"}})";
  EXPECT_EQ(create_body_of(inspection, true),
            R"({"Name":"app","Driver":"bridge","Internal":true,"Attachable":false,)"
            R"("EnableIPv6":false,"Options":{"a":"b"},"Labels":{"l":"m"},"CheckDuplicate":true,)"
            R"("IPAM":{"Driver":"default","Options":null,"Config":[{"Subnet":"172.18.0.0/16"}]}})");
  EXPECT_THAT(create_body_of(inspection, false),
              HasSubstr(R"("IPAM":{"Driver":"default","Options":null,"Config":[]})"));
}

}  // namespace
}  // namespace dockherd::engine_api
