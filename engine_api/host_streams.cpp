#include "engine_api/host_streams.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.hpp"
#include "base/parallel.hpp"
#include "docker_client/docker_codec.hpp"
#include "engine_api/herd_calls.hpp"
#include "http_api/responses.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::size_t pieces_held = 4;

}  // namespace

HostStreams::Host::Host(ApiContext& context, HerdNode asked)
    : node(std::move(asked)),
      call(context.upstreams, upstream_of(context, node)),
      lines(node.view.name) {}

HostStreams::HostStreams(ApiContext& context, std::vector<HerdNode> nodes)
    : context_(context), pieces_(context.tasks.executor(), pieces_held) {
  for (HerdNode& node : nodes) hosts_.push_back(std::make_unique<Host>(context, std::move(node)));
}

void HostStreams::note_failure(Host& host, const Error& error) {
  host.failure.emplace(host.node.view.name, http_api::http_status(error), error.message);
}

asio::awaitable<void> HostStreams::open(std::shared_ptr<HostStreams> streams,
                                        http_api::RequestHead head) {
  const TimePoint deadline = streams->context_.clock.now() + limits::host_connect_timeout;
  IndexedTask each = [streams, head, deadline](std::size_t index) -> asio::awaitable<void> {
    Host& host = *streams->hosts_[index];
    http_api::RequestHead own = head;
    add_node_header(host.node, own.headers);
    const auto sent = co_await host.call.send(std::move(own), "", deadline);
    if (sent) co_return;
    streams->note_failure(host, sent.error());
    host.ended = true;
  };
  co_await for_each_index(streams->context_.tasks, "call to the pool", streams->hosts_.size(),
                          limits::hosts_at_once, std::move(each));
}

std::vector<std::shared_ptr<http_api::Connection>> HostStreams::connections() const {
  std::vector<std::shared_ptr<http_api::Connection>> open;
  for (const auto& host : hosts_) {
    if (!host->ended && host->call.connected()) open.push_back(host->call.connection());
  }
  return open;
}

void HostStreams::follow(const std::shared_ptr<HostStreams>& streams) {
  for (std::size_t i = 0; i < streams->hosts_.size(); ++i) {
    if (streams->hosts_[i]->ended) continue;
    ++streams->running_;
    streams->context_.tasks.spawn("progress of a host", follow_one(streams, i));
  }
}

asio::awaitable<void> HostStreams::follow_one(std::shared_ptr<HostStreams> streams,
                                              std::size_t index) {
  Host& host = *streams->hosts_[index];
  auto done = co_await host.call.read_final_head(TimePoint::max());
  if (done && host.call.head().result_int() >= 300) {
    const TimePoint deadline = streams->context_.clock.now() + limits::refusal_timeout;
    auto refusal = co_await host.call.read_whole(limits::refusal_bytes, deadline);
    if (refusal) {
      HostAnswer answer{host.node.view.name, refusal->status, std::move(refusal->body)};
      host.failure = failure_of(answer);
    } else {
      done = refusal.error();
    }
  } else if (done) {
    done = co_await streams->pass_lines(host);
  }
  if (!done) streams->note_failure(host, done.error());
  host.ended = true;
  Piece last(host.lines.finish(), true);
  co_await streams->send(std::move(last));
}

asio::awaitable<Result<void>> HostStreams::pass_lines(Host& host) {
  namespace http = boost::beast::http;
  const auto type = host.call.head()[http::field::content_type];
  if (!accepted_ && !type.empty()) content_type_ = std::string(type.data(), type.size());
  accepted_ = true;
  Piece accepted;
  co_await send(std::move(accepted));
  std::string decoded;
  host.call.decode_into(&decoded, limits::stream_piece_bytes);
  for (;;) {
    const std::string_view raw = co_await host.call.read_raw();
    if (raw.empty()) break;
    Piece piece(host.lines.feed(decoded), false);
    decoded.clear();
    if (!piece.text.empty()) co_await send(std::move(piece));
  }
  host.call.decode_into(nullptr, 0);
  if (host.call.complete()) co_return Result<void>();
  co_return Error(errc::peer_lost, "the connection broke off before it had done all");
}

/// Nobody takes it any more after abandon().
asio::awaitable<void> HostStreams::send(Piece piece) {
  boost::system::error_code ignored;
  co_await pieces_.async_send(boost::system::error_code(), std::move(piece),
                              asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<std::optional<std::string>> HostStreams::next() {
  while (running_ > 0) {
    Piece piece = co_await pieces_.async_receive(asio::use_awaitable);
    if (piece.last) --running_;
    if (piece.last && piece.text.empty()) continue;
    co_return std::move(piece.text);
  }
  co_return std::nullopt;
}

void HostStreams::close() {
  for (const auto& host : hosts_) {
    if (!host->ended && host->call.connected()) host->call.connection()->close();
  }
}

void HostStreams::abandon() {
  close();
  pieces_.close();
}

std::string HostStreams::results() const {
  std::vector<std::string> told;
  std::string text;
  for (const auto& host : hosts_) {
    for (const std::string& line : host->lines.results()) {
      if (std::find(told.begin(), told.end(), line) != told.end()) continue;
      told.push_back(line);
      text += line;
    }
  }
  return text;
}

std::vector<HostFailure> HostStreams::failures() const {
  std::vector<HostFailure> failures;
  for (const auto& host : hosts_) {
    if (const auto& told = host->lines.failure()) {
      failures.emplace_back(host->node.view.name, 500, told->message);
    } else if (host->failure) {
      failures.push_back(*host->failure);
    }
  }
  return failures;
}

std::string HostStreams::failure_line() const {
  const std::vector<HostFailure> all = failures();
  if (all.empty()) return {};
  for (const auto& host : hosts_) {
    // Beside the words may stand a code.
    if (all.size() == 1 && host->lines.failure()) return host->lines.failure()->line;
  }
  return error_line(failures_text(all));
}

}  // namespace dockherd::engine_api
