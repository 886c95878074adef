// A daemon for tests of calls about images: answers by method and path, and remembers what it was
// asked.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/unit/engine_api/herd_in_thread.hpp"

namespace dockherd::engine_api {

class DaemonScript {
 public:
  struct Reply {
    int status = 200;
    std::string body;
  };

  /// By "METHOD /path?query", else by "METHOD /path"; anything else is a 404. Before start().
  void on(const std::string& call, int status, std::string body) {
    replies_[call] = Reply{status, std::move(body)};
  }

  std::function<asio::awaitable<void>(http_api::Exchange&)> handler() {
    return [this](http_api::Exchange& exchange) { return serve(exchange); };
  }

  /// What it was asked, in order.
  std::vector<std::string> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  bool was_asked(const std::string& call) {
    const auto all = calls();
    return std::find(all.begin(), all.end(), call) != all.end();
  }
  /// The body of the last request that had one.
  std::string body() {
    const std::lock_guard lock(mutex_);
    return body_;
  }

 private:
  asio::awaitable<void> serve(http_api::Exchange& exchange) {
    const std::string call = std::string(exchange.method()) + " " + std::string(exchange.target());
    auto body = co_await exchange.read_body(64u << 20);
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(call);
      if (body && !body->empty()) body_ = *body;
    }
    auto reply = replies_.find(call);
    if (reply == replies_.end()) reply = replies_.find(call.substr(0, call.find('?')));
    const Reply answer =
        reply == replies_.end() ? Reply{404, "{\"message\":\"No such image\"}\n"} : reply->second;
    co_await answer_as_daemon(exchange, answer.status, answer.body);
  }

  std::map<std::string, Reply> replies_;
  std::mutex mutex_;
  std::vector<std::string> calls_;
  std::string body_;
};

}  // namespace dockherd::engine_api
