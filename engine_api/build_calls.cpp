#include "engine_api/build_calls.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "base/json_reader.hpp"
#include "base/limits.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/host_streams.hpp"

namespace dockherd::engine_api {

namespace {

std::vector<std::string> tags_of(const Query& query) {
  std::vector<std::string> tags;
  for (const auto& [key, value] : query) {
    if (key == "t" && !value.empty()) tags.push_back(with_tag(value));
  }
  return tags;
}

std::string loaded_line(const std::string& hostname) {
  return "{\"stream\":" + quote_json("[" + hostname + "] image loaded\n") + "}\r\n";
}

}  // namespace

asio::awaitable<void> BuildCalls::serve(ApiRequest& request) {
  std::vector<HerdNode> pool = pool_of(context_);
  if (pool.empty()) {
    co_await answer_error(context_, request.exchange, 503, std::string(no_host_in_pool));
    co_return;
  }
  // Here if it may be: the context that is sent has the shortest way.
  auto chosen =
      std::find_if(pool.begin(), pool.end(), [](const HerdNode& node) { return node.self; });
  if (chosen == pool.end()) chosen = pool.begin();
  HerdNode builder = *chosen;
  pool.erase(chosen);
  if (pool.empty()) {
    std::string target(request.exchange.target());
    co_await relay_to(context_, request.exchange, std::move(builder), std::move(target));
  } else {
    co_await build(request, std::move(builder), std::move(pool));
  }
}

asio::awaitable<void> BuildCalls::build(ApiRequest& request, HerdNode builder,
                                        std::vector<HerdNode> others) {
  http_api::Exchange& exchange = request.exchange;
  const auto call =
      std::make_shared<http_api::UpstreamCall>(context_.upstreams, upstream_of(context_, builder));
  exchange.on_client_gone([call] {
    if (call->connected()) call->connection()->close();
  });
  BuildProgress progress;
  const auto passed = co_await pass_build(request, *call, builder, progress);
  co_await exchange.end_upload();
  exchange.on_client_gone(nullptr);
  call->give_up();
  if (!passed) {
    co_await answer_error(context_, exchange, passed.error(), builder.view.name);
  } else if (*passed) {
    const bool built = !progress.failed() && !exchange.client_is_gone();
    if (built) co_await spread(request, std::move(builder), std::move(others), progress);
    co_await exchange.end();
  }
}

asio::awaitable<Result<bool>> BuildCalls::pass_build(ApiRequest& request,
                                                     http_api::UpstreamCall& call,
                                                     const HerdNode& builder,
                                                     BuildProgress& progress) {
  http_api::Exchange& exchange = request.exchange;
  http_api::RequestHead head = passed_head(exchange, std::string(exchange.target()));
  std::erase_if(head.headers,
                [](const auto& field) { return boost::beast::iequals(field.first, "Expect"); });
  add_node_header(builder, head.headers);
  auto sent =
      co_await call.send(std::move(head), "", context_.clock.now() + limits::host_connect_timeout);
  if (!sent) co_return sent.error();
  co_await exchange.give_go_ahead();
  exchange.begin_upload({call.connection()});
  auto headed = co_await call.read_final_head(TimePoint::max());
  if (!headed) co_return headed.error();
  if (call.head().result_int() < 300) co_return co_await pass_progress(request, call, progress);
  auto refusal = co_await call.read_whole(limits::refusal_bytes,
                                          context_.clock.now() + limits::refusal_timeout);
  if (!refusal) co_return refusal.error();
  co_await exchange.respond(refusal->status, std::move(refusal->headers), refusal->body);
  co_return false;
}

/// True when all of it has been passed. It is read decoded, for more lines may follow.
asio::awaitable<bool> BuildCalls::pass_progress(ApiRequest& request, http_api::UpstreamCall& call,
                                                BuildProgress& progress) {
  namespace http = boost::beast::http;
  http_api::Exchange& exchange = request.exchange;
  const auto type = call.head()[http::field::content_type];
  http_api::HeaderList headers = own_headers(context_.herd, {type.data(), type.size()});
  bool there =
      co_await exchange.begin(static_cast<int>(call.head().result_int()), std::move(headers));
  std::string decoded;
  call.decode_into(&decoded, limits::stream_piece_bytes);
  while (there) {
    const std::string_view raw = co_await call.read_raw();
    if (raw.empty()) break;
    progress.feed(decoded);
    there = co_await exchange.write(decoded);
    decoded.clear();
  }
  call.decode_into(nullptr, 0);
  progress.finish();
  if (there && call.complete()) co_return true;
  exchange.break_off();
  co_return false;
}

asio::awaitable<void> BuildCalls::spread(ApiRequest& request, HerdNode builder,
                                         std::vector<HerdNode> others,
                                         const BuildProgress& progress) {
  http_api::Exchange& exchange = request.exchange;
  std::vector<std::string> tags = tags_of(request.query);
  if (tags.empty() && progress.image_id().empty()) co_return;  // It has made no image.
  const std::string built_on = builder.view.name;
  const auto copy = std::make_shared<ImageCopy>(context_, std::move(builder), std::move(others),
                                                progress.image_id(), std::move(tags));
  exchange.on_client_gone([copy] { copy->close(); });
  co_await ImageCopy::run(copy);
  exchange.on_client_gone(nullptr);
  std::string lines;
  for (const std::string& hostname : copy->loaded()) lines += loaded_line(hostname);
  if (query_flag(request.query, "q")) lines.clear();
  if (!copy->failures().empty()) {
    lines += error_line("built on " + built_on +
                        ", but not all hosts got the image: " + failures_text(copy->failures()));
  }
  co_await exchange.write(lines);
}

}  // namespace dockherd::engine_api
