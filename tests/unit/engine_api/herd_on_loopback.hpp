// The Docker Engine API of a herd with real HTTP between its parts: the service under test behind a
// server, the daemons of its hosts behind others. All of it, and the test, in one thread.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/json_reader.hpp"
#include "engine_api/docker_service.hpp"
#include "http_api/upstream_call.hpp"
#include "tests/unit/engine_api/answers.hpp"
#include "tests/unit/engine_api/fake_herd.hpp"
#include "tests/unit/engine_api/scripted_host.hpp"

namespace dockherd::engine_api {

/// A client of GET /events.
class EventsClient {
 public:
  EventsClient(http_api::UpstreamPool& pool, std::string address, Clock& clock)
      : call_(pool, std::move(address)), clock_(clock) {}

  /// The status.
  asio::awaitable<int> open(std::string query);
  /// The next line; empty at the end of the stream, or after half a minute without one.
  asio::awaitable<std::string> line();
  /// Goes away without a word.
  void close() { call_.give_up(); }
  const std::string& failure() const { return failure_; }
  /// The stream ended as HTTP says, and did not break.
  bool complete() const { return call_.complete(); }

 private:
  http_api::UpstreamCall call_;
  Clock& clock_;
  std::string text_;
  std::string failure_;  ///< The body of what is no 200.
};

class HerdOnLoopback : public ::testing::Test {
 protected:
  HerdOnLoopback();
  ~HerdOnLoopback() override;

  using Test = std::function<asio::awaitable<void>()>;
  /// Hosts of these names, the first of them asked; then the test, then the end of all.
  void with_hosts(const std::vector<std::string>& names, Test test);

  /// Another host, that is not in the herd yet.
  ScriptedHost& add_host(const std::string& name);
  /// In the herd from now on.
  void join(const std::string& name, bool self = false);
  ScriptedHost& host(const std::string& name) { return *hosts_.at(name); }

  asio::awaitable<http_api::WholeResponse> ask(std::string method, std::string target,
                                               std::string body = "");
  std::unique_ptr<EventsClient> events_client();
  /// Waits until the condition holds; false after half a minute.
  asio::awaitable<bool> eventually(std::function<bool()> condition);

  asio::io_context context;
  SystemClock clock;
  FakeHerd herd;
  ApiSettings api_settings;                          ///< But for the daemon; before with_hosts().
  http_api::Authenticator* authenticator = nullptr;  ///< Before with_hosts(); null: nobody asks.
  DockerService* service = nullptr;

 private:
  void run(Test task);
  asio::awaitable<void> stop_all();

  TaskGroup tasks_{context.get_executor(), null_logger()};
  http_api::UpstreamPool upstreams_{context.get_executor(), clock, tasks_};
  http_api::UpstreamPool client_pool_{context.get_executor(), clock, tasks_};
  std::map<std::string, std::unique_ptr<ScriptedHost>> hosts_;
  http_api::FakeCluster cluster_;
  std::unique_ptr<DockerService> service_;
  std::unique_ptr<http_api::Server> server_;
};

}  // namespace dockherd::engine_api
