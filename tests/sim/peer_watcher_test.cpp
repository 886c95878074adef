// What a node does about notices that went astray, seen by a peer that the test plays.
#include "agent/peer_watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/json_reader.hpp"
#include "tests/sim/bus_herd.hpp"

namespace dockherd::sim {
namespace {

using namespace std::chrono_literals;
using testing::UnorderedElementsAre;

class PeerWatcherTest : public testing::Test {
 protected:
  PeerWatcherTest() {
    bus::BusSettings settings;
    settings.id = NodeId({7});
    settings.name = "player";
    settings.herd = "herd";
    settings.headers = {{std::string(bus::header_version), "1"}};
    player = std::make_unique<BusProcess>(time, network, 2, std::move(settings), 1, events);
    host.start_agent();
    time.run_for(2s);
    status.hostname = "player";
    status.daemon_up = true;
  }

  std::string id_of(char digit) { return std::string(64, digit); }

  void say(std::string_view topic, const std::string& body) {
    player->event_bus().notify(host.process().id(), std::string(topic), body);
    time.run_for(100ms);
  }
  void tell_status() { say(agent::topic_status, agent::encode_status(status)); }
  void tell_all() {
    json put = json::array();
    for (const std::string& id : own) {
      put.push_back(json{{"id", id}, {"names", json::array()}});
    }
    say(agent::topic_containers, dump_json(json{{"all", true}, {"put", put}}));
  }
  void tell_made(const std::string& id) {
    own.push_back(id);
    json put = json::array({json{{"id", id}, {"names", json::array()}}});
    say(agent::topic_containers, dump_json(json{{"put", put}, {"sum", sum()}}));
  }
  void tell_sum() { say(agent::topic_sum, quote_json(sum())); }
  std::string sum() const {
    agent::ContainerDirectory directory(player->id());
    for (const std::string& id : own) directory.put(player->id(), id, {});
    return agent::view_sum(directory.sum(player->id()), agent::encode_status(status));
  }
  std::vector<std::string> known() {
    std::vector<std::string> ids;
    for (const auto& [id, owner] : host.process().node().containers()) ids.push_back(id);
    return ids;
  }
  std::ptrdiff_t heard(std::string_view topic) const {
    const auto& all = player->notices();
    return std::count_if(all.begin(), all.end(), [topic](const std::string& notice) {
      return notice.starts_with(std::string(topic) + " ");
    });
  }

  fakes::VirtualTime time;
  fakes::MemoryNetwork network{time};
  SimHost host{time, network, 1, 1};
  std::vector<PeerEvent> events;
  std::unique_ptr<BusProcess> player;
  agent::NodeStatus status;
  std::vector<std::string> own;
};

TEST_F(PeerWatcherTest, a_node_whose_sums_fit_is_not_asked_again) {
  tell_status();
  tell_all();
  tell_made(id_of('a'));
  tell_made(id_of('b'));
  tell_sum();
  EXPECT_THAT(known(), UnorderedElementsAre(id_of('a'), id_of('b')));
  EXPECT_EQ(heard(agent::topic_resend), 0);
}

TEST_F(PeerWatcherTest, a_change_that_went_astray_is_found_at_the_next_change) {
  tell_status();
  own.push_back(id_of('a'));  // Nobody is told.
  tell_made(id_of('b'));
  EXPECT_EQ(heard(agent::topic_resend), 1);
  tell_status();
  tell_all();
  EXPECT_THAT(known(), UnorderedElementsAre(id_of('a'), id_of('b')));
  tell_sum();
  EXPECT_EQ(heard(agent::topic_resend), 1);
}

TEST_F(PeerWatcherTest, without_any_change_the_sum_alone_finds_what_is_missing) {
  own.push_back(id_of('a'));
  tell_sum();
  EXPECT_EQ(heard(agent::topic_resend), 1);
  tell_all();
  time.run_for(3s);
  tell_sum();  // The status is missing still.
  EXPECT_EQ(heard(agent::topic_resend), 2);
  tell_status();
  time.run_for(3s);
  tell_sum();
  EXPECT_EQ(heard(agent::topic_resend), 2);
}

TEST_F(PeerWatcherTest, who_is_asked_tells_status_and_containers_anew) {
  const auto before = heard(agent::topic_status);
  say(agent::topic_resend, "{}");
  EXPECT_EQ(heard(agent::topic_status), before + 1);
  EXPECT_THAT(player->notices().back(), testing::HasSubstr("\"all\":true"));
}

TEST_F(PeerWatcherTest, every_node_tells_its_sum_now_and_then) {
  time.run_for(30s);
  EXPECT_GE(heard(agent::topic_sum), 1);
}

}  // namespace
}  // namespace dockherd::sim
