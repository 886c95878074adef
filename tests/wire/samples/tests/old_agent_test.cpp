// Today's agent, complete, beside one that says what the oldest release said: as it was, and as a
// later minor version may say it, with members that nobody knows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <set>

#include "base/log.hpp"
#include "tests/sim/sim_host.hpp"
#include "tests/wire/samples/message_shape.hpp"
#include "tests/wire/samples/tests/old_agent.hpp"

namespace dockherd::wire {
namespace {

using namespace std::chrono_literals;

constexpr fakes::Host old_host = 9;

struct Release {
  const char* name;
  const char* protocol;
  OldAgent::Change change;
};

asio::awaitable<void> execute(agent::Node& node, std::string verb, std::shared_ptr<json> answer) {
  const http_api::VerbReply reply = co_await node.execute_verb(std::move(verb));
  *answer = parse_json(reply.body).value();
}

class BesideRelease : public testing::TestWithParam<Release> {
 protected:
  BesideRelease() {
    LogSettings logging;
    logging.level = "off";
    configure_logging(logging).value();
    host.start_agent();
    time.run_for(1s);
    start(GetParam().protocol, GetParam().change);
  }

  void start(const std::string& protocol, OldAgent::Change change) {
    old = std::make_unique<OldAgent>(time, network, old_host, protocol, std::move(change));
    time.run_for(3s);
  }

  const NodeId& self() { return host.process().id(); }
  const bus::EventBus& own_bus() { return host.process().node().event_bus(); }

  json ask(const json& verb) {
    const auto answer = std::make_shared<json>();
    sim::SimProcess& process = host.process();
    asio::co_spawn(process.executor(), execute(process.node(), dump_json(verb), answer),
                   [](const std::exception_ptr& failure) {
                     if (failure) std::rethrow_exception(failure);
                   });
    time.touch(process.context());
    time.run_until([&] { return !answer->is_null(); }, time.now() + 60s);
    return *answer;
  }

  /// The old agent has this container, and no other.
  void tell_container(const std::string& id, const std::string& name) {
    old->tell(self(), "notice-containers.1.json", [&](json& body) {
      body["all"] = true;
      body["put"] = json::array({json{{"id", id}, {"names", json::array({name})}}});
    });
  }
  void tell_status() { old->tell(self(), "notice-status.1.json"); }

  std::string run_service(const std::string& name) {
    const json body{{"Image", "busybox:latest"}, {"Labels", {{"reschedule:on-node-failure", ""}}}};
    host.daemon().handle("POST", "/containers/create?name=" + name, dump_json(body), WallTime());
    host.daemon().handle("POST", "/containers/" + name + "/start", "", WallTime());
    time.touch_all();
    time.run_for(2s);
    return host.daemon().containers().begin()->first;
  }

