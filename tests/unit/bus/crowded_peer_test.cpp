// Peers that have more before them than they take: what is refused, what goes all the same, and
// that nobody is lost by it.
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "base/limits.hpp"
#include "tests/unit/bus/bus_agents.hpp"

namespace dockherd::bus {
namespace {

class CrowdedPeerTest : public EventBusTest {
 protected:
  using Outcomes = std::multiset<std::string>;

  /// One request; its outcome is added when it ends: a status, or an error's name.
  static asio::awaitable<void> ask_into(EventBus& from, NodeId to, std::string body,
                                        TimePoint until, Lane lane,
                                        std::shared_ptr<Outcomes> outcomes) {
    const auto reply = co_await from.request(to, std::move(body), until, true, lane);
    if (reply) {
      outcomes->insert(std::to_string(reply->status));
    } else {
      outcomes->insert(std::string(to_string(reply.error().code)));
    }
  }
  /// The first agent asks the second one so often at once.
  void ask_often(std::size_t count, const std::string& body, Lane lane = Lane::work) {
    for (std::size_t i = 0; i < count; ++i) {
      asio::co_spawn(agents[0]->context,
                     ask_into(bus(0), bus(1).self(), body, time.now() + 5s, lane, kept_),
                     [](const std::exception_ptr&) {});
    }
    time.run_for(100ms);
  }
  void expect_nobody_lost() {
    for (auto& agent : agents) EXPECT_EQ(agent->bus.counters().peers_lost, 0U);
  }

  static std::string megabyte() { return R"({"x":")" + std::string(1u << 20, 'x') + R"("})"; }
  static constexpr std::size_t crowd = 64;  ///< Megabytes: twice what the queue to a peer holds.
  static constexpr std::size_t room = limits::bus_crowded_bytes >> 20;

 private:
  /// Agents that end with the test still answer.
  std::shared_ptr<Outcomes> kept_ = std::make_shared<Outcomes>();

 protected:
  Outcomes& outcomes = *kept_;
};

TEST_F(CrowdedPeerTest, one_that_was_given_all_that_it_is_given_at_once_is_busy) {
  ask_often(limits::bus_requests_to_peer + 7, R"({"slow":1})");
  EXPECT_EQ(outcomes.count("busy"), 7U);
  EXPECT_EQ(outcomes.size(), 7U) << "the others wait";
  EXPECT_TRUE(ask(0, bus(2).self(), "{}")) << "another peer is not concerned";
  EXPECT_TRUE(ask(2, bus(1).self(), "{}")) << "nor another asker";
  time.run_for(6s);
  EXPECT_EQ(outcomes.size(), limits::bus_requests_to_peer + 7);
  EXPECT_EQ(bus(0).awaiting(), 0U);
  EXPECT_EQ(bus(1).serving(), 0U);
  EXPECT_TRUE(ask(0, bus(1).self(), "{}"));
  expect_nobody_lost();
}

TEST_F(CrowdedPeerTest, the_herd_s_own_questions_go_all_the_same) {
  ask_often(limits::bus_requests_to_peer, R"({"slow":1})");
  EXPECT_TRUE(outcomes.empty());
  ask_often(3, "{}", Lane::control);
  EXPECT_EQ(outcomes.count("200"), 3U);
}

TEST_F(CrowdedPeerTest, one_that_reads_nothing_is_busy_before_its_queue_is_full) {
  network.cut(1, 2);
  ask_often(crowd, megabyte());
  EXPECT_EQ(outcomes.count("busy"), outcomes.size());
  EXPECT_NEAR(static_cast<double>(crowd - outcomes.size()), room, 2);
  network.heal(1, 2);
  time.run_for(4s);
  EXPECT_NEAR(static_cast<double>(outcomes.count("200")), room, 2)
      << testing::PrintToString(outcomes);
  EXPECT_EQ(outcomes.size(), crowd);
  expect_nobody_lost();
}

TEST_F(CrowdedPeerTest, answers_that_nobody_reads_become_refusals) {
  network.cut(2, 1);
  ask_often(crowd, megabyte());
  EXPECT_TRUE(outcomes.empty());
  network.heal(2, 1);
  time.run_for(4s);
  EXPECT_NEAR(static_cast<double>(outcomes.count("200")), room, 2)
      << testing::PrintToString(outcomes);
  EXPECT_EQ(outcomes.count("200") + outcomes.count("503"), crowd);
  expect_nobody_lost();
}

}  // namespace
}  // namespace dockherd::bus
