// The event bus alone, over many seeds: joining, goodbyes, losses that are noticed in time, and no
// loss where nobody is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/sim/bus_herd.hpp"
#include "tests/sim/random_source.hpp"

namespace dockherd::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t seeds = 100;

fakes::NetworkSettings seeded(std::uint64_t seed) {
  fakes::NetworkSettings settings;
  settings.random_seed = seed;
  return settings;
}

/// A herd of `size` that sees itself whole; fails the test when it does not get there.
void form(BusHerd& herd, Duration within = 1s) {
  herd.start_all(within);
  const bool whole = herd.time.run_until([&] { return herd.whole(); }, herd.time.now() + 5s);
  ASSERT_TRUE(whole) << "the herd did not form";
}

/// From now until nobody sees the peer; fails the test when that takes over `limit`.
void expect_lost_within(BusHerd& herd, const NodeId& peer, Duration limit, std::uint64_t seed) {
  const TimePoint begun = herd.time.now();
  const bool gone = herd.time.run_until([&] { return herd.seen_by(peer) == 0; }, begun + limit);
  EXPECT_TRUE(gone) << "seed " << seed << ": still seen by " << herd.seen_by(peer) << " after "
                    << (herd.time.now() - begun) / 1ms << " ms";
}

std::string losses_of(const BusHerd& herd) {
  std::string text;
  for (const PeerEvent& event : herd.events()) {
    if (event.joined) continue;
    text += std::to_string(event.when.time_since_epoch() / 1ms) + " ms: host" +
            std::to_string(event.at) + " lost " + event.peer.short_hex() + ": " + event.reason +
            "\n";
  }
  return text;
}

TEST(BusSimulation, a_killed_peer_is_lost_at_once_by_its_closed_links) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BusHerd herd(2 + seed % 9, seed, seeded(seed));
    form(herd);
    const NodeId peer = herd.process(1).id();
    herd.end(1, Ending::killed);
    expect_lost_within(herd, peer, 300ms, seed);
    EXPECT_TRUE(herd.whole());
  }
}

TEST(BusSimulation, a_host_without_power_is_lost_within_two_seconds_by_everybody) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BusHerd herd(2 + seed % 19, seed, seeded(seed));
    form(herd);
    herd.time.run_for(3s);
    const NodeId peer = herd.process(1).id();
    herd.end(1, Ending::power_off);
    expect_lost_within(herd, peer, 2s, seed);
  }
}

TEST(BusSimulation, a_frozen_peer_is_lost_within_two_seconds_and_is_back_when_it_thaws) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BusHerd herd(2 + seed % 19, seed, seeded(seed));
    form(herd);
    herd.time.run_for(3s);
    const NodeId peer = herd.process(1).id();
    herd.freeze(1, 6s);
    expect_lost_within(herd, peer, 2s, seed);
    herd.time.run_for(5s);
    const bool whole = herd.time.run_until([&] { return herd.whole(); }, herd.time.now() + 3s);
    EXPECT_TRUE(whole) << "seed " << seed;
  }
}

TEST(BusSimulation, a_goodbye_is_heard_by_all_at_once) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BusHerd herd(2 + seed % 9, seed, seeded(seed));
    form(herd);
    const NodeId peer = herd.process(1).id();
    herd.stop(1);
    expect_lost_within(herd, peer, 200ms, seed);
    herd.time.run_for(5s);
    EXPECT_TRUE(herd.whole()) << "seed " << seed << ": late beacons brought it back";
  }
}

TEST(BusSimulation, a_minute_of_short_stalls_and_jitter_loses_nobody) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    fakes::NetworkSettings settings = seeded(seed);
    settings.latency_high = 30ms;
    settings.datagram_loss = 0.1;
    BusHerd herd(20, seed, settings);
    form(herd, 2s);
    herd.forget_events();
    RandomSource random(seed);
    for (int i = 0; i < 240; ++i) {
      herd.freeze(static_cast<fakes::Host>(1 + random.below(20)), random.between(50ms, 300ms));
      herd.time.run_for(250ms);
    }
    EXPECT_EQ(herd.losses(), 0u) << "seed " << seed << "\n" << losses_of(herd);
  }
}

TEST(BusSimulation, one_bad_link_between_two_healthy_peers_does_not_make_others_lose_them) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BusHerd herd(5, seed, seeded(seed));
    form(herd);
    herd.forget_events();
    herd.network.cut(1, 2);
    herd.time.run_for(10s);
    herd.network.heal_all();
    for (const PeerEvent& event : herd.events()) {
      EXPECT_LE(event.at, 2) << "seed " << seed << "\n" << losses_of(herd);
    }
    const bool whole = herd.time.run_until([&] { return herd.whole(); }, herd.time.now() + 5s);
    EXPECT_TRUE(whole) << "seed " << seed;
  }
}

