// The failure detector in whole herds of Memberships: what is noticed, how soon, and what is not
// taken for a failure.
#include "bus/liveness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/bus/pure_herd.hpp"

namespace dockherd::bus {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

bool is_control(const Frames& frames, std::string_view kind) {
  return frames.size() > 1 &&
         frames[1].find("\"kind\":\"" + std::string(kind) + "\"") != std::string::npos;
}

class LivenessOfHerd : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Sizes, LivenessOfHerd, testing::Values(2, 3, 5, 10, 20, 50));

TEST_P(LivenessOfHerd, everybody_meets_once_and_nobody_is_lost_in_peace) {
  PureHerd herd(GetParam());
  herd.introduce_all();
  herd.run_for(100ms);
  EXPECT_TRUE(herd.whole());
  herd.run_for(60s);
  EXPECT_THAT(herd.losses(), IsEmpty());
  const auto pairs = static_cast<std::size_t>(GetParam() * (GetParam() - 1));
  EXPECT_EQ(herd.events.size(), pairs);
}

TEST_P(LivenessOfHerd, a_frozen_peer_is_lost_by_all_within_two_seconds) {
  PureHerd herd(GetParam());
  herd.introduce_all();
  herd.run_for(10s + 123ms);
  const TimePoint start = herd.now;
  herd.freeze(1);
  herd.run_for(5s);
  const auto losses = herd.losses();
  ASSERT_EQ(losses.size(), static_cast<std::size_t>(GetParam() - 1));
  for (const auto& loss : losses) {
    EXPECT_EQ(loss.about, 1);
    EXPECT_LE(loss.time - start, 2s);
  }
  herd.thaw(1);
  herd.run_for(5s);
  EXPECT_TRUE(herd.whole());
}

TEST_P(LivenessOfHerd, halves_lose_each_other_within_two_seconds_and_find_each_other_again) {
  const int count = GetParam();
  PureHerd herd(count);
  herd.introduce_all();
  herd.run_for(10s + 456ms);
  const TimePoint start = herd.now;
  for (int a = 0; a < count / 2; ++a) {
    for (int b = count / 2; b < count; ++b) herd.cut_both(a, b);
  }
  herd.run_for(6s);
  const auto losses = herd.losses();
  EXPECT_EQ(losses.size(), static_cast<std::size_t>(2 * (count / 2) * (count - count / 2)));
  for (const auto& loss : losses) EXPECT_LE(loss.time - start, 2s);
  herd.run_for(40s);
  herd.heal_all();
  const auto lost_before = herd.losses().size();
  herd.run_for(4s);
  EXPECT_TRUE(herd.whole());
  EXPECT_EQ(herd.losses().size(), lost_before) << "the meeting took more than one attempt";
}

TEST_P(LivenessOfHerd, the_idle_cost_of_each_does_not_grow_with_the_herd) {
  PureHerd herd(GetParam());
  herd.introduce_all();
  herd.run_for(5s);
  const auto before = herd.messages;
  herd.run_for(60s);
  const double each = static_cast<double>(herd.messages - before) / 60 / GetParam();
  EXPECT_LE(each, 3.5) << "messages per second";
  EXPECT_GE(each, 1.0) << "nobody is watched";
}

TEST(Liveness, a_broken_path_between_two_is_no_failure_when_others_vouch) {
  for (int b = 1; b < 5; ++b) {
    PureHerd herd(5);
    herd.introduce_all();
    herd.run_for(5s);
    herd.cut_both(0, b);
    herd.run_for(20s);
    EXPECT_THAT(herd.losses(), IsEmpty()) << b;
  }
}

