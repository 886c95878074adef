// Who keeps what of others' containers: the owner's side by what whole nodes are told, the keeper's
// side by itself.
#include "agent/specification_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/rescheduling_herd.hpp"
#include "tests/unit/agent/watching_agent.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

/// A herd and what its agents have been told, by host and container. What a host was told before
/// its agent ended counts no more.
class ToldHerd : public ReschedulingHerd {
 public:
  explicit ToldHerd(int count) : ReschedulingHerd(count) {
    network().on_arrival = [this](fakes::Host to, bus::Frames& frames) {
      if (frames.size() > 1) note(to, frames[1]);
    };
  }

  /// Hosts that keep the container's specification.
  std::set<int> who_keeps(const std::string& id) {
    std::set<int> keepers;
    for (const auto& [number, told] : told_) {
      if (host(number).alive() && told.contains(id)) keepers.insert(number);
    }
    return keepers;
  }
  /// As that host was told it last.
  json told(int number, const std::string& id) { return told_.at(number).at(id); }
  void forget(int number) { told_.erase(number); }
  std::size_t notices = 0;  ///< Specifications that arrived anywhere.

 private:
  void note(int to, const std::string& text) {
    if (text.find(R"("topic":"specification)") == std::string::npos) return;
    const json notice = json::parse(text);
    if (notice["topic"] == topic_specification_gone) {
      told_[to].erase(notice["body"].get<std::string>());
    } else if (notice["topic"] == topic_specification) {
      ++notices;
      told_[to][notice["body"]["id"].get<std::string>()] = notice["body"];
    }
  }

  std::map<int, std::map<std::string, json>> told_;
};

std::set<int> set_of(const std::vector<int>& numbers) {
  return {numbers.begin(), numbers.end()};
}

TEST(SpecificationKeeper, three_others_keep_it_and_all_agree_on_which) {
  ToldHerd herd(6);
  for (int number = 1; number <= 6; ++number) {
    const std::string id = herd.run_asking(number, "web-" + std::to_string(number));
    const std::string plain = herd.run(number, "plain-" + std::to_string(number));
    herd.settle();
    EXPECT_EQ(herd.who_keeps(id), set_of(herd.keepers(id, number)));
    EXPECT_THAT(herd.who_keeps(id), SizeIs(3));
    EXPECT_THAT(herd.who_keeps(plain), IsEmpty());
  }
}

TEST(SpecificationKeeper, in_a_small_herd_all_others_keep_it_and_a_lone_agent_waits_for_others) {
  ToldHerd herd(3);
  const std::string id = herd.run_asking(1, "web");
  herd.settle();
  EXPECT_EQ(herd.who_keeps(id), (std::set<int>{2, 3}));
  ToldHerd lone(1);
  lone.run_asking(1, "web");
  lone.settle();
  EXPECT_EQ(lone.notices, 0u);
}

TEST(SpecificationKeeper, in_place_of_two_that_died_others_are_told) {
  ToldHerd herd(6);
  const std::string id = herd.run_asking(1, "web");
  herd.settle();
  const std::vector<int> before = herd.keepers(id, 1);
  herd.power_off({before[0], before[1]});
  herd.time().run_for(10s);
  EXPECT_EQ(herd.who_keeps(id), set_of(herd.keepers(id, 1)));
  EXPECT_THAT(herd.who_keeps(id), SizeIs(3));
  // They come back with empty hands.
  for (const int number : {before[0], before[1]}) {
    herd.forget(number);
    herd.start_agent(number);
  }
  herd.time().run_for(10s);
  EXPECT_EQ(herd.who_keeps(id), set_of(herd.keepers(id, 1)));
  EXPECT_THAT(herd.who_keeps(id), SizeIs(3));
}

TEST(SpecificationKeeper, a_restarted_owner_tells_anew_what_its_daemon_has) {
  ToldHerd herd(4);
  const std::string id = herd.run_asking(1, "web");
  herd.settle();
  for (const int number : {2, 3, 4}) herd.forget(number);
  herd.restart_agent(1);
  EXPECT_EQ(herd.who_keeps(id), (std::set<int>{2, 3, 4}));
}

TEST(SpecificationKeeper, its_keepers_hear_of_every_change_and_of_its_end) {
  ToldHerd herd(2);
  const std::string id = herd.run_asking(1, "web");
  herd.settle();
  EXPECT_EQ(herd.told(2, id)["runs"], true);
  const auto call = [&](const std::string& target, const std::string& body) {
    const auto response = herd.host(1).daemon().handle("POST", "/containers/" + id + target, body,
                                                       WallTime{} + herd.time().elapsed());
    EXPECT_TRUE(response.ok()) << response.body;
    herd.time().touch_all();
    herd.settle();
  };
  call("/update", R"({"Memory":1234567})");
  const std::string body = herd.told(2, id)["body"];
  EXPECT_EQ(json::parse(body)["HostConfig"]["Memory"], 1234567);
  call("/rename?name=shop", "");
  EXPECT_EQ(herd.told(2, id)["name"], "shop");
  call("/stop", "");
  EXPECT_EQ(herd.told(2, id)["runs"], false);
  const std::size_t notices = herd.notices;
  herd.time().run_for(1min);  // The daemon lists it some times more.
  EXPECT_EQ(herd.notices, notices);
  herd.host(1).daemon().remove(id, WallTime{} + herd.time().elapsed());
  herd.time().touch_all();
  herd.settle();
  EXPECT_THAT(herd.who_keeps(id), IsEmpty());
}

TEST(SpecificationKeeper, one_that_cannot_be_inspected_keeps_no_other_from_it_and_is_tried_again) {
  ToldHerd herd(2);
  std::string broken = "none yet";
  herd.plan(1, [&](const DockerRequest& request) -> std::optional<Result<DockerResponse>> {
    const bool inspects = request.target.find("/containers/" + broken) != std::string::npos;
    if (!inspects) return std::nullopt;
    return refusal(500, "this one hangs");
  });
  const std::string first = herd.run_asking(1, "broken");
  broken = first;
  std::vector<std::string> others;
  for (int number = 1; number <= 5; ++number) {
    others.push_back(herd.run_asking(1, "web-" + std::to_string(number)));
  }
  herd.time().run_for(30s);
  for (const std::string& id : others) EXPECT_THAT(herd.who_keeps(id), SizeIs(1));
  EXPECT_THAT(herd.who_keeps(first), IsEmpty());
  broken = "none any more";
  herd.settle();
  EXPECT_THAT(herd.who_keeps(first), SizeIs(1));
}

// --- the keeper by itself ------------------------------------------------------------------------

class Keeping : public WatchingTest {
 protected:
  Keeping() {
    for (const NodeId& node : {owner, other_owner}) {
      NodeStatus status;
      status.hostname = node.short_hex();
      agent.herd.nodes.put(node, std::move(status));
    }
  }

