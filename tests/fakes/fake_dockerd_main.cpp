// fake_dockerd: daemons without containers, for herds larger than the machine has dockerds for.
#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <list>
#include <string>
#include <vector>

#include "tests/fakes/fake_dockerd_server.hpp"
#include "tests/fakes/fault_file.hpp"

namespace {

using namespace dockherd;
using fakes::DaemonModel;
using fakes::DaemonSettings;
using fakes::FakeDockerdServer;
using fakes::FaultFile;

struct Options {
  std::string socket;
  std::string tcp;
  std::string socket_dir;
  std::string name = "fake";
  std::vector<std::string> images = {"busybox:latest"};
  std::vector<std::string> registry;
  std::string faults;
  unsigned instances = 1;
  std::size_t containers = 0;
  int call_us = 0;
  int create_ms = 0;
  int start_ms = 0;
  int pull_ms = 0;
  double fail_rate = 0;
  double slow = 1;
  std::uint64_t seed = 1;
};

struct Daemon {
  Daemon(DaemonSettings settings, asio::any_io_executor executor, const Options& options,
         const std::vector<std::string>& addresses)
      : model(std::move(settings)), faults(options.faults) {
    model.preload(options.containers, model.settings().name + "-",
                  std::chrono::system_clock::now());
    const auto scaled = [&](double microseconds) {
      return std::chrono::microseconds(static_cast<std::int64_t>(microseconds * options.slow));
    };
    for (const std::string& address : addresses) {
      auto& server = servers.emplace_back(executor, model, address, options.seed);
      server.behaviour.call_delay = scaled(options.call_us);
      server.behaviour.create_delay = scaled(options.create_ms * 1000.0);
      server.behaviour.start_delay = scaled(options.start_ms * 1000.0);
      server.behaviour.pull_delay = scaled(options.pull_ms * 1000.0);
      server.behaviour.failure_rate = options.fail_rate;
      if (!options.faults.empty()) faults.apply_to(server);
    }
  }

  DaemonModel model;
  FaultFile faults;
  std::list<FakeDockerdServer> servers;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--socket", options.socket, "Listen on this unix socket");
  app.add_option("--tcp", options.tcp, "Listen on ADDRESS:PORT as well");
  app.add_option("--instances", options.instances, "This many daemons in one process");
  app.add_option("--socket-dir", options.socket_dir, "Their sockets: DIR/1.sock, DIR/2.sock...");
  app.add_option("--name", options.name, "Name of the host; instances get a number after it");
  app.add_option("--image", options.images, "An image that is there (repeatable)");
  app.add_option("--registry", options.registry, "An image that a pull finds (repeatable)");
  app.add_option("--containers", options.containers, "Running containers from the start");
  app.add_option("--call-us", options.call_us, "Microseconds that each call takes");
  app.add_option("--create-ms", options.create_ms, "Milliseconds that a create takes");
  app.add_option("--start-ms", options.start_ms, "Milliseconds that a start takes");
  app.add_option("--pull-ms", options.pull_ms, "Milliseconds that a pull takes");
  app.add_option("--fail-rate", options.fail_rate, "Share of changing calls that get a 500");
  app.add_option("--faults", options.faults,
                 "A file that says what goes wrong now: see fault_file.hpp");
  app.add_option("--slow", options.slow, "Multiplies all of these times");
  app.add_option("--seed", options.seed, "For container ids; instances add their number");
}

int run(const Options& options) {
  asio::io_context context(1);
  std::list<Daemon> daemons;
  for (unsigned number = 1; number <= options.instances; ++number) {
    const bool single = options.socket_dir.empty();
    std::vector<std::string> addresses;
    if (single && !options.socket.empty()) addresses.push_back("unix://" + options.socket);
    if (single && !options.tcp.empty()) addresses.push_back("tcp://" + options.tcp);
    if (!single) {
      addresses.push_back("unix://" + options.socket_dir + "/" + std::to_string(number) + ".sock");
    }
    DaemonSettings settings;
    settings.name = options.instances == 1 ? options.name : options.name + std::to_string(number);
    settings.images = options.images;
    settings.registry.insert(options.registry.begin(), options.registry.end());
    // Far apart, so that the ids of daemons started with seeds 1, 2, 3… differ.
    settings.random_seed = options.seed * 1'000'003 + number;
    daemons.emplace_back(std::move(settings), context.get_executor(), options, addresses);
  }
  asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&](boost::system::error_code, int) {
    for (Daemon& daemon : daemons) {
      for (FakeDockerdServer& server : daemon.servers) server.stop();
    }
  });
  context.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A Docker daemon that only pretends");
  Options options;
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  if (options.socket.empty() && options.tcp.empty() && options.socket_dir.empty()) {
    std::fprintf(stderr, "fake_dockerd: one of --socket, --tcp and --socket-dir is needed\n");
    return 2;
  }
  if (options.instances > 1 && options.socket_dir.empty()) {
    std::fprintf(stderr, "fake_dockerd: --instances needs --socket-dir\n");
    return 2;
  }
  try {
    return run(options);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "fake_dockerd: %s\n", failure.what());
    return 1;
  }
}
