// Who is let in: restarted peers at the endpoints of others, other herds, sightings without end.
#include "tests/unit/bus/membership_fixture.hpp"

namespace dockherd::bus::membership_tests {

TEST_F(MembershipTest, a_restarted_peer_takes_its_predecessors_place_once_that_is_surely_gone) {
  have_peer();
  taken();
  EXPECT_THAT(receive(node(3), hello(2)), ElementsAre("PING 2"));
  EXPECT_THAT(receive(node(3), ZreKind::join, 2, "g"), IsEmpty());
  EXPECT_TRUE(membership.is_ready(node(2)));
  membership.link_closed(node(2), "connection reset", now);  // What the PING brought out.
  EXPECT_THAT(taken(), testing::Contains("joined"));
  EXPECT_FALSE(membership.is_ready(node(2)));
  EXPECT_TRUE(membership.is_ready(node(3)));
  EXPECT_TRUE(membership.addresses().is_member("g", node(3)));
}

TEST_F(MembershipTest, a_predecessor_that_only_falls_silent_is_lost_after_its_probe) {
  have_peer();
  taken();
  receive(node(3), hello(2));
  EXPECT_THAT(run_for(2100ms), testing::Contains("joined"));
  EXPECT_FALSE(membership.is_ready(node(2)));
  EXPECT_TRUE(membership.is_ready(node(3)));
}

TEST_F(MembershipTest, a_hello_alone_takes_nobodys_place) {
  have_peer();
  taken();
  EXPECT_THAT(receive(node(3), hello(2)), ElementsAre("PING 2"));
  EXPECT_THAT(receive(node(2), ZreKind::ping_ok, 2),
              ElementsAre("refused: it claims the endpoint of a peer that is there"));
  EXPECT_THAT(receive(node(3), hello(2)), ElementsAre("PING 3"));
  EXPECT_THAT(receive(node(2), ZreKind::ping_ok, 3), IsEmpty());
  EXPECT_THAT(run_for(4s), IsEmpty());
  EXPECT_TRUE(membership.is_ready(node(2)));
  EXPECT_FALSE(membership.is_ready(node(3)));
}

TEST_F(MembershipTest, what_a_held_newcomer_sends_is_bounded) {
  have_peer();
  receive(node(3), hello(2));
  for (std::uint16_t i = 2; i < 200; ++i) receive(node(3), ZreKind::ping, i);
  membership.link_closed(node(2), "connection reset", now);
  EXPECT_FALSE(membership.is_ready(node(3)));
}

TEST_F(MembershipTest, a_restarted_peer_that_answers_the_dial_to_its_predecessor_keeps_that_link) {
  have_peer();
  membership.link_closed(node(2), "connection closed", now);
  taken();
  now += 100ms;
  EXPECT_THAT(receive(node(3), hello(2)), ElementsAre("joined"));
  EXPECT_TRUE(membership.whisper(node(3), "x"));
  const auto actions = membership.take_actions();
  EXPECT_EQ(std::get<Send>(actions.at(0)).link, node(2));
  EXPECT_EQ(describe(actions.at(0)), "WHISPER 2");
  now += 3s;
  membership.link_closed(node(2), "connection closed", now);
  EXPECT_THAT(taken(),
              ElementsAre("lost: connection closed", "disconnect", "connect 10.0.0.2", "HELLO 1"));
}

TEST_F(MembershipTest, a_sighting_of_somebody_else_at_a_ready_peers_endpoint_is_a_reason_to_probe) {
  have_peer();
  taken();
  membership.sighting(node(3), endpoint_of(2), now);
  EXPECT_THAT(taken(), ElementsAre("PING 2"));
  EXPECT_TRUE(membership.is_ready(node(2)));
}

TEST_F(MembershipTest, sightings_of_ourselves_or_at_our_endpoint_are_ignored) {
  membership.sighting(node(1), endpoint_of(5), now);
  membership.sighting(node(9), endpoint_of(1), now);
  membership.sighting(node(9), "tcp://host:1", now);
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_F(MembershipTest, agents_of_another_herd_are_no_peers_and_are_remembered) {
  sight(2);
  EXPECT_THAT(receive(node(2), agent_hello(2, "other")),
              ElementsAre("refused: it is of another herd"));
  EXPECT_THAT(sight(2), IsEmpty());
  EXPECT_THAT(receive(node(2), agent_hello(2, "other")), IsEmpty());
  EXPECT_THAT(run_for(1min), ElementsAre("disconnect"));
  EXPECT_THAT(membership.peers(), IsEmpty());
  EXPECT_THAT(receive(node(3), agent_hello(3)), testing::Contains("joined"));
  EXPECT_TRUE(membership.is_agent(node(3)));
}

TEST_F(MembershipTest, an_agent_of_another_herd_gets_our_hello_once_and_none_of_our_groups) {
  membership.join("secret");
  ZreMessage stranger = agent_hello(2, "other");
  membership.message(node(2), {encode_zre(stranger)}, now);
  const auto actions = membership.take_actions();
  ASSERT_EQ(actions.size(), 3U);
  const auto answer = decode_zre(std::get<Send>(actions[2]).frames.front());
  EXPECT_EQ(answer->headers.at(std::string(header_herd)), "h");
  EXPECT_THAT(answer->groups, IsEmpty());
  membership.join("another");
  EXPECT_THAT(taken(), IsEmpty());
  EXPECT_THAT(receive(node(2), stranger), IsEmpty());
  EXPECT_THAT(run_for(1min), ElementsAre("disconnect"));
  EXPECT_EQ(membership.next_deadline(), TimePoint::max());
}

TEST_F(MembershipTest, an_agent_of_another_major_version_of_the_protocol_is_refused) {
  std::uint8_t number = 2;
  for (const std::string spoken : {"2.0", "0.9", "10.1", "", "x"}) {
    ZreMessage other = agent_hello(number);
    other.headers[std::string(header_protocol)] = spoken;
    EXPECT_THAT(
        receive(node(number), other),
        testing::Contains("refused: it speaks version " + spoken + " of the agents' protocol"));
    EXPECT_FALSE(membership.is_ready(node(number++)));
  }
}

TEST_F(MembershipTest, an_agent_of_another_minor_version_and_a_foreign_peer_are_peers) {
  ZreMessage newer = agent_hello(2);
  newer.headers[std::string(header_protocol)] = "1.7";
  receive(node(2), newer);
  EXPECT_TRUE(membership.is_agent(node(2)));
  ZreMessage foreign = hello(3);
  foreign.headers[std::string(header_protocol)] = "2.0";
  receive(node(3), foreign);
  EXPECT_TRUE(membership.is_ready(node(3)));
}

TEST_F(MembershipTest, pending_sightings_are_bounded) {
  for (std::size_t i = 0; i < limits::bus_pending_sightings + 10; ++i) {
    NodeId::Bytes raw{9};
    raw[14] = static_cast<std::uint8_t>(i >> 8);
    raw[15] = static_cast<std::uint8_t>(i);
    membership.sighting(
        NodeId(raw), "tcp://10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":5",
        now);
  }
  EXPECT_EQ(taken().size(), 2 * limits::bus_pending_sightings);
}

}  // namespace dockherd::bus::membership_tests