  static std::string id_of(int number) {
    std::string digits = std::to_string(number);
    return std::string(64 - digits.size(), '0') + digits;
  }
  Result<void> tell(const NodeId& from, int number, const std::string& body = "{}") {
    Specification specification;
    specification.id = id_of(number);
    specification.name = "web";
    specification.body = body;
    specification.runs = true;
    return keeper.take(from, encode_specification(specification));
  }

  const NodeId owner{{1, 1, 1}};
  const NodeId other_owner{{2, 2, 2}};
  WatchingAgent& agent = add_agent();
  static constexpr std::size_t most_bytes = 1u << 20;
  SpecificationKeeper keeper{agent.herd, agent.docker, most_bytes};
};

TEST_F(Keeping, each_owner_has_his_own_and_takes_nothing_from_another) {
  ASSERT_TRUE(tell(owner, 1));
  ASSERT_TRUE(tell(owner, 2));
  ASSERT_TRUE(tell(other_owner, 1));
  EXPECT_EQ(keeper.kept(), 3u);
  keeper.forget(other_owner, quote_json(id_of(2)));
  EXPECT_EQ(keeper.kept(), 3u);
  keeper.forget(other_owner, quote_json(id_of(1)));
  EXPECT_EQ(keeper.kept(), 2u);
  EXPECT_THAT(keeper.take_all_of(owner), SizeIs(2));
  EXPECT_THAT(keeper.take_all_of(owner), IsEmpty());
  EXPECT_EQ(keeper.kept(), 0u);
}

TEST_F(Keeping, what_is_told_again_replaces_what_was_told_before) {
  ASSERT_TRUE(tell(owner, 1, "old"));
  ASSERT_TRUE(tell(owner, 1, "new"));
  const auto kept = keeper.take_all_of(owner);
  ASSERT_THAT(kept, SizeIs(1));
  EXPECT_EQ(kept.front().body, "new");
}

TEST_F(Keeping, what_is_not_understood_or_comes_from_nobodys_agent_is_refused) {
  EXPECT_FALSE(tell(NodeId({9}), 1));
  for (const char* wrong : {"", "[]", "{}", R"({"id":"short","name":"a","body":"","runs":true})"}) {
    EXPECT_FALSE(keeper.take(owner, wrong)) << wrong;
  }
  ASSERT_TRUE(tell(owner, 1));
  for (const char* wrong : {"", "[", "5", R"(["a"])"}) keeper.forget(owner, wrong);
  EXPECT_EQ(keeper.kept(), 1u);
}

TEST_F(Keeping, no_more_than_the_bound_is_kept_and_what_goes_makes_room) {
  const std::string large(most_bytes / 8, 'x');
  const std::size_t fit = 7;  // With what else is in them.
  int number = 0;
  while (static_cast<std::size_t>(number) < fit) ASSERT_TRUE(tell(owner, ++number, large));
  EXPECT_EQ(keeper.kept(), fit);
  EXPECT_TRUE(tell(owner, ++number, large));  // No fault of who tells it.
  EXPECT_EQ(keeper.kept(), fit);
  EXPECT_TRUE(tell(owner, 1, large));  // In place of the same.
  EXPECT_EQ(keeper.kept(), fit);
  EXPECT_TRUE(tell(other_owner, 1, "small"));
  EXPECT_EQ(keeper.kept(), fit + 1);
  keeper.forget(owner, quote_json(id_of(2)));
  EXPECT_TRUE(tell(other_owner, 2, large));
  EXPECT_EQ(keeper.kept(), fit + 1);
  keeper.take_all_of(owner);
  for (std::size_t again = 0; again < fit - 1; ++again) tell(owner, ++number, large).value();
  EXPECT_EQ(keeper.kept(), fit + 1);
}

}  // namespace
}  // namespace dockherd::agent
