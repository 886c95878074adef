// What other nodes say, taken into the node table and the directory.
#include "agent/peer_watcher.hpp"

#include <gmock/gmock.h>

#include "base/json_reader.hpp"
#include "tests/unit/agent/watching_agent.hpp"

namespace dockherd::agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string first_id(64, 'a');
const std::string second_id(64, 'b');

class PeerWatcherTest : public WatchingTest {
 protected:
  PeerWatcherTest() {
    peer.id = NodeId({7});
    peer.name = "other";
    peer.is_agent = true;
    peer.headers[std::string(bus::header_http)] = "10.0.0.7:8080";
  }

  void containers(const json& notice) { containers_text(dump_json(notice)); }
  void containers_text(const std::string& text) {
    agent.peer_watcher.on_notice(peer.id, std::string(topic_containers), text);
  }
  void status(bool in_pool, bool daemon_up) {
    NodeStatus status;
    status.hostname = peer.name;
    status.in_pool = in_pool;
    status.daemon_up = daemon_up;
    agent.peer_watcher.on_notice(peer.id, std::string(topic_status), encode_status(status));
  }
  static json entry(const std::string& id, const std::string& name) {
    return json{{"id", id}, {"names", json::array({name})}};
  }
  bool has(const std::string& id) const { return agent.herd.directory.has(peer.id, id); }

  WatchingAgent& agent = add_agent();
  bus::PeerInfo peer;
};

TEST_F(PeerWatcherTest, a_newcomer_is_known_by_name_and_gets_no_containers_until_it_has_spoken) {
  agent.peer_watcher.on_peer_joined(peer);
  ASSERT_THAT(agent.herd.nodes.named("other"), ElementsAre(peer.id));
  EXPECT_EQ(agent.herd.nodes.find(peer.id)->address, "10.0.0.7:8080");
  EXPECT_FALSE(agent.herd.loads_in_pool().contains(peer.id));
  status(true, true);
  EXPECT_TRUE(agent.herd.loads_in_pool().contains(peer.id));
}

TEST_F(PeerWatcherTest, a_newcomer_is_called_where_it_says_agents_go_and_else_where_clients_go) {
  agent.peer_watcher.on_peer_joined(peer);
  EXPECT_EQ(agent.herd.nodes.find(peer.id)->called_at(), "10.0.0.7:8080");
  peer.headers[std::string(bus::header_agents)] = "10.0.0.7:7400";
  agent.peer_watcher.on_peer_joined(peer);
  EXPECT_EQ(agent.herd.nodes.find(peer.id)->called_at(), "10.0.0.7:7400");
  EXPECT_EQ(agent.herd.nodes.find(peer.id)->address, "10.0.0.7:8080");
  std::vector<std::string> gone;
  agent.peer_watcher.on_gone([&](const std::string& address) { gone.push_back(address); });
  agent.peer_watcher.on_peer_lost(peer, "silent");
  EXPECT_THAT(gone, ElementsAre("10.0.0.7:7400"));
}

TEST_F(PeerWatcherTest, a_node_out_of_the_pool_or_without_its_daemon_gets_no_containers) {
  agent.peer_watcher.on_peer_joined(peer);
  status(false, true);
  EXPECT_FALSE(agent.herd.loads_in_pool().contains(peer.id));
  status(true, false);
  EXPECT_FALSE(agent.herd.loads_in_pool().contains(peer.id));
}

TEST_F(PeerWatcherTest, containers_come_and_go_by_notice) {
  agent.peer_watcher.on_peer_joined(peer);
  containers({{"all", true}, {"put", {entry(first_id, "web")}}});
  EXPECT_TRUE(has(first_id));
  containers({{"put", {entry(second_id, "db")}}});
  EXPECT_TRUE(has(first_id) && has(second_id));
  containers({{"put", {entry(first_id, "renamed")}}});
  EXPECT_THAT(agent.herd.directory.resolve("web").candidates, IsEmpty());
  ASSERT_THAT(agent.herd.directory.resolve("renamed").candidates, SizeIs(1));
  EXPECT_EQ(agent.herd.directory.resolve("renamed").candidates[0].node, peer.id);
  containers({{"removed", {first_id, first_id}}});
  EXPECT_FALSE(has(first_id));
  EXPECT_TRUE(has(second_id));
}

TEST_F(PeerWatcherTest, a_whole_list_replaces_what_was_known) {
  agent.peer_watcher.on_peer_joined(peer);
  containers({{"put", {entry(first_id, "web")}}});
  containers({{"all", true}, {"put", {entry(second_id, "db")}}});
  EXPECT_FALSE(has(first_id));
  EXPECT_TRUE(has(second_id));
  containers({{"all", true}, {"put", json::array()}});
  EXPECT_FALSE(has(second_id));
}

