// A herd whose daemons do as told, in a thread of its own: the Docker Engine API of one node, and a
// server for each host's daemon. The test is a client that blocks: for uploads and for streams that
// it reads slowly or leaves.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine_api/docker_service.hpp"
#include "tests/unit/engine_api/fake_herd.hpp"
#include "tests/unit/http_api/loopback.hpp"

namespace dockherd::engine_api {

/// An answer read until the node has closed the connection.
struct Answer {
  int status = 0;
  std::string head;
  std::string body;    ///< Without chunks.
  bool whole = false;  ///< All that the head announced has come.
};
Answer answer_in(const std::string& bytes);

class HerdInThread : public ::testing::Test {
 protected:
  using Daemon = std::function<asio::awaitable<void>(http_api::Exchange&)>;

  /// Hosts h1, h2, …; the first is the node that is asked. To be called before start().
  void add_host(Daemon daemon);
  void start();
  void TearDown() override;

  http_api::Client connect() const { return http_api::Client(address_); }
  /// Sends the request, of which Host and Connection are added, and reads the answer to its end.
  Answer ask(std::string_view method, std::string_view target, std::string_view headers = "",
             std::string_view body = "");
  static std::string request(std::string_view method, std::string_view target,
                             std::string_view headers = "");
  /// Waits until the condition holds; false after 60 s.
  static bool eventually(const std::function<bool()>& condition);

  SystemClock clock;
  FakeHerd herd;
  http_api::ServerSettings settings;  ///< Of the node that is asked and of the hosts.
  asio::io_context context{1};

 private:
  struct Host {
    http_api::FakeDocker docker;
    std::unique_ptr<http_api::Server> server;
  };

  std::unique_ptr<http_api::Server> serve(http_api::DockerApi& docker);
  asio::awaitable<void> stop_all();

  http_api::FakeCluster cluster_;
  TaskGroup tasks_{context.get_executor(), null_logger()};
  http_api::UpstreamPool upstreams_{context.get_executor(), clock, tasks_};
  std::vector<std::unique_ptr<Host>> hosts_;
  std::unique_ptr<DockerService> service_;
  std::unique_ptr<http_api::Server> server_;
  std::string address_;
  std::thread thread_;
};

/// Answers with JSON, in the name of a daemon.
asio::awaitable<void> answer_as_daemon(http_api::Exchange& exchange, int status, std::string body);

}  // namespace dockherd::engine_api
