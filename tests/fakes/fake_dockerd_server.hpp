// The daemon model behind a socket: HTTP/1.1 with keep-alive, /events as a chunked stream. For
// tests that need a real connection, and for herds larger than the machine has dockerds for.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "base/task_group.hpp"
#include "tests/fakes/daemon_model.hpp"

namespace dockherd::fakes {

/// How the server behaves; may be changed while it runs.
struct ServerBehaviour {
  std::chrono::microseconds call_delay{0};
  std::chrono::microseconds create_delay{0};
  std::chrono::microseconds start_delay{0};
  std::chrono::microseconds pull_delay{0};  ///< A client that leaves meanwhile ends the pull.
  double failure_rate = 0;  ///< Share of changing calls that get status 500 and do nothing.
  /// Called before the model is; an answer replaces the model's. Its bytes are sent as they are,
  /// and the connection is closed: for broken, half and huge answers. An empty text closes without
  /// a byte.
  std::function<std::optional<std::string>(const std::string& method, const std::string& target)>
      raw_answer;
  /// As above, but the model acts first.
  bool act_before_raw_answer = false;
  /// Likewise, asked for each call.
  std::function<bool(const std::string& method, const std::string& target)> acts_before_raw_answer;
  /// In addition to the delays above.
  std::function<std::chrono::milliseconds(const std::string& method, const std::string& target)>
      more_delay;
};

/// Purpose: serves one model on one unix socket or TCP port.
/// Lifecycle: listens from construction; stop() ends all connections; may listen() again. Before
/// destruction close() must have returned, unless its event loop never runs again.
class FakeDockerdServer {
 public:
  /// `address` is "unix:///path" or "tcp://127.0.0.1:PORT". Throws when it cannot listen.
  FakeDockerdServer(asio::any_io_executor executor, DaemonModel& model, std::string address,
                    std::uint64_t random_seed = 1);
  ~FakeDockerdServer();
  FakeDockerdServer(const FakeDockerdServer&) = delete;
  FakeDockerdServer& operator=(const FakeDockerdServer&) = delete;

  ServerBehaviour behaviour;

  asio::awaitable<void> close();
  /// Stops listening, breaks every connection, removes the socket file.
  void stop();
  void listen();
  /// Breaks every connection and goes on listening.
  void break_connections();
  /// Sends `text` to every open /events stream as it is.
  void inject_into_streams(std::string text);

  /// The TCP port, for an address with port 0.
  unsigned short port() const { return port_; }
  std::size_t connections() const { return sessions_.size(); }
  std::size_t streams() const;
  std::uint64_t accepted_ever() const { return accepted_ever_; }
  std::uint64_t requests_ever() const { return requests_ever_; }
  const docker_client::Headers& last_request_headers() const { return last_headers_; }

 private:
  struct Session;
  struct Listener;

  asio::awaitable<void> accept_all(std::shared_ptr<Listener> listener);
  asio::awaitable<void> serve(std::shared_ptr<Session> session);
  asio::awaitable<bool> answer_one(Session& session);
  asio::awaitable<void> answer_raw(Session& session, std::string text);
  asio::awaitable<void> stream_events(Session& session, const std::string& target);
  DockerResponse answer(const std::string& method, const std::string& target,
                        const std::string& body);
  Duration delay_of(const std::string& method, const std::string& target) const;

  asio::any_io_executor executor_;
  DaemonModel& model_;
  std::string address_;
  std::mt19937_64 random_;
  std::shared_ptr<Listener> listener_;
  std::list<std::shared_ptr<Session>> sessions_;
  TaskGroup tasks_;
  int observer_ = 0;
  docker_client::Headers last_headers_;
  unsigned short port_ = 0;
  std::uint64_t accepted_ever_ = 0;
  std::uint64_t requests_ever_ = 0;
};

}  // namespace dockherd::fakes
