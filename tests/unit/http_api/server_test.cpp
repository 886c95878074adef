// Connections as a whole: their bound, descriptors, start and stop.
#include "http_api/server.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <future>

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

asio::awaitable<VerbReply> answer_in(Clock& clock, Duration time) {
  co_await clock.sleep_until(clock.now() + time);
  co_return VerbReply(200, "{\"late\":true}");
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
  start();
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connect());
    clients.back().ask(post("{}"));
  }
  Client refused = connect();
  refused.send(post("{}"));
  const auto answer = refused.rest();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: 1\r\n"));
  EXPECT_THAT(answer, HasSubstr("\"error\":\"too many connections"));
  EXPECT_THAT(clients[0].ask(post("{}")), EndsWith("{\"echo\":2}"));
  clients.clear();
  refused.close();
  ASSERT_TRUE(eventually([&] { return connections() == 0; }));
  EXPECT_THAT(connect().ask(post("{}")), EndsWith("{\"echo\":2}"));
}

TEST_F(ServerTest, running_out_of_descriptors_only_delays) {
  start();
  Client client = connect();
  client.ask(post("{}"));
  Client waiting = connect();  // May be accepted before or after the descriptors are gone.
  rlimit before{};
  ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
  std::vector<int> taken;
  rlimit few = before;
  few.rlim_cur = open_descriptors() + 20;
  ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
  std::vector<Client> queued;
  for (int i = 0; i < 5; ++i) queued.push_back(connect());
  for (int fd = dup(0); fd >= 0; fd = dup(0)) taken.push_back(fd);
  EXPECT_EQ(EMFILE, errno);
  // The connections that were served meanwhile free nothing; these now wait in the kernel.
  EXPECT_THAT(client.ask(post("{}")), EndsWith("{\"echo\":2}"));
  for (const int fd : taken) close(fd);
  setrlimit(RLIMIT_NOFILE, &before);
  for (Client& one : queued) EXPECT_THAT(one.ask(post("{}")), EndsWith("{\"echo\":2}"));
  EXPECT_THAT(waiting.ask(post("{}")), EndsWith("{\"echo\":2}"));
}

TEST_F(ServerTest, stopping_lets_requests_under_way_be_answered) {
  cluster.handler = [this](std::string) { return answer_in(clock, std::chrono::milliseconds(50)); };
  start();
  Client idle = connect();
  idle.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  Client busy = connect();
  busy.send(post("{}"));
  ASSERT_TRUE(eventually([&] { return cluster.begun == 1; }));
  auto answer = std::async(std::launch::async, [&] { return busy.rest(); });
  stop();
  EXPECT_EQ("", idle.rest());
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

TEST_F(ServerTest, stopping_a_server_without_clients_is_at_once_complete) {
  start();
  stop(std::chrono::hours(1));
}

class ServerStart : public ::testing::Test {
 protected:
  Result<void> start(const std::string& address) {
    settings_.address = address;
    server_ = std::make_unique<Server>(context_.get_executor(), clock_, cluster_, settings_,
                                       null_logger());
    return server_->start();
  }

  asio::io_context context_;
  SystemClock clock_;
  FakeCluster cluster_;
  ServerSettings settings_;
  std::unique_ptr<Server> server_;
};

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
