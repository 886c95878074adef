// Daemons, and what stands before them, may send heads ahead of their answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine_api/herd_in_thread.hpp"
#include "tests/unit/http_api/scripted_upstream.hpp"

namespace dockherd::engine_api {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";

class InterimHeads : public HerdInThread {
 protected:
  void SetUp() override {
    herd.all.push_back(fake_node("h1", daemon.address(), true));
    start();
  }

  http_api::ScriptedUpstream daemon;
};

TEST_F(InterimHeads, are_not_taken_for_the_answer_nor_left_for_the_next_call) {
  for (int i = 0; i < 2; ++i) {
    http_api::Client client = connect();
    client.send(request("GET", "/images/json"));
    const auto peer = daemon.accept();
    EXPECT_THAT(peer->receive_until("\r\n\r\n"), StartsWith("GET /images/json"));
    peer->send(hints);
    peer->send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]");
    EXPECT_THAT(client.rest(), HasSubstr("\r\n\r\n[]"));
  }
}

TEST_F(InterimHeads, come_before_a_stream_of_events) {
  http_api::Client client = connect();
  client.send(request("GET", "/events"));
  const auto peer = daemon.accept();
  EXPECT_THAT(peer->receive_until("\r\n\r\n"), StartsWith("GET /events"));
  peer->send(hints);
  peer->send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  peer->send("{\"Type\":\"image\",\"Action\":\"pull\",\"Actor\":{\"ID\":\"a\"},\"timeNano\":17}\n");
  std::string told;
  while (told.find("pull") == std::string::npos) told += client.some();
  EXPECT_THAT(told, StartsWith("HTTP/1.1 200 OK\r\n"));
}

}  // namespace
}  // namespace dockherd::engine_api