TEST_F(PeerWatcherTest, what_is_not_understood_changes_nothing) {
  agent.peer_watcher.on_peer_joined(peer);
  containers({{"put", {entry(first_id, "web")}}});
  for (const char* text :
       {"", "[]", "{", R"({"all":7})", R"({"put":[7]})", R"({"put":[{"id":"short"}]})",
        R"({"put":[{"names":["x"]}]})", R"({"removed":"x"})", R"({"removed":[7]})"}) {
    containers_text(text);
    EXPECT_THAT(agent.herd.directory.owners(), SizeIs(1)) << text;
  }
  agent.peer_watcher.on_notice(peer.id, std::string(topic_status), R"({"hostname":7})");
  agent.peer_watcher.on_notice(peer.id, "of a newer version", R"({"put":[]})");
  EXPECT_EQ(agent.herd.nodes.find(peer.id)->hostname, "other");
  EXPECT_TRUE(has(first_id));
}

TEST_F(PeerWatcherTest, strangers_and_this_node_itself_are_not_listened_to) {
  containers({{"put", {entry(first_id, "web")}}});
  status(true, true);
  EXPECT_THAT(agent.herd.directory.owners(), IsEmpty());
  EXPECT_THAT(agent.herd.nodes.named("other"), IsEmpty());
  peer.id = agent.id();
  containers({{"put", {entry(first_id, "web")}}});
  status(true, true);
  EXPECT_THAT(agent.herd.directory.owners(), IsEmpty());
  EXPECT_EQ(agent.herd.own_status().hostname, "host1");
}

TEST_F(PeerWatcherTest, of_a_broken_notice_nothing_is_taken) {
  agent.peer_watcher.on_peer_joined(peer);
  containers(json{{"put", json::array({entry(first_id, "web")})}});
  containers(json{{"all", true}, {"put", json::array({entry(second_id, "db"), json(7)})}});
  EXPECT_TRUE(has(first_id));
  EXPECT_FALSE(has(second_id));
}

TEST_F(PeerWatcherTest, a_lost_node_takes_its_containers_along_and_is_remembered) {
  agent.peer_watcher.on_peer_joined(peer);
  containers({{"put", {entry(first_id, "web")}}});
  agent.peer_watcher.on_peer_lost(peer, "silent");
  EXPECT_FALSE(has(first_id));
  EXPECT_THAT(agent.herd.nodes.named("other"), IsEmpty());
  const auto lost = agent.herd.nodes.lost(time.now());
  ASSERT_THAT(lost, SizeIs(1));
  EXPECT_EQ(lost[0].hostname, "other");
  EXPECT_EQ(lost[0].reason, "silent");
  ASSERT_NE(agent.herd.nodes.lost_with("web", time.now()), std::nullopt);
  EXPECT_EQ(agent.herd.nodes.lost_with("web", time.now())->hostname, "other");
  EXPECT_EQ(agent.herd.nodes.lost_with("another", time.now()), std::nullopt);
  agent.peer_watcher.on_peer_joined(peer);
  EXPECT_THAT(agent.herd.nodes.lost(time.now()), IsEmpty());
}

TEST_F(PeerWatcherTest, a_node_that_says_goodbye_is_not_missed) {
  agent.peer_watcher.on_peer_joined(peer);
  agent.peer_watcher.on_peer_lost(peer, std::string(bus::reason_goodbye));
  EXPECT_THAT(agent.herd.nodes.lost(time.now()), IsEmpty());
}

TEST_F(PeerWatcherTest, a_foreign_peer_is_no_node) {
  peer.is_agent = false;
  agent.peer_watcher.on_peer_joined(peer);
  EXPECT_EQ(agent.herd.nodes.find(peer.id), nullptr);
  agent.peer_watcher.on_peer_lost(peer, "silent");
  EXPECT_THAT(agent.herd.nodes.lost(time.now()), IsEmpty());
}

TEST_F(PeerWatcherTest, a_newcomer_is_told_all_and_then_each_change) {
  WatchingAgent& newcomer = add_agent();
  const std::string old = agent.create("old");
  agent.start();
  time.run_for(1s);
  newcomer.start();
  time.run_for(1s);
  EXPECT_TRUE(newcomer.herd.directory.has(agent.id(), old));
  EXPECT_TRUE(newcomer.herd.bus.is_member(old, agent.id()));
  EXPECT_EQ(newcomer.herd.nodes.find(agent.id())->state(), "in the pool");
  const std::string made = agent.create("made");
  agent.remove(old);
  time.run_for(100ms);
  EXPECT_TRUE(newcomer.herd.directory.has(agent.id(), made));
  EXPECT_FALSE(newcomer.herd.directory.has(agent.id(), old));
  EXPECT_FALSE(newcomer.herd.bus.is_member(old, agent.id()));
  agent.docker.go_down();
  time.run_for(100ms);
  EXPECT_EQ(newcomer.herd.nodes.find(agent.id())->state(), "daemon down");
}

}  // namespace
}  // namespace dockherd::agent
