#include "tests/unit/engine_api/herd_in_thread.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

namespace dockherd::engine_api {

Answer answer_in(const std::string& bytes) {
  Answer answer;
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return answer;
  answer.head = bytes.substr(0, end + 2);
  answer.status = std::stoi(bytes.substr(9, 3));
  std::string_view rest = std::string_view(bytes).substr(end + 4);
  if (answer.head.find("Transfer-Encoding: chunked") == std::string::npos) {
    answer.body = rest;
    const auto length = answer.head.find("Content-Length: ");
    answer.whole = length == std::string::npos ||
                   std::stoul(answer.head.substr(length + 16)) == answer.body.size();
    return answer;
  }
  while (!rest.empty()) {
    const std::size_t size = std::stoul(std::string(rest.substr(0, 16)), nullptr, 16);
    const auto line = rest.find("\r\n");
    answer.whole = size == 0;
    if (line == rest.npos || size == 0) break;
    answer.body += rest.substr(line + 2, size);
    rest.remove_prefix(std::min(rest.size(), line + 2 + size + 2));
  }
  return answer;
}

asio::awaitable<void> answer_as_daemon(http_api::Exchange& exchange, int status, std::string body) {
  http_api::HeaderList headers{{"Content-Type", "application/json"}};
  co_await exchange.respond(status, std::move(headers), body);
}

std::unique_ptr<http_api::Server> HerdInThread::serve(http_api::DockerApi& docker) {
  settings.address = "127.0.0.1:0";
  auto server = std::make_unique<http_api::Server>(context.get_executor(), clock,
                                                   http_api::Handlers{cluster_, docker, upstreams_},
                                                   settings, null_logger());
  const auto started = server->start();
  EXPECT_TRUE(started.has_value());
  return server;
}

void HerdInThread::add_host(Daemon daemon) {
  auto host = std::make_unique<Host>();
  host->docker.handler = std::move(daemon);
  host->server = serve(host->docker);
  herd.all.push_back(fake_node("h" + std::to_string(hosts_.size() + 1),
                               host->server->local_address(), hosts_.empty()));
  hosts_.push_back(std::move(host));
}

void HerdInThread::start() {
  ApiSettings api;
  api.daemon = "tcp://" + herd.all.front().view.address;
  api.task_timeout = std::chrono::seconds(30);
  service_ = std::make_unique<DockerService>(
      ApiContext(herd, upstreams_, clock, tasks_, api, null_logger()));
  server_ = serve(*service_);
  address_ = server_->local_address();
  thread_ = std::thread([this] { context.run(); });
}

asio::awaitable<void> HerdInThread::stop_all() {
  co_await server_->stop(clock.now());
  for (const auto& host : hosts_) co_await host->server->stop(clock.now());
  co_await tasks_.close();
}

void HerdInThread::TearDown() {
  if (!thread_.joinable()) return;
  asio::co_spawn(context, stop_all(), asio::use_future).get();
  thread_.join();  // Ends by itself: nothing may be left to run.
}

std::string HerdInThread::request(std::string_view method, std::string_view target,
                                  std::string_view headers) {
  std::string text(method);
  text += " ";
  text += target;
  text += " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  text += headers;
  text += "\r\n";
  return text;
}

Answer HerdInThread::ask(std::string_view method, std::string_view target, std::string_view headers,
                         std::string_view body) {
  std::string all(headers);
  if (!body.empty()) all += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  http_api::Client client = connect();
  client.send(request(method, target, all) + std::string(body));
  return answer_in(client.rest());
}

bool HerdInThread::eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace dockherd::engine_api
