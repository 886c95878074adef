// Connections as a whole: their bound, descriptors, start and stop.
#include "http_api/server.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <future>

#include "tests/unit/http_api/accept_gate.hpp"
#include "tests/unit/http_api/loopback.hpp"

namespace dockherd::http_api {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace {

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

asio::awaitable<VerbReply> answer_when(Clock& clock, const std::atomic<bool>& ready) {
  while (!ready) co_await clock.sleep_until(clock.now() + std::chrono::milliseconds(1));
  co_return VerbReply(200, "{\"late\":true}");
}

asio::awaitable<VerbReply> answer_in(Clock& clock, Duration time) {
  co_await clock.sleep_until(clock.now() + time);
  co_return VerbReply(200, "{\"late\":true}");
}

asio::awaitable<VerbReply> wait_on_channel() {
  const auto executor = co_await asio::this_coro::executor;
  asio::experimental::channel<void(boost::system::error_code)> nobody_sends(executor);
  co_await nobody_sends.async_receive(asio::use_awaitable);
  co_return VerbReply(200, "{}");
}

asio::awaitable<VerbReply> canceled_as_a_value(Clock& clock) {
  try {
    co_await clock.sleep_until(clock.now() + std::chrono::hours(1));
  } catch (const boost::system::system_error&) {  // As the bus turns it into a value.
  }
  co_return error_reply(Error(errc::canceled, "this node is stopping"));
}

}  // namespace

class ServerTest : public Loopback {};

TEST_F(ServerTest, two_thousand_connections_leave_no_descriptor_behind) {
  start();
  connect().ask(post("{}"));
  ASSERT_TRUE(eventually([&] { return connections() == 0; }));
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 2000; ++i) {
    Client client = connect();
    ASSERT_THAT(client.ask(post("{}")), EndsWith("{\"echo\":2}"));
  }
  ASSERT_TRUE(eventually([&] { return connections() == 0; }));
  EXPECT_EQ(before, open_descriptors());
}

TEST_F(ServerTest, one_connection_too_many_gets_503_and_a_place_later) {
  settings.max_connections = 3;
  std::atomic<bool> go_on = false;
  cluster.handler = [&](std::string) { return answer_when(clock, go_on); };
  start();
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connect());
    clients.back().send(post("{}"));
  }
  ASSERT_TRUE(eventually([&] { return cluster.begun == 3; }));  // None is idle.
  Client refused = connect();
  refused.send(post("{}"));
  const auto answer = refused.rest();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_THAT(answer, HasSubstr("\"error\":\"too many connections"));
  go_on = true;
  EXPECT_THAT(clients[0].response(), EndsWith("{\"late\":true}"));
  clients.clear();
  refused.close();
  ASSERT_TRUE(eventually([&] { return connections() == 0; }));
  EXPECT_THAT(connect().ask(post("{}")), EndsWith("{\"late\":true}"));
}

TEST_F(ServerTest, running_out_of_descriptors_only_delays) {
  start();
  Client client = connect();
  client.ask(post("{}"));
  accept_gate().starved = true;
  std::vector<Client> queued;
  for (int i = 0; i < 5; ++i) queued.push_back(connect());  // They wait in the kernel.
  const bool met = eventually([] { return accept_gate().refusals > 0; });
  EXPECT_THAT(client.ask(post("{}")), EndsWith("{\"echo\":2}"));
  EXPECT_EQ(1u, connections());
  accept_gate().starved = false;
  ASSERT_TRUE(met);
  for (Client& one : queued) EXPECT_THAT(one.ask(post("{}")), EndsWith("{\"echo\":2}"));
}

TEST_F(ServerTest, stopping_lets_requests_under_way_be_answered) {
  std::atomic<bool> stopping = false;
  cluster.handler = [&](std::string) { return answer_when(clock, stopping); };
  start();
  Client idle = connect();
  idle.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  Client busy = connect();
  busy.send(post("{}"));
  ASSERT_TRUE(eventually([&] { return cluster.begun == 1; }));
  auto answer = std::async(std::launch::async, [&] {
    EXPECT_EQ("", idle.rest());  // Its end says that stopping has begun.
    stopping = true;
    return busy.rest();
  });
  stop();
  const auto text = answer.get();
  EXPECT_THAT(text, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(text, EndsWith("{\"late\":true}"));
}

TEST_F(ServerTest, stopping_waits_no_longer_than_told) {
  cluster.handler = [this](std::string) { return answer_in(clock, std::chrono::hours(1)); };
  start();
  Client busy = connect();
  busy.send(post("{}"));
  Client slow = connect();
  slow.send("POST / HTTP/1.1\r\n");
  ASSERT_TRUE(eventually([&] { return cluster.begun == 1; }));
  stop(std::chrono::milliseconds(30));
  const auto answer = busy.rest();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer, HasSubstr("\"code\":\"canceled\""));
  EXPECT_EQ(0, cluster.ended);
  EXPECT_EQ("", slow.rest());
}

