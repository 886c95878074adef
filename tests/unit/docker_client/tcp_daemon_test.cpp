// A daemon behind TCP: names that must be looked up, connections that are never made. Curl closes
// what it used for these without a word, and the number is another socket's in the next moment.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "docker_client/curl_loop.hpp"
#include "tests/unit/docker_client/engine_fixture.hpp"
#include "tests/unit/docker_client/name_gate.hpp"

namespace dockherd::docker_client {
namespace {

using fakes::FakeDockerdServer;

class TcpDaemonTest : public EngineClientTest {
 protected:
  ~TcpDaemonTest() override {
    client.reset();
    run(tcp.close());
  }

  void connect_to(const std::string& host) {
    EngineSettings settings;
    settings.address = "tcp://" + host + ":" + std::to_string(tcp.port());
    client = std::make_unique<EngineClient>(context.get_executor(), settings);
  }

  FakeDockerdServer tcp{context.get_executor(), model, "tcp://127.0.0.1:0"};
};

TEST_F(TcpDaemonTest, is_called_as_one_behind_a_unix_socket) {
  connect_to("127.0.0.1");
  EXPECT_EQ(create("web")->status, 201);
  EXPECT_EQ(call(inspect_request("web", soon()))->status, 200);
}

TEST_F(TcpDaemonTest, an_answer_that_takes_its_time_is_heard_after_a_name_was_looked_up) {
  connect_to("daemon.test");
  tcp.behaviour.call_delay = 50ms;
  const auto response = call(inspect_request("x", soon()));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 404);
}

TEST_F(TcpDaemonTest, a_call_does_not_wait_for_a_look_up_that_hangs) {
  connect_to("daemon.test");
  name_gate().closed = true;
  const auto response = call(inspect_request("x", std::chrono::steady_clock::now() + 50ms));
  EXPECT_EQ(name_gate().inside, 1) << "the look-up was waited for";
  name_gate().closed = false;
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, errc::daemon_down);
  EXPECT_EQ(call(inspect_request("x", soon()))->status, 404);
  spin([] { return name_gate().inside == 0; });
}

/// Listens, and has all the connections waiting that it takes: those to come hang.
class FullListener {
 public:
  FullListener() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(0, ::bind(listener_, reinterpret_cast<sockaddr*>(&address_), size));
    EXPECT_EQ(0, ::listen(listener_, 0));
    EXPECT_EQ(0, ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size));
    for (int& waiting : waiting_) {
      waiting = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ::connect(waiting, reinterpret_cast<sockaddr*>(&address_), size);
    }
  }
  ~FullListener() {
    for (const int waiting : waiting_) ::close(waiting);
    ::close(listener_);
  }
  FullListener(const FullListener&) = delete;
  FullListener& operator=(const FullListener&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

 private:
  int listener_ = -1;
  int waiting_[4] = {};
  sockaddr_in address_{};
};

TEST_F(TcpDaemonTest, an_answer_is_heard_after_a_connection_was_given_up) {
  const FullListener full;
  CurlLoop loop(context.get_executor(), 4);
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  loop.prepare(easy.get());
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_NOBODY, 1L);
  std::optional<CURLcode> result;
  CurlLoop::Done done = [&result](CURLcode code) { result = code; };
  curl_easy_setopt(easy.get(), CURLOPT_URL, full.url().c_str());
  loop.start(easy.get(), &done);
  context.run_for(50ms);
  context.restart();
  loop.stop(easy.get());
  ASSERT_FALSE(result) << "the connection did not hang";

  tcp.behaviour.call_delay = 50ms;
  const std::string url = "http://127.0.0.1:" + std::to_string(tcp.port()) + "/_ping";
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  loop.start(easy.get(), &done);
  spin([&result] { return result.has_value(); });
  EXPECT_EQ(result, CURLE_OK);
  loop.stop(easy.get());
}

}  // namespace
}  // namespace dockherd::docker_client
