#include "tests/unit/agent/small_herd.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "base/log.hpp"

namespace dockherd::agent {

using namespace std::chrono_literals;

namespace {

constexpr Duration until_whole = 5s;
constexpr Duration patience = 1h;  // Virtual.

void be_silent() {
  LogSettings logging;
  logging.level = "off";
  configure_logging(logging).value();
}

bool concerns(const DockerRequest& request, const std::string& method, const std::string& part) {
  return request.method == method && request.target.find(part) != std::string::npos;
}

}  // namespace

SmallHerd::SmallHerd(int count, const Change& change, std::uint64_t seed,
                     const trust::UserBook* users)
    : network_(time_) {
  be_silent();
  for (int number = 1; number <= count; ++number) {
    hosts_.push_back(std::make_unique<sim::SimHost>(
        time_, network_, number, seed * 1000 + static_cast<std::uint64_t>(number)));
    host(number).change_settings = change;
    host(number).users = users;
    start_agent(number);
  }
  time_.run_for(until_whole);
}

bool SmallHerd::run_until(const std::function<bool()>& predicate, Duration at_most) {
  return time_.run_until(predicate, time_.now() + at_most);
}

void SmallHerd::watch_calls(int number) {
  docker(number).intercept =
      [this, number](const DockerRequest& request) -> std::optional<Result<DockerResponse>> {
    calls_[number].push_back(request);
    const auto planned = plans_.find(number);
    return planned == plans_.end() ? std::nullopt : planned->second(request);
  };
}

void SmallHerd::power_off(const std::vector<int>& numbers) {
  for (const int number : numbers) host(number).end_agent(sim::Ending::power_off);
}

void SmallHerd::start_agent(int number) {
  host(number).start_agent();
  watch_calls(number);
}

void SmallHerd::restart_agent(int number) {
  host(number).end_agent(sim::Ending::killed);
  start_agent(number);
  time_.run_for(until_whole);
}

void SmallHerd::stop_agent(int number) {
  bool ended = false;
  host(number).stop_agent([&ended] { ended = true; });
  EXPECT_TRUE(run_until([&ended] { return ended; }, patience));
}

void SmallHerd::split(const std::vector<int>& side, const std::vector<int>& other_side) {
  for (const int one : side) {
    for (const int other : other_side) {
      network_.cut(one, other);
      network_.cut(other, one);
    }
  }
}

void SmallHerd::rejoin() {
  network_.heal_all();
}

asio::awaitable<void> SmallHerd::execute(Node& node, std::string request, http_api::Caller caller,
                                         std::shared_ptr<VerbAnswer> answer) {
  const http_api::VerbReply reply =
      co_await node.execute_verb(std::move(request), std::move(caller));
  answer->body = parse_json(reply.body).value();
  answer->status = reply.status;
}

std::shared_ptr<const VerbAnswer> SmallHerd::send(int through, const json& verb,
                                                  http_api::Caller caller) {
  const auto answer = std::make_shared<VerbAnswer>();
  sim::SimProcess& process = host(through).process();
  asio::co_spawn(process.executor(),
                 execute(process.node(), dump_json(verb), std::move(caller), answer),
                 [](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
  time_.touch(process.context());
  return answer;
}

VerbAnswer SmallHerd::ask(int through, const json& verb, http_api::Caller caller) {
  const auto answer = send(through, verb, std::move(caller));
  EXPECT_TRUE(time_.run_until([&] { return answer->status != 0; }, time_.now() + patience))
      << "no answer to " << verb;
  return *answer;
}

asio::awaitable<void> SmallHerd::execute(Node& node, engine_api::CreateOrder order,
                                         std::shared_ptr<engine_api::CreateAnswer> answer) {
  *answer = co_await node.docker_herd().create(std::move(order));
}

engine_api::CreateAnswer SmallHerd::create(int through, const std::vector<int>& allowed,
                                           std::vector<std::string> reasons, std::string body) {
  engine_api::CreateOrder order;
  order.body = std::move(body);
  for (const int number : allowed) order.eligible.push_back(host(number).process().id().hex());
  order.reasons = std::move(reasons);
  const auto answer = std::make_shared<engine_api::CreateAnswer>(0, "");
  sim::SimProcess& process = host(through).process();
  asio::co_spawn(process.executor(), execute(process.node(), std::move(order), answer),
                 [](const std::exception_ptr& failure) {
                   if (failure) std::rethrow_exception(failure);
                 });
  time_.touch(process.context());
  EXPECT_TRUE(time_.run_until([&] { return answer->status != 0; }, time_.now() + patience));
  return *answer;
}

std::vector<std::size_t> SmallHerd::counts() {
  std::vector<std::size_t> counts;
  for (const auto& host : hosts_) counts.push_back(host->daemon().containers().size());
  return counts;
}

std::size_t SmallHerd::total() {
  std::size_t total = 0;
  for (const std::size_t count : counts()) total += count;
  return total;
}

std::string SmallHerd::run(int number, const std::string& name, json body) {
  body["Image"] = "busybox";
  const WallTime now = WallTime{} + time_.elapsed();
  fakes::DaemonModel& daemon = host(number).daemon();
  const auto made = daemon.handle("POST", "/containers/create?name=" + name, dump_json(body), now);
  EXPECT_EQ(made.status, 201) << made.body;
  const std::string id = json::parse(made.body)["Id"];
  EXPECT_TRUE(daemon.start(id, now));
  time_.touch_all();
  return id;
}

void SmallHerd::create_behind(int number, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    host(number).daemon().create("", "busybox:latest", WallTime{} + time_.elapsed());
  }
  time_.touch_all();
  time_.run_for(1s);
}

std::vector<DockerRequest> SmallHerd::calls(int number, const std::string& method,
                                            const std::string& part) const {
  std::vector<DockerRequest> found;
  const auto made = calls_.find(number);
  if (made == calls_.end()) return found;
  for (const DockerRequest& request : made->second) {
    if (concerns(request, method, part)) found.push_back(request);
  }
  return found;
}

DockerResponse refusal(int status, const std::string& message) {
  return fakes::refuse(status, message);
}

SmallHerd::Plan answer_always(std::string method, std::string part, Result<DockerResponse> answer) {
  return [method = std::move(method), part = std::move(part), answer = std::move(answer)](
             const DockerRequest& request) -> std::optional<Result<DockerResponse>> {
    if (!concerns(request, method, part)) return std::nullopt;
    return answer;
  };
}

}  // namespace dockherd::agent
