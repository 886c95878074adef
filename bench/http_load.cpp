// Asks HTTP servers the same thing again and again over connections that stay open, and says how
// long the answers took. Used alike for a daemon's unix socket and an agent's TCP port, so that
// both figures hold the same cost of a client. Blocking system calls and threads, no event loop:
// one client's latency is then that of one write and as many reads as the answer needs.
//
//   http_load ask    [options] TARGET...   each client asks one target over and over
//   http_load all    [options] TARGET...   one client asks all targets at once, again and again
//   http_load create [options] TARGET...   creates and starts containers on Docker daemons
//   http_load stream [options] TARGET      one request each, all at once; --upload FILE is the body
//   http_load first  [options] TARGET      a new connection each time, until the body's first byte
//   http_load exec   [options] TARGET      an exec each time, created and started, until the same
//   http_load forward --listen PORT TARGET   hands bytes on from TCP, as the least that any agent
//                                            between a client and a daemon must do
//
// TARGET is unix:PATH or tcp:ADDRESS:PORT. One line of JSON comes out.
#include "bench/http_load.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/http_connection.hpp"

namespace dockherd::bench {

void Tally::count(int status) {
  if (!is_refusal(status)) return;
  ++refused;
  last_refusal = status;
}

void print(std::vector<Tally>& tallies, double seconds) {
  std::vector<double> all;
  std::size_t bytes = 0;
  unsigned refused = 0;
  int last_refusal = 0;
  for (Tally& tally : tallies) {
    all.insert(all.end(), tally.microseconds.begin(), tally.microseconds.end());
    bytes += tally.bytes;
    refused += tally.refused;
    if (tally.last_refusal != 0) last_refusal = tally.last_refusal;
  }
  std::sort(all.begin(), all.end());
  const auto quantile = [&](double q) {
    return all.empty() ? 0 : all[static_cast<std::size_t>(q * static_cast<double>(all.size() - 1))];
  };
  std::printf(
      "{\"requests\":%zu,\"seconds\":%.6f,\"per_second\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
      "\"bytes\":%zu,\"refused\":%u,\"last_refusal\":%d}\n",
      all.size(), seconds, static_cast<double>(all.size()) / seconds, quantile(0.5), quantile(0.99),
      bytes, refused, last_refusal);
}

namespace {

void ask(const Options& options) {
  std::vector<Tally> tallies(options.clients);
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<std::string> texts;
  for (unsigned i = 0; i < options.clients; ++i) {
    connections.push_back(
        std::make_unique<Connection>(options.targets[i % options.targets.size()]));
    texts.push_back(
        request_text(options.method, options.paths[i % options.paths.size()], options.body));
  }
  run_clients(tallies, [&](unsigned i, Tally&) {
    for (unsigned n = 0; n < options.warm_up; ++n) {
      connections[i]->send(texts[i]);
      connections[i]->receive();
    }
  });
  std::atomic<unsigned> begun{0};
  const double seconds = run_clients(tallies, [&](unsigned i, Tally& tally) {
    Connection& connection = *connections[i];
    while (begun++ < options.requests) {
      const auto begin = Clock::now();
      connection.send(texts[i]);
      connection.receive();
      tally.microseconds.push_back(microseconds_since(begin));
      tally.count(connection.status());
    }
    tally.bytes = connection.bytes();
  });
  print(tallies, seconds);
}

/// Every target is asked, then every answer is read: the daemons work at the same time.
void ask_all(const Options& options) {
  std::vector<Tally> tallies(1);
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < options.targets.size(); ++i) {
    connections.push_back(std::make_unique<Connection>(options.targets[i]));
    texts.push_back(
        request_text(options.method, options.paths[i % options.paths.size()], options.body));
  }
  const auto round = [&] {
    for (std::size_t i = 0; i < connections.size(); ++i) connections[i]->send(texts[i]);
    for (const auto& connection : connections) {
      connection->receive();
      tallies[0].count(connection->status());
    }
  };
  for (unsigned n = 0; n < options.warm_up; ++n) round();
  const auto whole = Clock::now();
  for (unsigned n = 0; n < options.requests; ++n) {
    const auto begin = Clock::now();
    round();
    tallies[0].microseconds.push_back(microseconds_since(begin));
  }
  const double seconds = microseconds_since(whole) / 1e6;
  for (const auto& connection : connections) tallies[0].bytes += connection->bytes();
  print(tallies, seconds);
}

}  // namespace

