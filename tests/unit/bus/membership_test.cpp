// What each event does in each state of a session, seen through one peer that the test plays.
#include "tests/unit/bus/membership_fixture.hpp"

namespace dockherd::bus::membership_tests {

TEST_F(MembershipTest, a_sighting_is_dialled_and_greeted_and_ready_at_its_hello) {
  EXPECT_THAT(sight(2), ElementsAre("connect 10.0.0.2", "HELLO 1"));
  EXPECT_THAT(sight(2), IsEmpty());
  EXPECT_FALSE(membership.is_ready(node(2)));
  EXPECT_THAT(receive(node(2), hello(2)), ElementsAre("joined"));
  EXPECT_TRUE(membership.is_ready(node(2)));
  EXPECT_THAT(sight(2), IsEmpty());
}

TEST_F(MembershipTest, hello_alone_is_enough_and_is_answered_by_hello) {
  EXPECT_THAT(receive(node(2), hello(2)), ElementsAre("connect 10.0.0.2", "HELLO 1", "joined"));
}

TEST_F(MembershipTest, hello_carries_groups_status_and_headers_of_now) {
  membership.join("a");
  membership.join("b");
  membership.leave("a");
  membership.leave("never joined");
  membership.join("b");
  membership.sighting(node(2), endpoint_of(2), now);
  const auto actions = membership.take_actions();
  const auto sent = decode_zre(std::get<Send>(actions.at(1)).frames.front());
  EXPECT_THAT(sent->groups, ElementsAre("b"));
  EXPECT_EQ(sent->status, 3);
  EXPECT_EQ(sent->headers.at(std::string(header_herd)), "h");
  EXPECT_EQ(sent->endpoint, endpoint_of(1));
}

TEST_F(MembershipTest, the_status_counts_modulo_256) {
  for (int i = 0; i < 130; ++i) {
    membership.join("g");
    membership.leave("g");
  }
  have_peer();
  membership.join("g");
  const auto actions = membership.take_actions();
  EXPECT_EQ(decode_zre(std::get<Send>(actions.back()).frames.front())->status, 261 % 256);
}

TEST_F(MembershipTest, a_hello_with_wrong_number_endpoint_or_our_own_id_is_ignored) {
  ZreMessage odd = hello(2);
  odd.sequence = 2;
  EXPECT_THAT(receive(node(2), odd), IsEmpty());
  odd = hello(2);
  odd.endpoint = "tcp://somewhere:5";
  EXPECT_THAT(receive(node(2), odd), IsEmpty());
  EXPECT_THAT(receive(node(2), hello(1)), ElementsAre("refused: it claims our own endpoint"));
  EXPECT_THAT(receive(node(2), hello(1)), IsEmpty());
  EXPECT_THAT(receive(node(1), hello(3)), IsEmpty());
  EXPECT_EQ(membership.malformed(), 4U);
}

TEST_F(MembershipTest, a_hello_with_a_host_name_is_answered_where_it_came_from) {
  ZreMessage named = hello(2);
  named.endpoint = "tcp://host-2:49152";
  membership.message(node(2), {encode_zre(named)}, now, "10.0.0.2");
  EXPECT_THAT(taken(), ElementsAre("connect 10.0.0.2", "HELLO 1", "joined"));
  EXPECT_EQ(membership.peer(node(2))->endpoint, endpoint_of(2));
}

TEST_F(MembershipTest, nothing_is_accepted_before_hello) {
  EXPECT_THAT(receive(node(2), ZreKind::whisper, 2, "", "x"), IsEmpty());
  sight(2);
  EXPECT_THAT(receive(node(2), ZreKind::whisper, 2, "", "x"), IsEmpty());
}

TEST_F(MembershipTest, messages_in_sequence_are_delivered) {
  membership.join("g");
  have_peer();
  taken();
  EXPECT_THAT(receive(node(2), ZreKind::ping, 2), ElementsAre("PING-OK 2"));
  for (const std::uint16_t number : {std::uint16_t{3}, std::uint16_t{4}}) {
    EXPECT_THAT(receive(node(2), ZreKind::join, number, "x"), IsEmpty());
    EXPECT_TRUE(membership.addresses().is_member("x", node(2)));
  }
  for (const std::uint16_t number : {std::uint16_t{5}, std::uint16_t{6}}) {
    EXPECT_THAT(receive(node(2), ZreKind::leave, number, "x"), IsEmpty());
    EXPECT_FALSE(membership.addresses().is_member("x", node(2)));
  }
  EXPECT_THAT(receive(node(2), ZreKind::elect, 7, "x"), IsEmpty());
  EXPECT_THAT(receive(node(2), ZreKind::leader, 8, "x"), IsEmpty());
  EXPECT_THAT(receive(node(2), ZreKind::whisper, 9, "", "w"), ElementsAre("whisper w"));
  EXPECT_THAT(receive(node(2), ZreKind::whisper, 10), IsEmpty());
  EXPECT_THAT(receive(node(2), ZreKind::shout, 11, "g", "s"), ElementsAre("shout s"));
  EXPECT_THAT(receive(node(2), ZreKind::shout, 12, "not ours", "s"), IsEmpty());
  EXPECT_THAT(receive(node(2), ZreKind::ping_ok, 13), IsEmpty());
  EXPECT_TRUE(membership.is_ready(node(2)));
}

TEST_F(MembershipTest, frames_that_are_no_message_are_dropped_uncounted) {
  have_peer();
  taken();
  membership.message(node(2), {"garbage"}, now);
  membership.message(node(2), {std::string("\xAA\xA1\x0B\x02\x00\x02", 6)}, now);
  EXPECT_THAT(taken(), IsEmpty());
  EXPECT_EQ(membership.malformed(), 2U);
  EXPECT_THAT(receive(node(2), ZreKind::ping, 2), ElementsAre("PING-OK 2"));
}

TEST_F(MembershipTest, a_gap_or_a_repeated_number_drops_the_peer_and_greets_it_anew) {
  for (const std::uint16_t wrong : {std::uint16_t{4}, std::uint16_t{1}, std::uint16_t{2}}) {
    Membership fresh(settings(), 1);
    fresh.message(node(2), {encode_zre(hello(2))}, now);
    ZreMessage ping;
    ping.sequence = 2;
    fresh.message(node(2), {encode_zre(ping)}, now);
    fresh.take_actions();
    ping.sequence = wrong;
    fresh.message(node(2), {encode_zre(ping)}, now);
    std::vector<std::string> texts;
    for (const auto& action : fresh.take_actions()) texts.push_back(describe(action));
    EXPECT_THAT(texts,
                ElementsAre("lost: messages of it were lost", "connect 10.0.0.2", "HELLO 1"));
    fresh.message(node(2), {encode_zre(hello(2))}, now);
    EXPECT_TRUE(fresh.is_ready(node(2)));
  }
}

TEST_F(MembershipTest, sequence_numbers_wrap_at_65536_or_one_early) {
  for (const bool early : {false, true}) {
    Membership fresh(settings(), 1);
    fresh.message(node(2), {encode_zre(hello(2))}, now);
    ZreMessage ping;
    for (int i = 2; i < 65'535; ++i) {
      ping.sequence = static_cast<std::uint16_t>(i);
      fresh.message(node(2), {encode_zre(ping)}, now);
    }
    const std::vector<std::uint16_t> wrapping =
        early ? std::vector<std::uint16_t>{0, 1, 2} : std::vector<std::uint16_t>{65'535, 0, 1};
    for (const std::uint16_t number : wrapping) {
      ping.sequence = number;
      fresh.message(node(2), {encode_zre(ping)}, now);
      EXPECT_TRUE(fresh.is_ready(node(2))) << number;
    }
    const auto actions = fresh.take_actions();
    // HELLO was our 1 and each of its 65,536 PINGs was answered: ours wrapped, too.
    EXPECT_EQ(describe(actions.back()), "PING-OK 1");
    ping.sequence = 9;
    fresh.message(node(2), {encode_zre(ping)}, now);
    EXPECT_FALSE(fresh.is_ready(node(2)));
  }
}

TEST_F(MembershipTest, hello_from_a_ready_peer_is_a_new_session_and_loses_no_group) {
  have_peer();
  receive(node(2), ZreKind::join, 2, "old");
  ZreMessage again = hello(2);
  again.groups = {"new"};
  EXPECT_THAT(receive(node(2), again),
              ElementsAre("lost: it began a new session", "connect 10.0.0.2", "HELLO 1", "joined"));
  EXPECT_FALSE(membership.addresses().is_member("old", node(2)));
  EXPECT_TRUE(membership.addresses().is_member("new", node(2)));
}

TEST_F(MembershipTest, one_more_hello_right_after_ours_is_checked_by_ping_instead_of_answered) {
  receive(node(2), hello(2));
  receive(node(2), hello(2));
  EXPECT_THAT(receive(node(2), hello(2)),
              ElementsAre("lost: it began a new session", "joined", "PING 2"));
  EXPECT_THAT(receive(node(2), ZreKind::ping_ok, 2), IsEmpty());
  EXPECT_THAT(run_for(1s), IsEmpty());
}

TEST_F(MembershipTest, a_peer_that_does_not_know_us_is_greeted_again_without_being_lost) {
  receive(node(2), hello(2));
  receive(node(2), hello(2));
  receive(node(2), hello(2));
  EXPECT_THAT(run_for(600ms), ElementsAre("connect 10.0.0.2", "HELLO 1", "renewed", "PING 2"));
  EXPECT_TRUE(membership.is_ready(node(2)));
  EXPECT_THAT(receive(node(2), ZreKind::ping_ok, 2), IsEmpty());
  EXPECT_THAT(run_for(1s), IsEmpty());
}

TEST_F(MembershipTest, goodbye_ends_a_peer_and_late_beacons_do_not_bring_it_back) {
  have_peer();
  EXPECT_THAT(receive(node(2), ZreKind::goodbye, 2),
              ElementsAre("disconnect", "lost: " + std::string(reason_goodbye)));
  EXPECT_THAT(sight(2), IsEmpty());
  EXPECT_THAT(run_for(1min), IsEmpty());
  EXPECT_THAT(sight(2), ElementsAre("connect 10.0.0.2", "HELLO 1"));
}

TEST_F(MembershipTest, a_closed_link_loses_the_peer_and_is_dialled_at_once) {
  have_peer();
  membership.link_closed(node(2), "connection closed", now);
  EXPECT_THAT(taken(), ElementsAre("lost: connection closed", "connect 10.0.0.2", "HELLO 1"));
  EXPECT_THAT(receive(node(2), hello(2)), ElementsAre("joined"));
}

TEST_F(MembershipTest, a_peer_that_hangs_up_again_and_again_is_not_dialled_without_pause) {
  receive(node(2), hello(2));
  membership.link_closed(node(2), "connection closed", now);
  EXPECT_THAT(taken(), ElementsAre("disconnect", "lost: connection closed"));
  EXPECT_THAT(run_for(600ms), ElementsAre("connect 10.0.0.2", "HELLO 1"));
}

TEST_F(MembershipTest, a_lost_peer_is_dialled_until_it_is_back_or_forgotten) {
  have_peer();
  membership.link_closed(node(2), "connection closed", now);
  taken();
  const auto actions = run_for(30s);
  EXPECT_GE(std::count(actions.begin(), actions.end(), "HELLO 1"), 8);
  EXPECT_LE(std::count(actions.begin(), actions.end(), "HELLO 1"), 12);
  run_for(20min);
  EXPECT_EQ(membership.next_deadline(), TimePoint::max());
}

TEST_F(MembershipTest, a_lost_peer_that_is_seen_again_is_dialled_at_once) {
  have_peer();
  membership.link_closed(node(2), "connection closed", now);
  run_for(5min);
  now += 1s;
  while (membership.next_deadline() - now < 4s) run_for(1s);
  EXPECT_THAT(sight(2), ElementsAre("connect 10.0.0.2", "HELLO 1"));
}

TEST_F(MembershipTest, a_sighting_that_never_answers_is_dropped_and_beacons_do_not_speed_it_up) {
  sight(2);
  int dials = 0;
  for (int i = 0; i < 60; ++i) {
    for (const auto& actions : {run_for(1s), sight(2)}) {
      dials += static_cast<int>(std::count(actions.begin(), actions.end(), "HELLO 1"));
    }
  }
  EXPECT_GE(dials, 4);
  EXPECT_LE(dials, 12);
  run_for(1min);
  EXPECT_EQ(membership.next_deadline(), TimePoint::max());
}

TEST_F(MembershipTest, a_forged_departure_is_answered_by_a_probe_only) {
  have_peer();
  taken();
  membership.departure_hint(node(2), now);
  EXPECT_THAT(taken(), ElementsAre("PING 2"));
  EXPECT_THAT(receive(node(2), ZreKind::ping_ok, 2), IsEmpty());
  EXPECT_THAT(run_for(3s), IsEmpty());
  EXPECT_TRUE(membership.is_ready(node(2)));
}

TEST_F(MembershipTest, a_real_departure_is_believed_after_the_probe) {
  have_peer();
  taken();
  membership.departure_hint(node(2), now);
  EXPECT_THAT(run_for(2100ms), ElementsAre("PING 2", "disconnect", "lost: it was silent"));
}

TEST_F(MembershipTest, a_foreign_peer_is_pinged_when_evasive_and_lost_when_expired) {
  receive(node(2), hello(2));
  EXPECT_THAT(run_for(4900ms), IsEmpty());
  EXPECT_THAT(run_for(200ms), ElementsAre("PING 2"));
  receive(node(2), ZreKind::ping_ok, 2);
  EXPECT_THAT(run_for(4900ms), IsEmpty());
  const auto actions = run_for(26s);
  EXPECT_EQ(std::count(actions.begin(), actions.end(), "lost: it was silent"), 1);
  EXPECT_EQ(std::count_if(actions.begin(), actions.end(),
                          [](const std::string& text) { return text.starts_with("PING"); }),
            5);
}

TEST_F(MembershipTest, the_round_trip_is_from_ping_to_ping_ok) {
  receive(node(2), hello(2));
  EXPECT_EQ(membership.peer(node(2))->round_trip, std::nullopt);
  run_for(5s);
  now += 7ms;
  receive(node(2), ZreKind::ping_ok, 2);
  EXPECT_EQ(membership.peer(node(2))->round_trip, Duration(7ms));
}

TEST_F(MembershipTest, joins_reach_those_who_have_our_hello_but_have_not_answered_yet) {
  sight(2);
  membership.join("g");
  EXPECT_THAT(taken(), ElementsAre("JOIN 2"));
}

TEST_F(MembershipTest, goodbye_is_the_end) {
  have_peer();
  sight(3);
  taken();
  membership.goodbye();
  EXPECT_THAT(taken(), ElementsAre("GOODBYE 2", "disconnect", "disconnect"));
  EXPECT_THAT(sight(4), IsEmpty());
  EXPECT_THAT(receive(node(2), hello(2)), IsEmpty());
  EXPECT_EQ(membership.next_deadline(), TimePoint::max());
}

TEST_F(MembershipTest, a_message_of_a_peer_that_we_gave_up_makes_us_greet_it) {
  have_peer();
  membership.departure_hint(node(2), now);
  run_for(2100ms);
  run_for(3100ms);  // The first dial was not answered; the next one is due soon.
  while (membership.next_deadline() - now > 400ms) run_for(100ms);
  taken();
  EXPECT_THAT(receive(node(2), ZreKind::ping, 2), ElementsAre("connect 10.0.0.2", "HELLO 1"));
}

}  // namespace dockherd::bus::membership_tests