TEST(BusSimulation, a_link_that_was_cut_for_a_minute_carries_messages_soon_after) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BusHerd herd(3 + seed % 5, seed, seeded(seed));
    form(herd);
    herd.forget_events();
    herd.network.cut(1, 2);
    herd.network.cut(2, 1);
    herd.time.run_for(60s + Duration(seed * 1s));
    EXPECT_EQ(herd.losses(), 0u) << "seed " << seed << "\n" << losses_of(herd);
    herd.network.heal_all();
    const auto heard = [&herd](fakes::Host host, const std::string& text) {
      const auto& all = herd.process(host).notices();
      return std::find(all.begin(), all.end(), "after " + text) != all.end();
    };
    for (int i = 0; i < 10 && !(heard(1, "2") && heard(2, "1")); ++i) {
      herd.process(1).event_bus().notify(herd.process(2).id(), "after", "1");
      herd.process(2).event_bus().notify(herd.process(1).id(), "after", "2");
      herd.time.run_for(500ms);
    }
    EXPECT_TRUE(heard(1, "2") && heard(2, "1")) << "seed " << seed;
  }
}

TEST(BusSimulation, halves_of_a_split_lose_each_other_and_meet_again) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BusHerd herd(6, seed, seeded(seed));
    form(herd);
    for (fakes::Host left = 1; left <= 3; ++left) {
      for (fakes::Host right = 4; right <= 6; ++right) {
        herd.network.cut(left, right);
        herd.network.cut(right, left);
      }
    }
    herd.time.run_for(3s);
    for (fakes::Host host = 1; host <= 6; ++host) {
      EXPECT_EQ(herd.process(host).event_bus().peers().size(), 2u)
          << "seed " << seed << " host " << host;
    }
    herd.time.run_for(Duration(seed % 20 * 2s));
    herd.network.heal_all();
    const bool whole = herd.time.run_until([&] { return herd.whole(); }, herd.time.now() + 4s);
    EXPECT_TRUE(whole) << "seed " << seed;
  }
}

TEST(BusSimulation, restarted_agents_replace_their_predecessors_at_the_same_endpoint) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BusHerd herd(4, seed, seeded(seed));
    form(herd);
    RandomSource random(seed);
    for (int round = 0; round < 6; ++round) {
      const auto host = static_cast<fakes::Host>(1 + random.below(4));
      herd.end(host, random.chance(0.5) ? Ending::killed : Ending::power_off);
      herd.time.run_for(random.between(0ms, 1500ms));
      herd.start(host);
      herd.time.run_for(random.between(0ms, 1500ms));
    }
    const bool whole = herd.time.run_until([&] { return herd.whole(); }, herd.time.now() + 4s);
    EXPECT_TRUE(whole) << "seed " << seed << "\n" << losses_of(herd);
    herd.forget_events();
    herd.time.run_for(10s);
    EXPECT_TRUE(herd.events().empty()) << "seed " << seed << " flaps\n" << losses_of(herd);
  }
}

TEST(BusSimulation, nothing_is_sent_to_a_lost_peer) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BusHerd herd(5, seed, seeded(seed));
    form(herd);
    RandomSource random(seed);
    for (int round = 0; round < 20; ++round) {
      const auto a = static_cast<fakes::Host>(1 + random.below(5));
      const auto b = static_cast<fakes::Host>(1 + random.below(5));
      if (random.chance(0.5)) herd.network.break_link(a, b);
      if (random.chance(0.3)) herd.freeze(a, random.between(100ms, 4s));
      herd.process(b).event_bus().notify_all("topic", "{}");
      herd.time.run_for(random.between(0ms, 1s));
    }
    EXPECT_THAT(herd.network.sends_to_lost_peers(), testing::IsEmpty()) << "seed " << seed;
    const bool whole = herd.time.run_until([&] { return herd.whole(); }, herd.time.now() + 10s);
    EXPECT_TRUE(whole) << "seed " << seed;
  }
}

TEST(BusSimulation, idle_traffic_of_an_agent_does_not_grow_with_the_herd) {
  std::vector<double> rates;
  for (const std::size_t size : {5u, 20u, 60u}) {
    BusHerd herd(size, 1, seeded(1));
    form(herd, 2s);
    herd.time.run_for(5s);
    const auto before = herd.traffic();
    herd.time.run_for(20s);
    const auto after = herd.traffic();
    rates.push_back(static_cast<double>(after.messages - before.messages) / 20.0 /
                    static_cast<double>(size));
  }
  EXPECT_LT(rates[2], rates[0] * 1.5) << rates[0] << " then " << rates[2] << " messages a second";
}

}  // namespace
}  // namespace dockherd::sim