std::string id_in(const std::string& created) {
  const auto key = created.find("\"Id\":\"");
  if (key == std::string::npos) throw std::runtime_error("no Id in " + created);
  return created.substr(key + 6, 64);
}

namespace {

/// Containers are dealt out to the targets in turn; `clients` work for each target.
void create(const Options& options) {
  const auto targets = static_cast<unsigned>(options.targets.size());
  std::vector<std::atomic<unsigned>> begun(targets);
  std::vector<Tally> tallies(options.clients * targets);
  std::vector<std::unique_ptr<Connection>> connections;
  for (unsigned i = 0; i < tallies.size(); ++i) {
    connections.push_back(std::make_unique<Connection>(options.targets[i % targets]));
  }
  const double seconds = run_clients(tallies, [&](unsigned i, Tally& tally) {
    const unsigned target = i % targets;
    const unsigned share = options.requests / targets + (target < options.requests % targets);
    Connection& connection = *connections[i];
    while (begun[target]++ < share) {
      const auto begin = Clock::now();
      connection.send(request_text("POST", "/containers/create", options.body));
      const std::string id = id_in(connection.receive());
      connection.send(request_text("POST", "/containers/" + id + "/start", ""));
      connection.receive();
      tally.count(connection.status());
      tally.microseconds.push_back(microseconds_since(begin));
    }
  });
  print(tallies, seconds);
}

/// Reads nothing into the bytes: an upstream connection per client, one thread, level-triggered.
class Forwarder {
 public:
  Forwarder(std::uint16_t port, std::string target)
      : target_(std::move(target)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listener_, generic, sizeof address) != 0) throw failed("bind");
    ::listen(listener_, 128);
    watch(listener_);
  }

  [[noreturn]] void run() {
    for (;;) {
      std::array<epoll_event, 64> events{};
      const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) serve(events[static_cast<std::size_t>(i)].data.fd);
    }
  }

 private:
  void serve(int socket) {
    if (socket == listener_) {
      const int client = ::accept(listener_, nullptr, nullptr);
      const int on = 1;
      ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const int server = connect_to(target_);
      other_[client] = server;
      other_[server] = client;
      watch(client);
      watch(server);
      return;
    }
    const auto known = other_.find(socket);
    if (known == other_.end()) return;  // Closed by an event before this one.
    const int other = known->second;
    const ssize_t count = ::recv(socket, space_.data(), space_.size(), 0);
    if (count > 0) {
      ::send(other, space_.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
      return;
    }
    other_.erase(socket);
    other_.erase(other);
    ::close(socket);
    ::close(other);
  }

  void watch(int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &event);
  }

  std::string target_;
  int listener_;
  int poll_ = ::epoll_create1(0);
  std::map<int, int> other_;
  std::vector<char> space_ = std::vector<char>(64 * 1024);
};

void forward(const Options& options) {
  Forwarder(options.listen, options.targets.front()).run();
}

}  // namespace

}  // namespace dockherd::bench

int main(int argc, char** argv) {
  using namespace dockherd::bench;
  CLI::App app("Asks HTTP servers over and over, and times the answers");
  Options options;
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* text, void (*run)(const Options&)) {
    auto* command = app.add_subcommand(name, text);
    command->add_option("targets", options.targets, "unix:PATH or tcp:ADDRESS:PORT")->required();
    command->add_option("--method", options.method, "Default: GET");
    command->add_option("--path", options.paths, "Of each target in turn (repeatable)")
        ->take_all()
        ->expected(1);
    command->add_option("--body", options.body, "JSON");
    command->add_option("--upload", options.upload, "A file to send as body, in chunks");
    command->add_option("--clients", options.clients, "At once; for create: at each target");
    command->add_option("--requests", options.requests, "In all");
    command->add_option("--listen", options.listen, "Port on loopback, for forward");
    command->add_option("--warm-up", options.warm_up, "Requests of each client that do not count");
    command->callback([run, &options] { run(options); });
  };
  add("ask", "Each client asks one target over and over", ask);
  add("all", "One client asks all targets at once, again and again", ask_all);
  add("create", "Creates and starts containers on Docker daemons", create);
  add("stream", "Each target is asked once, all at the same time", stream);
  add("first", "How long until the first byte of a body that may never end", first_byte);
  add("exec", "The same of the output of an exec that is made for it; --body is its creation",
      exec);
  add("forward", "Hands bytes on from a port of loopback", forward);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "http_load: %s\n", error.what());
    return 1;
  }
  return 0;
}
