#include "tests/unit/engine_api/herd_on_loopback.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

namespace dockherd::engine_api {

namespace {

constexpr std::chrono::seconds longest{30};

}  // namespace

asio::awaitable<int> EventsClient::open(std::string query) {
  http_api::RequestHead head("GET", "/v1.41/events" + (query.empty() ? "" : "?" + query));
  const TimePoint deadline = clock_.now() + longest;
  const auto sent = co_await call_.send(std::move(head), "", deadline);
  if (!sent) co_return 0;
  const auto answered = co_await call_.read_head(deadline);
  if (!answered) co_return 0;
  const int status = static_cast<int>(call_.head().result_int());
  if (status == 200) {
    call_.decode_into(&text_, 64u << 20);
  } else {
    auto whole = co_await call_.read_whole(1u << 20, deadline);
    if (whole) failure_ = std::move(whole->body);
  }
  co_return status;
}

asio::awaitable<std::string> EventsClient::line() {
  call_.connection()->arm_until(clock_.now() + longest);
  while (text_.find('\n') == text_.npos) {
    const std::string_view piece = co_await call_.read_raw();
    if (piece.empty() && text_.find('\n') == text_.npos) co_return std::string();
  }
  const auto end = text_.find('\n');
  std::string line = text_.substr(0, end);
  text_.erase(0, end + 1);
  co_return line;
}

HerdOnLoopback::HerdOnLoopback() = default;
HerdOnLoopback::~HerdOnLoopback() = default;

ScriptedHost& HerdOnLoopback::add_host(const std::string& name) {
  auto& place = hosts_[name];
  place = std::make_unique<ScriptedHost>(context.get_executor(), clock, upstreams_, name);
  return *place;
}

void HerdOnLoopback::join(const std::string& name, bool self) {
  herd.all.push_back(fake_node(name, host(name).address(), self));
  std::sort(herd.all.begin(), herd.all.end(),
            [](const HerdNode& a, const HerdNode& b) { return a.view.name < b.view.name; });
}

void HerdOnLoopback::run(Test task) {
  bool ended = false;
  std::exception_ptr failure;
  asio::co_spawn(context, task(), [&](std::exception_ptr thrown) {
    ended = true;
    failure = thrown;
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!ended && std::chrono::steady_clock::now() < end) {
    context.run_one_for(std::chrono::seconds(1));
  }
  EXPECT_TRUE(ended) << "still waiting after two minutes";
  if (failure) std::rethrow_exception(failure);
}

void HerdOnLoopback::with_hosts(const std::vector<std::string>& names, Test test) {
  for (const std::string& name : names) {
    add_host(name);
    join(name, name == names.front());
  }
  api_settings.daemon = "tcp://" + host(names.front()).address();
  service_ = std::make_unique<DockerService>(
      ApiContext(herd, upstreams_, clock, tasks_, api_settings, null_logger()));
  service = service_.get();
  http_api::ServerSettings settings;
  settings.address = "127.0.0.1:0";
  settings.linger_timeout = std::chrono::milliseconds(200);  // So is the sweep's period.
  server_ = std::make_unique<http_api::Server>(
      context.get_executor(), clock,
      http_api::Handlers{cluster_, *service_, upstreams_, authenticator}, settings, null_logger());
  ASSERT_TRUE(server_->start().has_value());
  run(test);
  run([this] { return stop_all(); });
}

asio::awaitable<void> HerdOnLoopback::stop_all() {
  co_await server_->stop(clock.now() + std::chrono::milliseconds(100));
  for (auto& [name, scripted] : hosts_) co_await scripted->stop();
  co_await tasks_.close();
}

asio::awaitable<http_api::WholeResponse> HerdOnLoopback::ask(std::string method, std::string target,
                                                             std::string body) {
  http_api::UpstreamCall call(client_pool_, server_->local_address());
  http_api::RequestHead head(std::move(method), std::move(target));
  if (!body.empty()) head.headers.emplace_back("Content-Type", "application/json");
  if (head.method == "POST") {
    head.headers.emplace_back("Content-Length", std::to_string(body.size()));
  }
  const TimePoint deadline = clock.now() + longest;
  auto sent = co_await call.send(std::move(head), body, deadline);
  if (sent) sent = co_await call.read_head(deadline);
  if (!sent) {
    ADD_FAILURE() << sent.error().message;
    co_return http_api::WholeResponse();
  }
  auto whole = co_await call.read_whole(64u << 20, deadline);
  if (!whole) {
    ADD_FAILURE() << whole.error().message;
    co_return http_api::WholeResponse();
  }
  co_return std::move(*whole);
}

std::unique_ptr<EventsClient> HerdOnLoopback::events_client() {
  return std::make_unique<EventsClient>(client_pool_, server_->local_address(), clock);
}

asio::awaitable<bool> HerdOnLoopback::eventually(std::function<bool()> condition) {
  const TimePoint end = clock.now() + longest;
  while (!condition()) {
    if (clock.now() > end) co_return false;
    co_await clock.sleep_until(clock.now() + std::chrono::milliseconds(5));
  }
  co_return true;
}

}  // namespace dockherd::engine_api
