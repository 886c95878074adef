#include "engine_api/image_spread.hpp"

#include <boost/beast/core/string.hpp>

#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

namespace {

/// Ends what the hosts do when nobody waits for it any more, however that comes.
class Abandoning {
 public:
  explicit Abandoning(HostStreams& streams) : streams_(streams) {}
  ~Abandoning() { streams_.abandon(); }
  Abandoning(const Abandoning&) = delete;
  Abandoning& operator=(const Abandoning&) = delete;

 private:
  HostStreams& streams_;
};

}  // namespace

asio::awaitable<void> ImageSpread::serve(ApiRequest& request) {
  std::vector<HerdNode> pool = pool_of(context_);
  if (pool.empty()) {
    co_await answer_error(context_, request.exchange, 503, std::string(no_host_in_pool));
  } else if (pool.size() == 1) {
    std::string target = request.passed_target();
    co_await relay_to(context_, request.exchange, std::move(pool.front()), std::move(target));
  } else {
    co_await spread(request, std::move(pool));
  }
}

asio::awaitable<void> ImageSpread::spread(ApiRequest& request, std::vector<HerdNode> pool) {
  http_api::Exchange& exchange = request.exchange;
  const auto streams = std::make_shared<HostStreams>(context_, std::move(pool));
  const Abandoning abandoning(*streams);
  exchange.on_client_gone([streams] { streams->close(); });
  http_api::RequestHead head = passed_head(exchange, request.passed_target());
  std::erase_if(head.headers,
                [](const auto& field) { return boost::beast::iequals(field.first, "Expect"); });
  co_await HostStreams::open(streams, std::move(head));
  if (!streams->connections().empty()) co_await exchange.give_go_ahead();
  exchange.begin_upload(streams->connections());
  HostStreams::follow(streams);
  co_await pass_progress(request, *streams);
  co_await exchange.end_upload();
  exchange.on_client_gone(nullptr);
}

asio::awaitable<void> ImageSpread::pass_progress(ApiRequest& request, HostStreams& streams) {
  http_api::Exchange& exchange = request.exchange;
  bool client_there = true;
  for (;;) {
    const std::optional<std::string> lines = co_await streams.next();
    if (!lines) break;
    if (!client_there) continue;
    if (exchange.unanswered()) {
      http_api::HeaderList headers = own_headers(context_.herd, streams.content_type());
      client_there = co_await exchange.begin(200, std::move(headers));
    }
    if (client_there) client_there = co_await exchange.write(*lines);
    if (!client_there) streams.close();
  }
  if (client_there) co_await finish(request, streams);
}

asio::awaitable<void> ImageSpread::finish(ApiRequest& request, HostStreams& streams) {
  http_api::Exchange& exchange = request.exchange;
  if (exchange.unanswered()) {
    Merged merged = failed_everywhere(streams.failures());
    co_await answer_json(context_, exchange, merged.status, std::move(merged.body));
    co_return;
  }
  const std::string last = streams.results() + streams.failure_line();
  const bool written = co_await exchange.write(last);
  if (written) co_await exchange.end();
}

}  // namespace dockherd::engine_api
