#include "docker_client/docker_requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "docker_client/api_version.hpp"
#include "docker_client/engine_address.hpp"

namespace dockherd::docker_client {
namespace {

using namespace std::chrono_literals;

const TimePoint deadline;

TEST(UrlEncode, leaves_only_unreserved_characters) {
  EXPECT_EQ(url_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(url_encode("a/b?c=d&e f+%"), "a%2Fb%3Fc%3Dd%26e%20f%2B%25");
  EXPECT_EQ(url_encode("\xc3\xa4\n"), "%C3%A4%0A");
}

TEST(Requests, targets_are_dockers) {
  EXPECT_EQ(list_containers_request(false, "", deadline).target, "/containers/json");
  EXPECT_EQ(list_containers_request(true, "{}", deadline).target,
            "/containers/json?all=1&filters=%7B%7D");
  EXPECT_EQ(list_container_request("ab", deadline).target,
            "/containers/json?all=1&filters=%7B%22id%22%3A%5B%22ab%22%5D%7D");
  EXPECT_EQ(inspect_request("web", deadline).target, "/containers/web/json");
  EXPECT_EQ(start_request("web", deadline).target, "/containers/web/start");
  EXPECT_EQ(stop_request("web", std::nullopt, deadline).target, "/containers/web/stop");
  EXPECT_EQ(stop_request("web", 0s, deadline).target, "/containers/web/stop?t=0");
  EXPECT_EQ(restart_request("web", 7s, deadline).target, "/containers/web/restart?t=7");
  EXPECT_EQ(stop_request("web", 7s, deadline, "SIGINT").target,
            "/containers/web/stop?t=7&signal=SIGINT");
  EXPECT_EQ(kill_request("web", "", deadline).target, "/containers/web/kill");
  EXPECT_EQ(kill_request("web", "HUP", deadline).target, "/containers/web/kill?signal=HUP");
  EXPECT_EQ(pause_request("web", deadline).target, "/containers/web/pause");
  EXPECT_EQ(unpause_request("web", deadline).target, "/containers/web/unpause");
  EXPECT_EQ(remove_request("web", false, false, deadline).target, "/containers/web");
  EXPECT_EQ(remove_request("web", true, true, deadline).target, "/containers/web?force=1&v=1");
  EXPECT_EQ(list_images_request(true, "", deadline).target, "/images/json?all=1");
}

TEST(Requests, an_id_cannot_leave_its_place_in_the_path) {
  EXPECT_EQ(inspect_request("../x?y", deadline).target, "/containers/..%2Fx%3Fy/json");
}

TEST(Requests, a_create_carries_name_and_body) {
  const DockerRequest request = create_request("a b", "{}", deadline);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/containers/create?name=a%20b");
  EXPECT_EQ(request.body, "{}");
  EXPECT_EQ(create_request("", "{}", deadline).target, "/containers/create");
}

TEST(Requests, a_pull_names_exactly_one_tag) {
  const auto target = [](const char* image) { return pull_request(image, deadline).target; };
  EXPECT_EQ(target("alpine"), "/images/create?fromImage=alpine&tag=latest");
  EXPECT_EQ(target("alpine:3.18"), "/images/create?fromImage=alpine&tag=3.18");
  EXPECT_EQ(target("host:5000/a"), "/images/create?fromImage=host%3A5000%2Fa&tag=latest");
  EXPECT_EQ(target("host:5000/a:b"), "/images/create?fromImage=host%3A5000%2Fa&tag=b");
  EXPECT_EQ(target("a@sha256:0f"), "/images/create?fromImage=a&tag=sha256%3A0f");
}

TEST(Requests, events_resume_to_the_nanosecond) {
  EXPECT_EQ(events_request(std::nullopt, {}, deadline).target, "/events");
  EXPECT_EQ(events_request(1'700'000'000'000'000'001, {"container"}, deadline).target,
            "/events?since=1700000000.000000001"
            "&filters=%7B%22type%22%3A%5B%22container%22%5D%7D");
}

TEST(ApiVersions, are_numbers_and_not_text) {
  EXPECT_LT(*ApiVersion::parse("1.9"), *ApiVersion::parse("1.41"));
  EXPECT_EQ(ApiVersion::parse("1.41")->text(), "1.41");
  for (const char* text : {"", "1", "1.", ".1", "1.41 ", "v1.41", "1.4.1", "-1.2"}) {
    EXPECT_FALSE(ApiVersion::parse(text)) << text;
  }
}

TEST(ApiVersions, the_older_of_both_is_spoken) {
  const ApiVersion newest = newest_known_api_version();
  EXPECT_EQ(choose_api_version({1, 41}, std::nullopt).text(), "1.41");
  EXPECT_EQ(choose_api_version({1, 99}, ApiVersion{1, 24}), newest);
}

TEST(ApiVersions, never_below_the_daemons_minimum) {
  EXPECT_EQ(choose_api_version({1, 99}, ApiVersion{1, 90}).text(), "1.90");
}

TEST(ApiVersions, the_engine_is_known_by_its_server_header) {
  EXPECT_EQ(engine_version_of("Docker/20.10.24+dfsg1 (linux)"), "20.10.24+dfsg1");
  EXPECT_EQ(engine_version_of("nginx"), "");
}

TEST(EngineAddresses, are_read) {
  EXPECT_EQ(parse_engine_address("unix:///run/docker.sock", false)->socket_path,
            "/run/docker.sock");
  EXPECT_EQ(parse_engine_address("tcp://10.0.0.1", false)->base_url, "http://10.0.0.1:2375");
  EXPECT_EQ(parse_engine_address("tcp://host:1234/", true)->base_url, "https://host:1234");
  EXPECT_EQ(parse_engine_address("tcp://[::1]", true)->base_url, "https://[::1]:2376");
  EXPECT_EQ(parse_engine_address("tcp://[::1]:99", false)->base_url, "http://[::1]:99");
}

TEST(EngineAddresses, anything_else_is_refused) {
  for (const char* text : {"", "docker", "unix://relative", "unix://", "tcp://", "tcp://:80",
                           "tcp://host:0", "tcp://host:99999", "tcp://host:http", "http://host",
                           "tcp://user@host", "tcp://host/path"}) {
    const auto parsed = parse_engine_address(text, false);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, errc::bad_config);
  }
  EXPECT_FALSE(parse_engine_address("unix:///" + std::string(200, 'x'), false));
}

}  // namespace
}  // namespace dockherd::docker_client
