#include "tests/unit/http_api/loopback.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>

#include "http_api/listen_address.hpp"

namespace dockherd::http_api {

asio::awaitable<VerbReply> FakeCluster::execute_verb(std::string request, Caller sender) {
  caller = std::move(sender);
  ++begun;
  VerbReply reply(200, "{\"echo\":" + std::to_string(request.size()) + "}");
  if (handler) reply = co_await handler(std::move(request));
  ++ended;
  co_return reply;
}

asio::awaitable<void> FakeDocker::serve(Exchange& exchange) {
  if (handler) {
    co_await handler(exchange);
    co_return;
  }
  HeaderList headers{{"Content-Type", "application/json"}};
  co_await exchange.respond(404, std::move(headers), "{\"message\":\"page not found\"}\n");
}

Client::Client(const std::string& address) {
  const auto endpoint = parse_listen_address(address).value();
  socket_ = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval longest{60, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
  EXPECT_EQ(0, ::connect(socket_, endpoint.data(), static_cast<socklen_t>(endpoint.size())));
}

Client::~Client() {
  close();
}

Client::Client(Client&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), buffered_(std::move(other.buffered_)) {}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t Client::send_now(std::string_view bytes) {
  const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent <= 0 ? 0 : static_cast<std::size_t>(sent);
}

void Client::end_sending() {
  ::shutdown(socket_, SHUT_WR);
}

void Client::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void Client::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Client::go_deaf() {
  sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog filter{1, &drop};
  EXPECT_EQ(0, ::setsockopt(socket_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
}

bool Client::all_arrived() const {
  int on_the_way = -1;
  EXPECT_EQ(0, ::ioctl(socket_, SIOCOUTQ, &on_the_way));
  return on_the_way == 0;
}

bool Client::has_answer() const {
  char byte = 0;
  return !buffered_.empty() || ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
         (errno != EAGAIN && errno != EWOULDBLOCK);
}

bool Client::receive() {
  char bytes[65536];
  const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    ADD_FAILURE() << "no answer within 60 s, so far: " << buffered_.substr(0, 500);
  }
  if (count <= 0) return false;
  buffered_.append(bytes, static_cast<std::size_t>(count));
  return true;
}

std::string Client::response(bool with_body) {
  std::size_t head = std::string::npos;
  while ((head = buffered_.find("\r\n\r\n")) == std::string::npos) {
    if (!receive()) return std::exchange(buffered_, {});
  }
  std::size_t whole = head + 4;
  const auto length = buffered_.find("Content-Length: ");
  if (with_body && length < head) whole += std::stoul(buffered_.substr(length + 16));
  while (buffered_.size() < whole && receive()) {
  }
  std::string one = buffered_.substr(0, whole);
  buffered_.erase(0, whole);
  return one;
}

std::string Client::some() {
  if (buffered_.empty()) receive();
  return std::exchange(buffered_, {});
}

std::string Client::rest() {
  while (receive()) {
  }
  return std::exchange(buffered_, {});
}

std::string Client::ask(std::string_view request) {
  send(request);
  return response();
}

std::string post(std::string_view body, std::string_view extra_headers) {
  std::string request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ";
  request += std::to_string(body.size());
  request += "\r\n";
  request += extra_headers;
  request += "\r\n";
  request += body;
  return request;
}

void Loopback::start() {
  settings.address = "127.0.0.1:0";
  settings.product = "dockherd/test";
  upstreams_.emplace(context_.get_executor(), clock, upstream_tasks_, upstream_tls);
  server_ = std::make_unique<Server>(context_.get_executor(), clock,
                                     Handlers{cluster, docker, *upstreams_, authenticator},
                                     settings, log);
  const auto started = server_->start();
  ASSERT_TRUE(started.has_value()) << started.error().message;
  address_ = server_->local_address();
  thread_ = std::thread([this] { context_.run(); });
}

void Loopback::stop(Duration drain) {
  if (!thread_.joinable()) return;
  asio::co_spawn(context_, stop_all(drain), asio::use_future).get();
  thread_.join();  // Ends by itself: nothing may be left to run.
}

asio::awaitable<void> Loopback::stop_all(Duration drain) {
  co_await server_->stop(clock.now() + drain);
  co_await upstream_tasks_.close();
}

void Loopback::TearDown() {
  stop();
}

void Loopback::run(std::function<void()> task) {
  asio::post(context_, std::packaged_task<void()>(std::move(task))).get();
}

std::size_t Loopback::connections() {
  const auto count = [this] { return server_->connections(); };
  return asio::post(context_, std::packaged_task<std::size_t()>(count)).get();
}

bool Loopback::eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace dockherd::http_api
