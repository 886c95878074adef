// An engine client and the fake daemon behind a real socket, in one event loop.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "docker_client/docker_requests.hpp"
#include "docker_client/engine_client.hpp"
#include "tests/fakes/fake_dockerd_server.hpp"

namespace dockherd::docker_client {

using namespace std::chrono_literals;

class EngineClientTest : public testing::Test {
 protected:
  EngineClientTest() : server(context.get_executor(), model, "unix://" + path()) { connect(); }
  ~EngineClientTest() override {
    run(tasks.close());
    run(server.close());
    std::filesystem::remove(path());
  }

  static std::string path() { return "/tmp/dockherd-engine-client-" + std::to_string(getpid()); }
  static TimePoint soon() { return std::chrono::steady_clock::now() + 10s; }

  void connect(EngineSettings settings = {}) {
    settings.address = "unix://" + path();
    client = std::make_unique<EngineClient>(context.get_executor(), settings);
  }

  /// Runs the event loop until the task has ended.
  template <typename T>
  T run(asio::awaitable<T> task) {
    std::optional<T> value;
    std::exception_ptr failure;
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr thrown, T result) {
      failure = thrown;
      if (!thrown) value.emplace(std::move(result));
    });
    spin([&] { return value || failure; });
    if (failure) std::rethrow_exception(failure);
    return *std::move(value);
  }
  void run(asio::awaitable<void> task) {
    bool ended = false;
    std::exception_ptr failure;
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr thrown) {
      failure = thrown;
      ended = true;
    });
    spin([&] { return ended; });
    if (failure) std::rethrow_exception(failure);
  }
  void spin(const std::function<bool()>& until) {
    const TimePoint limit = soon();
    context.restart();
    while (!until()) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit) << "the event loop came to nothing";
      context.run_one_for(20ms);
    }
  }

  Result<DockerResponse> call(DockerRequest request) {
    return run(client->call(std::move(request)));
  }
  Result<DockerResponse> create(const char* name) {
    return call(create_request(name, R"({"Image":"busybox"})", soon()));
  }

  asio::io_context context{1};
  fakes::DaemonModel model;
  fakes::FakeDockerdServer server;
  TaskGroup tasks{context.get_executor(), null_logger()};
  std::unique_ptr<EngineClient> client;
};

}  // namespace dockherd::docker_client