TEST(Liveness, a_peer_that_others_vouch_for_but_that_never_answers_us_is_given_new_links) {
  for (int b = 1; b < 5; ++b) {
    PureHerd herd(5);
    herd.introduce_all();
    herd.run_for(5s);
    int hellos = 0;
    herd.drop = [&hellos, b](int from, int to, const Frames& frames) {
      if ((from != 0 || to != b) && (from != b || to != 0)) return false;
      if (from == 0 && decode_zre(frames.front())->kind == ZreKind::hello) ++hellos;
      return true;
    };
    herd.run_for(60s);
    EXPECT_THAT(herd.losses(), IsEmpty()) << b;
    EXPECT_GE(hellos, 1) << b;
    EXPECT_LE(hellos, 30) << b << ": a new link each time costs more than it mends";
    herd.drop = [](int, int, const Frames&) { return false; };
    herd.run_for(20s);
    EXPECT_TRUE(herd.whole()) << b;
  }
}

TEST(Liveness, a_suspect_that_recovers_in_time_is_cleared_by_all) {
  PureHerd herd(10);
  herd.introduce_all();
  herd.run_for(10s);
  herd.freeze(3);
  herd.run_for(1100ms);
  EXPECT_THAT(herd.losses(), IsEmpty());
  herd.thaw(3);
  herd.run_for(10s);
  EXPECT_THAT(herd.losses(), IsEmpty());
}

TEST(Liveness, a_suspect_refutes_when_it_hears_of_the_suspicion) {
  PureHerd herd(2);
  herd.introduce_all();
  herd.run_for(5s);
  int refutations = 0;
  herd.drop = [&](int, int, const Frames& frames) {
    refutations += is_control(frames, "alive") ? 1 : 0;
    return false;
  };
  herd.freeze(1);
  herd.run_for(1000ms);
  herd.thaw(1);
  herd.run_for(3s);
  EXPECT_GE(refutations, 1);
  EXPECT_THAT(herd.losses(), IsEmpty());
}

TEST(Liveness, a_verdict_about_a_healthy_peer_is_not_believed) {
  PureHerd herd(4);
  herd.introduce_all();
  herd.run_for(5s);
  // Node 0 alone is convinced that node 1 is gone, and says so to all.
  using Kind = LivenessControl::Kind;
  for (int i = 2; i < 4; ++i) {
    herd[0].whisper(herd.id(i), encode_liveness({Kind::suspect, herd.id(1), 0}));
    herd[0].whisper(herd.id(i), encode_liveness({Kind::lost, herd.id(1), 0}));
  }
  herd.run_for(10s);
  EXPECT_THAT(herd.losses(), IsEmpty());
}

TEST(Liveness, an_accusation_that_was_refuted_before_is_looked_into_for_the_accuser) {
  using Kind = LivenessControl::Kind;
  const LivenessSettings settings;
  Liveness liveness(settings, NodeId(), 1);
  const NodeId accuser({1});
  const NodeId accused({2});
  TimePoint now = TimePoint{} + 100s;
  liveness.add(accuser, true, now);
  liveness.add(accused, true, now);
  liveness.control(accused, {Kind::alive, accused, 5}, now);
  liveness.take_actions();
  liveness.control(accuser, {Kind::suspect, accused, 0}, now);
  const auto asked = liveness.take_actions();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(std::get<SendPing>(asked[0]).to, accused);
  EXPECT_FALSE(liveness.suspects(accused));
  liveness.answered(accused, now + 1ms);
  const auto told = liveness.take_actions();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(std::get<Tell>(told[0]).to, accuser);
  EXPECT_EQ(std::get<Tell>(told[0]).control, (LivenessControl{Kind::alive, accused, 5}));
}

