// GET /info of a herd: what the herd itself has to say.
#include <gmock/gmock.h>

#include "tests/unit/engine_api/herd_on_loopback.hpp"

namespace dockherd::engine_api {
namespace {

class InformationOfTheHerd : public HerdOnLoopback {
 protected:
  void collide(const std::string& name, bool more = false) {
    NameCollision collision;
    collision.name = name;
    collision.containers.push_back({herd.node("h1").view, "c1"});
    collision.containers.push_back({herd.node("h2").view, "c2"});
    collision.more = more;
    herd.collisions.push_back(std::move(collision));
  }
  asio::awaitable<json> warnings() {
    for (const char* name : {"h1", "h2"}) {
      host(name).answer("GET /info", 200, R"({"ID":"x","Warnings":null})");
    }
    const auto answer = co_await ask("GET", "/info");
    co_return parsed(answer.body)["Warnings"];
  }
};

TEST_F(InformationOfTheHerd, warns_of_nothing_when_all_names_are_unique) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    const json found = co_await warnings();
    EXPECT_EQ(found, nullptr);
  });
}

TEST_F(InformationOfTheHerd, warns_of_names_on_several_hosts) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    collide("web");
    collide("exporter", true);
    const json found = co_await warnings();
    EXPECT_EQ(found, json({"WARNING: several containers have the name web: h1/web, h2/web",
                           "WARNING: several containers have the name exporter: h1/exporter, "
                           "h2/exporter and more"}));
  });
}

TEST_F(InformationOfTheHerd, warns_of_sixteen_names_and_counts_the_rest) {
  with_hosts({"h1", "h2"}, [this]() -> asio::awaitable<void> {
    for (int i = 1; i <= 20; ++i) collide("web-" + std::to_string(i));
    const json found = co_await warnings();
    EXPECT_EQ(found.size(), 17u);
    EXPECT_EQ(found.back(), "WARNING: 4 more names are those of several containers");
  });
}

}  // namespace
}  // namespace dockherd::engine_api
