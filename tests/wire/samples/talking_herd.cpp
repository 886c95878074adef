#include "tests/wire/samples/talking_herd.hpp"

#include <boost/asio/co_spawn.hpp>

#include "base/log.hpp"

namespace dockherd::wire {

using namespace std::chrono_literals;

namespace {

trust::UserBook users_with_a_quota() {
  trust::User ann;
  ann.role = trust::Role::operator_;
  ann.quota.containers = 100;
  return trust::UserBook::of({{"ann", ann}});
}

asio::awaitable<void> execute(agent::Node& node, std::string request, http_api::Caller caller) {
  co_await node.execute_verb(std::move(request), std::move(caller));
}

}  // namespace

TalkingHerd::TalkingHerd() : users_(users_with_a_quota()), network_(time_) {
  LogSettings logging;
  logging.level = "off";
  configure_logging(logging).value();
  for (int number = 1; number <= 4; ++number) {
    hosts_.push_back(std::make_unique<sim::SimHost>(time_, network_, number,
                                                    static_cast<std::uint64_t>(number)));
    host(number).users = &users_;
  }
}

TalkingHerd::~TalkingHerd() = default;

void TalkingHerd::play() {
  for (const auto& each : hosts_) each->start_agent();
  time_.run_for(3s);
  create();
  use();
  reschedule();
  doubt();
}

WallTime TalkingHerd::wall_now() const {
  return WallTime{} + std::chrono::seconds(1'767'225'600) + time_.elapsed();
}

void TalkingHerd::say(int through, const json& verb, const std::string& user, Duration then) {
  sim::SimProcess& process = host(through).process();
  http_api::Caller caller;
  caller.by_agent = false;
  if (!user.empty()) caller.principal = trust::Principal(user, trust::Role::operator_);
  asio::co_spawn(process.executor(), execute(process.node(), dump_json(verb), std::move(caller)),
                 [](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
  time_.touch(process.context());
  time_.run_for(then);
}

std::string TalkingHerd::run_on(int number, const std::string& name, const json& labels) {
  const json body{{"Image", "busybox:latest"}, {"Labels", labels}};
  auto& daemon = host(number).daemon();
  daemon.handle("POST", "/containers/create?name=" + name, dump_json(body), wall_now());
  daemon.handle("POST", "/containers/" + name + "/start", "", wall_now());
  time_.touch_all();
  time_.run_for(2s);
  for (const auto& [id, container] : daemon.containers()) {
    if (container.name == name) return id;
  }
  return {};
}

void TalkingHerd::create() {
  const json create{{"action", "create-container"}, {"image", "busybox:latest"}};
  json bulk = create;
  bulk["instances"] = 8;
  bulk["start"] = true;
  bulk["name"] = "web-{n}";
  bulk["headers"] = {{"X-Registry-Auth", "e30="}};
  bulk["key"] = "deploy-7";
  say(1, bulk);
  say(2, bulk);  // Again: what there is has its places told to the judges.
  json missing = create;
  missing["image"] = "nowhere:1";
  missing["instances"] = 4;
  say(1, missing);
  // Two at the same moment believe the same hosts to have room for the remainder.
  json uneven = create;
  uneven["instances"] = 5;
  say(1, uneven, "", 0s);
  say(2, uneven, "", 0s);
  say(3, uneven);
  for (int through = 1; through <= 4; ++through) {
    json of_ann = create;
    of_ann["instances"] = 4;
    say(through, of_ann, "ann");
  }
}

void TalkingHerd::use() {
  for (const char* action :
       {"stop-container", "start-container", "kill-container", "inspect-container",
        "pause-container", "unpause-container", "restart-container", "shutdown-container"}) {
    for (const char* name : {"web-1", "web-2"}) say(1, {{"action", action}, {"id", name}});
  }
  for (const char* action : {"list-containers", "list-images", "list-nodes"}) {
    say(1, {{"action", action}, {"all", true}});
  }
  say(1, {{"action", "list-containers"}, {"all", true}}, "ann");
  for (const char* name : {"web-3", "web-4"}) {
    say(1, {{"action", "delete-container"}, {"id", name}, {"force", true}});
  }
  say(1, {{"action", "unregister"}, {"hostname", "host2"}});
  say(1, {{"action", "register"}, {"hostname", "host2"}});
}

void TalkingHerd::reschedule() {
  const json wish{{"reschedule:on-node-failure", ""}};
  run_on(4, "db", wish);
  const std::string passing = run_on(4, "passing", wish);
  host(4).daemon().remove(passing, wall_now());
  time_.touch_all();
  time_.run_for(2s);
  host(4).end_agent(sim::Ending::power_off);
  time_.run_for(20s);
  host(4).start_agent();
  time_.run_for(20s);
}

/// A host that does not answer for a moment, one that does not for longer, and one that leaves.
void TalkingHerd::doubt() {
  network_.cut(1, 3);
  time_.run_for(4s);
  network_.heal(1, 3);
  time_.run_for(4s);
  for (const Duration frozen : {Duration(1200ms), Duration(6s)}) {
    host(3).set_frozen(true);
    time_.run_for(frozen);
    host(3).set_frozen(false);
    time_.run_for(6s);
  }
  time_.run_for(60s);
  host(2).stop_agent({});
  time_.run_for(10s);
}

}  // namespace dockherd::wire