TEST(Liveness, after_a_standstill_of_our_own_nobody_is_accused) {
  for (const bool tick_first : {true, false}) {
    for (const auto pause : {150ms, 250ms, 400ms, 700ms, 1500ms, 60'000ms}) {
      PureHerd herd(3);
      herd.introduce_all();
      herd.run_for(5s);
      // Both others stand still with it, so that only its own clock speaks against them.
      for (int i = 0; i < 3; ++i) herd.freeze(i);
      herd.run_for(pause);
      for (int i = 0; i < 3; ++i) herd.thaw(i, tick_first);
      herd.run_for(5s);
      EXPECT_THAT(herd.losses(), IsEmpty()) << pause.count();
    }
  }
}

TEST(Liveness, a_late_tick_extends_a_running_probe) {
  const LivenessSettings settings;
  Liveness liveness(settings, NodeId(), 1);
  NodeId::Bytes raw{1};
  const NodeId peer(raw);
  TimePoint now = TimePoint{} + 100s;
  liveness.add(peer, true, now);
  now += settings.probe_period;
  liveness.tick(now);  // PING.
  now += settings.probe_timeout + 3s;
  liveness.tick(now);  // Three seconds late: its answer may lie unread.
  EXPECT_FALSE(liveness.suspects(peer));
  now += 10ms;
  liveness.answered(peer, now);
  now += settings.probe_period - 1ms;
  liveness.tick(now);
  for (const auto& action : liveness.take_actions()) {
    EXPECT_FALSE(std::holds_alternative<DeclareLost>(action));
  }
  // The same without any answer ends in suspicion, so the test can fail.
  now += settings.probe_period;
  liveness.tick(now);
  for (int i = 0; i < 4; ++i) {
    now = std::max(now, liveness.next_deadline());
    liveness.tick(now);
    if (liveness.suspects(peer)) break;
  }
  EXPECT_TRUE(liveness.suspects(peer));
}

TEST(Liveness, a_slightly_late_machine_still_judges) {
  const LivenessSettings settings;
  Liveness liveness(settings, NodeId(), 1);
  NodeId::Bytes raw{1};
  TimePoint now = TimePoint{} + 100s;
  const TimePoint start = now;
  liveness.add(NodeId(raw), true, now);
  bool lost = false;
  while (!lost && now - start < 10s) {
    now = liveness.next_deadline() + 20ms;
    liveness.tick(now);
    for (const auto& action : liveness.take_actions()) {
      lost = lost || std::holds_alternative<DeclareLost>(action);
    }
  }
  EXPECT_TRUE(lost);
  EXPECT_LE(now - start, 2s);
}

TEST(Liveness, two_sides_that_greet_at_once_again_and_again_settle) {
  for (int a_to_b = 0; a_to_b < 4; ++a_to_b) {
    PureHerd herd(2);
    herd.introduce_all();
    herd.run_for(5s);
    const auto before = herd.sent[ZreKind::hello];
    // Both lose the other at once, and one greeting is lost as well.
    int dropped = 0;
    herd.drop = [&](int from, int, const Frames& frames) {
      const bool hello = decode_zre(frames.front())->kind == ZreKind::hello;
      return hello && from == a_to_b % 2 && dropped++ < a_to_b / 2;
    };
    ZreMessage odd;
    odd.sequence = 4711;
    herd[0].message(herd.id(1), {encode_zre(odd)}, herd.now);
    herd[1].message(herd.id(0), {encode_zre(odd)}, herd.now);
    herd.run_for(20s);
    EXPECT_TRUE(herd.whole()) << a_to_b;
    EXPECT_LE(herd.sent[ZreKind::hello] - before, 8) << a_to_b;
    const auto settled = herd.events.size();
    herd.run_for(60s);
    EXPECT_EQ(herd.events.size(), settled) << a_to_b;
  }
}

TEST(Liveness, the_one_sided_session_is_found_by_the_side_that_lost_it) {
  PureHerd herd(2);
  herd.introduce_all();
  herd.run_for(5s);
  ZreMessage odd;
  odd.sequence = 4711;
  herd[0].message(herd.id(1), {encode_zre(odd)}, herd.now);
  herd.run_for(1s);
  EXPECT_TRUE(herd.whole());
}

TEST(Liveness, the_same_inputs_give_the_same_run) {
  const auto run = [] {
    PureHerd herd(12);
    herd.introduce_all();
    herd.run_for(3s);
    herd.freeze(4);
    herd.cut_both(1, 2);
    herd.run_for(4s);
    herd.thaw(4);
    herd.run_for(4s);
    std::string trace;
    for (const auto& event : herd.events) {
      trace += std::to_string(event.time.time_since_epoch().count()) + " " +
               std::to_string(event.at) + (event.joined ? "+" : "-") + std::to_string(event.about) +
               "\n";
    }
    return trace + std::to_string(herd.messages);
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace dockherd::bus
