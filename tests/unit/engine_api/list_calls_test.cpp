#include <gmock/gmock.h>

#include "engine_api/container_calls.hpp"
#include "tests/unit/engine_api/answers.hpp"
#include "tests/unit/engine_api/herd_on_loopback.hpp"

namespace dockherd::engine_api {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

class ListsOfTheHerd : public HerdOnLoopback {};

TEST_F(ListsOfTheHerd, wait_longer_for_sizes_which_walk_the_disk) {
  api_settings.task_timeout = 200ms;
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    host("h2").slowness = 600ms;
    const auto late =
        co_await ask("GET", "/containers/json?filters=%7B%22name%22%3A%5B%22x%22%5D%7D");
    EXPECT_THAT(warning_of(late), HasSubstr("h2"));
    const auto sizes = co_await ask("GET", "/containers/json?size=1");
    EXPECT_EQ(sizes.status, 200);
    EXPECT_EQ(warning_of(sizes), "");
    EXPECT_TRUE(host("h2").has_seen("GET /containers/json?size=1"));
  });
}

TEST_F(ListsOfTheHerd, ask_only_the_host_whose_name_goes_before_the_containers) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    const auto answer =
        co_await ask("GET", "/containers/json?filters=%7B%22name%22%3A%5B%22h2%2Fweb%22%5D%7D");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(host("h1").seen, IsEmpty());
    EXPECT_EQ(host("h2").seen.size(), 1u);
    EXPECT_TRUE(host("h2").has_seen(
        "GET /containers/json?filters=%7B%22name%22%3A%7B%22%5E%2Fweb%22%3Atrue%7D%7D"));
  });
}

TEST(Inspection, may_take_long_when_it_asks_for_sizes) {
  EXPECT_TRUE(is_brief(find_docker_route("GET", "/containers/web/json")));
  EXPECT_TRUE(is_brief(find_docker_route("GET", "/v1.41/containers/web/json?size=0")));
  EXPECT_FALSE(is_brief(find_docker_route("GET", "/v1.41/containers/web/json?size=1")));
  EXPECT_TRUE(is_brief(find_docker_route("GET", "/containers/web/top?size=1")));
}

}  // namespace
}  // namespace dockherd::engine_api