  fakes::VirtualTime time;
  fakes::MemoryNetwork network{time};
  sim::SimHost host{time, network, 1, 1};
  std::unique_ptr<OldAgent> old;
};

const std::string some_id(64, 'b');

TEST_P(BesideRelease, its_status_is_taken_in) {
  tell_status();
  const json answer = ask({{"action", "list-nodes"}});
  ASSERT_EQ(answer["nodes"].size(), 2U) << answer;
  // What it says of itself is passed on: in the sample, that it is host2.
  std::set<std::string> hosts;
  for (const json& node : answer["nodes"]) hosts.insert(node["hostname"]);
  EXPECT_THAT(hosts, testing::ElementsAre("host1", "host2")) << answer;
  EXPECT_EQ(old->asked("node-info"), 1);
}

TEST_P(BesideRelease, its_containers_come_and_go) {
  tell_container(some_id, "web");
  EXPECT_EQ(host.process().node().containers().at(some_id), old->id());
  old->tell(self(), "notice-containers.1.json", [](json& body) {
    body.erase("all");
    body["put"] = json::array();
    body["removed"] = {some_id};
  });
  EXPECT_TRUE(host.process().node().containers().empty());
}

TEST_P(BesideRelease, its_claim_of_a_name_holds_until_it_is_released) {
  const auto claim = [this](const std::string& token) {
    return old->ask(self(), "request-claim-name.1.json", [&](json& body) {
      body["name"] = "web";
      body["token"] = token;
    });
  };
  EXPECT_EQ(claim("one")->status, 200);
  EXPECT_EQ(claim("two")->status, 409);
  old->tell(self(), "notice-name-released.1.json", [](json& body) {
    body["name"] = "web";
    body["token"] = "one";
    body["used"] = false;
  });
  EXPECT_EQ(claim("two")->status, 200);
}

TEST_P(BesideRelease, what_it_says_of_a_key_is_remembered) {
  const auto claim = [this](const std::string& token) {
    return old->ask(self(), "request-claim-key.1.json", [&](json& body) {
      body["key"] = "/deploy";
      body["token"] = token;
    });
  };
  EXPECT_EQ(claim("one")->status, 200);
  EXPECT_EQ(claim("two")->status, 409);
  old->tell(self(), "notice-create-key.1.json", [](json& body) {
    body = json{{"key", "/deploy"}, {"token", "one"}, {"given", {{"3", "host9"}}}, {"ended", true}};
  });
  const auto again = claim("two");
  ASSERT_EQ(again->status, 200);
  EXPECT_EQ(parse_json(again->body).value()["given"], (json{{"3", "host9"}}));
}

TEST_P(BesideRelease, its_requests_are_carried_out) {
  const auto created = old->ask(self(), "request-create-one.2.json");
  EXPECT_EQ(parse_json(created->body).value()["statusCode"], 201) << created->body;
  EXPECT_EQ(host.daemon().containers().size(), 1U);
  const std::string id = host.daemon().containers().begin()->first;
  const auto stopped = old->ask(self(), "request-shutdown-container.1.json", [&](json& body) {
    body["id"] = id;
    body.erase("signal");  // Of a newer daemon than the one here.
    body.erase("user");
    body.erase("role");
  });
  EXPECT_EQ(stopped->status, 200) << stopped->body;
  EXPECT_TRUE(host.daemon().containers().empty());
  const auto has = old->ask(self(), "request-has-image.1.json",
                            [](json& body) { body["image"] = "busybox:latest"; });
  EXPECT_EQ(parse_json(has->body).value()["has_image"], true);
  for (const char* sample : {"request-list-containers.2.json", "request-node-info.1.json",
                             "request-find-key.1.json", "request-status.1.json"}) {
    const auto answer = old->ask(self(), sample);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200) << sample << answer->body;
  }
}

TEST_P(BesideRelease, a_bulk_is_shared_with_it_and_its_replies_are_understood) {
  tell_status();
  const json created = ask({{"action", "create-container"},
                            {"image", "busybox:latest"},
                            {"instances", 4},
                            {"key", "deploy"}});
  EXPECT_EQ(created["summary"]["created"], 4) << created;
  EXPECT_EQ(old->asked("create-one"), 2);
  EXPECT_EQ(host.daemon().containers().size(), 2U);
  EXPECT_GE(old->asked("claim-key"), 1);
  EXPECT_GE(old->asked("find-key"), 1);
  const json missing =
      ask({{"action", "create-container"}, {"image", "nowhere"}, {"hostname", "host1"}});
  EXPECT_FALSE(missing.is_null());
}

TEST_P(BesideRelease, a_container_that_it_had_specified_runs_again_when_it_is_lost) {
  tell_status();
  tell_container(std::string(64, 'a'), "db");
  old->tell(self(), "notice-specification.1.json",
            [this](json& body) { body["keepers"] = json::array({self().hex()}); });
  old.reset();
  time.run_for(20s);
  ASSERT_EQ(host.daemon().containers().size(), 1U);
  EXPECT_EQ(host.daemon().containers().begin()->second.name, "db");
}

TEST_P(BesideRelease, what_it_has_superseded_is_retired) {
  const std::string own = run_service("web");
  tell_status();
  tell_container(some_id, "web");
  old->tell(self(), "notice-superseded.1.json", [&](json& body) {
    body["ids"] = {own};
    body["by"] = some_id;
    body["name"] = "web";
    body["owner"] = "";
  });
  time.run_for(20s);
  const fakes::ModelContainer& retired = host.daemon().containers().at(own);
  EXPECT_EQ(retired.state, fakes::ContainerState::exited);
  EXPECT_EQ(retired.name, "web-superseded-" + own.substr(0, 12));
}

INSTANTIATE_TEST_SUITE_P(Releases, BesideRelease,
                         testing::Values(Release{"oldest", "1.0", {}},
                                         Release{"later", "1.9", add_unknown_members},
                                         Release{"without_a_minor_number", "1", {}}),
                         [](const auto& info) { return std::string(info.param.name); });

class BesideStranger : public BesideRelease {};

TEST_P(BesideStranger, one_of_another_major_version_is_refused_and_counted) {
  EXPECT_FALSE(own_bus().peer(old->id()).has_value());
  EXPECT_EQ(own_bus().counters().peers_refused, 1U);
  tell_status();
  tell_container(some_id, "web");
  EXPECT_TRUE(host.process().node().containers().empty());
  EXPECT_EQ(ask({{"action", "list-nodes"}})["nodes"].size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Releases, BesideStranger,
                         testing::Values(Release{"newer", "2.0", {}}, Release{"older", "0.9", {}}),
                         [](const auto& info) { return std::string(info.param.name); });

class BesideMangler : public BesideRelease {};

/// The version of ZRE itself is in each frame.
TEST_P(BesideMangler, frames_of_another_version_of_zre_are_dropped_and_counted) {
  EXPECT_TRUE(own_bus().peer(old->id()).has_value());
  network.on_departure = [](fakes::Host from, fakes::Host, bus::Frames& frames) {
    if (from == old_host && frames.size() > 1) frames.front()[3] = '\x03';
  };
  tell_container(some_id, "web");
  EXPECT_TRUE(host.process().node().containers().empty());
  EXPECT_GE(own_bus().counters().malformed, 1U);
  EXPECT_FALSE(ask({{"action", "list-nodes"}}).is_null());
}

INSTANTIATE_TEST_SUITE_P(Releases, BesideMangler, testing::Values(Release{"oldest", "1.0", {}}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace dockherd::wire
