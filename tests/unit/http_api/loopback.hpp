// A server on loopback in a thread of its own, a cluster that does as told, and blocking clients:
// the tests say byte by byte what is sent and what must come back.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "http_api/server.hpp"

namespace dockherd::http_api {

/// Answers {"echo":LENGTH}, or what `handler` does. Handlers run on the server's thread.
class FakeCluster final : public ClusterApi {
 public:
  asio::awaitable<VerbReply> execute_verb(std::string request, Caller caller) override;
  std::string greeting() const override { return "dockherd test\n"; }

  std::function<asio::awaitable<VerbReply>(std::string)> handler;
  Caller caller;  ///< Of the last verb.
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;  ///< Returned, not cancelled.
};

/// Answers as `handler` does, else 404 in Docker's form. On the server's thread.
class FakeDocker final : public DockerApi {
 public:
  asio::awaitable<void> serve(Exchange& exchange) override;

  std::function<asio::awaitable<void>(Exchange&)> handler;
};

/// A blocking client. Every wait ends after 60 s at the latest, with a failed test.
class Client {
 public:
  explicit Client(const std::string& address);
  ~Client();
  Client(Client&& other) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// False when the server closed meanwhile.
  bool send(std::string_view bytes);
  /// How many of them the socket takes without waiting.
  std::size_t send_now(std::string_view bytes);
  /// Shuts the sending side.
  void end_sending();
  void close();
  /// As a program that is killed with unread data: the server's end breaks.
  void reset();
  /// As if its cable were cut: nothing that is sent to it arrives any more.
  void go_deaf();
  /// All that was sent has arrived at the server's socket.
  bool all_arrived() const;
  /// Whether something has come that was not read yet, or the server has closed; waits for nothing.
  bool has_answer() const;
  /// One whole response (head, then Content-Length bytes). Shorter when the server closes.
  std::string response(bool with_body = true);
  /// Something that has come, waiting for it. Empty when the server has closed.
  std::string some();
  /// Until the server closes.
  std::string rest();
  /// Sends and returns the one response.
  std::string ask(std::string_view request);

 private:
  bool receive();

  int socket_ = -1;
  std::string buffered_;
};

/// A request without a body.
inline constexpr std::string_view get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
/// An upstream's answer that takes the connection over.
inline constexpr std::string_view taken_over =
    "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
inline constexpr std::size_t more_than_sockets_hold = 32u << 20;

std::string post(std::string_view body, std::string_view extra_headers = "");

class Loopback : public ::testing::Test {
 protected:
  /// Times are long in `settings` unless a test shortens them; call once.
  void start();
  /// Stops within `drain` and joins the thread; also done at the end of the test.
  void stop(Duration drain = std::chrono::seconds(5));
  void TearDown() override;

  /// Runs on the server's thread and waits for it.
  void run(std::function<void()> task);
  /// Likewise.
  std::size_t connections();
  /// Waits until the condition holds; false after 60 s.
  static bool eventually(const std::function<bool()>& condition);

  Client connect() const { return Client(address_); }

  ServerSettings settings;
  Authenticator* authenticator = nullptr;  ///< Of start(); null: nobody is asked who he is.
  UpstreamTls upstream_tls;                ///< How upstreams are called.
  Logger log = null_logger();
  FakeCluster cluster;
  FakeDocker docker;
  SystemClock clock;

 private:
  asio::awaitable<void> stop_all(Duration drain);

  asio::io_context context_{1};
  TaskGroup upstream_tasks_{context_.get_executor(), null_logger()};
  std::optional<UpstreamPool> upstreams_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::string address_;
};

}  // namespace dockherd::http_api