TEST_F(ServerTest, stopping_tells_every_client_whatever_its_verb_waits_for) {
  // A wait on a peer ends with a value when it is cancelled, one on a channel throws a word of its
  // own.
  cluster.handler = [this](std::string request) {
    return request == "channel" ? wait_on_channel() : canceled_as_a_value(clock);
  };
  start();
  Client on_channel = connect();
  on_channel.send(post("channel"));
  Client on_peer = connect();
  on_peer.send(post("peer"));
  ASSERT_TRUE(eventually([&] { return cluster.begun == 2; }));
  stop(std::chrono::milliseconds(30));
  for (Client* client : {&on_channel, &on_peer}) {
    const auto answer = client->rest();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_THAT(answer, HasSubstr("\"code\":\"canceled\""));
  }
}

TEST_F(ServerTest, stopping_tells_clients_of_docker_calls_that_are_not_answered) {
  std::atomic<int> begun = 0;
  docker.handler = [&](Exchange& exchange) -> asio::awaitable<void> {
    ++begun;
    HeaderList headers;
    if (exchange.target() == "/answered") co_await exchange.begin(200, std::move(headers));
    const TimePoint later = clock.now() + std::chrono::hours(1);
    co_await clock.sleep_until(later);
  };
  start();
  Client waiting = connect();
  waiting.send("GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n");
  Client answered = connect();
  answered.send("GET /answered HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return begun == 2; }));
  stop(std::chrono::milliseconds(30));
  const auto answer = waiting.rest();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("{\"message\":\"the agent stops"));
  EXPECT_THAT(answered.rest(), EndsWith("\r\n\r\n"));  // Its head, and nothing after it.
}

TEST_F(ServerTest, stopping_a_server_without_clients_is_at_once_complete) {
  start();
  stop(std::chrono::hours(1));
}

class ServerStart : public ::testing::Test {
 protected:
  Result<void> start(const std::string& address) {
    settings_.address = address;
    server_ = std::make_unique<Server>(executor_, clock_, Handlers{cluster_, docker_, upstreams_},
                                       settings_, null_logger());
    return server_->start();
  }

  asio::io_context context_;
  asio::any_io_executor executor_ = context_.get_executor();
  SystemClock clock_;
  FakeCluster cluster_;
  FakeDocker docker_;
  TaskGroup upstream_tasks_{executor_, null_logger()};
  UpstreamPool upstreams_{executor_, clock_, upstream_tasks_};
  ServerSettings settings_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerStart, a_session_that_has_not_begun_when_stopping_begins_ends_too) {
  // What is handed over waits its turn, also a session for the connection just accepted.
  executor_ = asio::require(context_.get_executor(), asio::execution::blocking.never);
  ASSERT_TRUE(start("127.0.0.1:0").has_value());
  bool stopped = false;
  std::function<void()> stop = [&] {
    asio::co_spawn(context_, server_->stop(clock_.now() + std::chrono::hours(1)),
                   [&](const std::exception_ptr&) { stopped = true; });
  };
  // Two turns after the system call: behind the server's acceptance, ahead of the session.
  accept_gate().on_accept = [&] { asio::post(context_, [&] { asio::post(context_, stop); }); };
  Client client(server_->local_address());
  context_.run_for(std::chrono::seconds(5));
  accept_gate().on_accept = nullptr;
  EXPECT_TRUE(stopped);
  client.close();
}

TEST_F(ServerStart, listens_on_ipv6) {
  const auto started = start("[::1]:0");
  ASSERT_TRUE(started.has_value()) << started.error().message;
  EXPECT_THAT(server_->local_address(), StartsWith("[::1]:"));
  EXPECT_THAT(server_->local_address(), ::testing::Not(EndsWith(":0")));
}

TEST_F(ServerStart, an_address_in_use_is_named) {
  ASSERT_TRUE(start("127.0.0.1:0").has_value());
  const auto first = std::move(server_);
  const auto second = start(first->local_address());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(errc::bad_config, second.error().code);
  EXPECT_EQ("cannot listen on " + first->local_address() +
                " for HTTP: another program listens there already",
            second.error().message);
}

TEST_F(ServerStart, an_address_of_another_host_is_named) {
  const auto started = start("192.0.2.1:8080");
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ("cannot listen on 192.0.2.1:8080 for HTTP: this host does not have that address",
            started.error().message);
}

}  // namespace dockherd::http_api
