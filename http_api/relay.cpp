// Exchange's part that passes a request on to an upstream. What passes is never held back or
// gathered: one piece of at most a read's size is under way in each direction.
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.hpp"
#include "http_api/exchange.hpp"
#include "http_api/responses.hpp"
#include "http_api/upstream_call.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::size_t raw_read_bytes = 128u << 10;

std::string_view bytes_of(boost::beast::flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

std::string passed_head(const boost::beast::http::response<PassingBody>& head,
                        ConnectionHeader connection) {
  std::string out;
  const bool upgrade = head.result_int() == 101;
  const auto reason = head.reason();
  render_passed(out, head.result_int(), {reason.data(), reason.size()}, passed_on(head, upgrade),
                connection);
  return out;
}

}  // namespace

// --- the request's body --------------------------------------------------------------------------

asio::awaitable<void> Exchange::pass_body(std::shared_ptr<RequestBody> body,
                                          std::shared_ptr<Upload> upload) {
  for (;;) {
    const std::string_view piece = body->arrived();
    if (!piece.empty()) {
      co_await pass_piece(piece, upload);
      body->drop();
      if (upload->upstreams.empty()) break;
      continue;
    }
    const bool more = co_await body->wait_for_more();
    if (more) continue;
    // A client that is gone in the middle: its upload must not be taken for a whole one.
    if (body->complete()) break;
    for (const auto& upstream : upload->upstreams) upstream->close();
    break;
  }
  upload->upstreams.clear();
  upload->active = false;
}

asio::awaitable<void> Exchange::pass_piece(std::string_view piece, std::shared_ptr<Upload> upload) {
  auto& upstreams = upload->upstreams;
  for (std::size_t i = 0; i < upstreams.size();) {
    bool taken = false;
    if (upload->patience) {
      taken = co_await upstreams[i]->write(piece, "", *upload->patience);
    } else {
      taken = co_await upstreams[i]->write(piece, "");
    }
    if (taken) {
      ++i;
    } else {
      upstreams.erase(upstreams.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

void Exchange::begin_upload(std::vector<std::shared_ptr<Connection>> upstreams) {
  const bool more = !body_->arrived().empty() || !body_->complete();
  if (!more || upstreams.empty()) return;
  upload_->active = true;
  // The only one is waited for, as long as the client waits.
  if (upstreams.size() > 1) upload_->patience = context_.settings.write_timeout;
  upload_->upstreams = std::move(upstreams);
  context_.side_tasks.spawn("http upload", pass_body(body_, upload_));
}

asio::awaitable<void> Exchange::end_upload() {
  if (!upload_->active) co_return;
  may_continue_ = false;
  must_linger_ = client_->is_open();
  for (const auto& upstream : upload_->upstreams) upstream->close();
  while (upload_->active) {
    client_->interrupt();
    co_await asio::post(context_.side_tasks.executor(), asio::use_awaitable);
  }
}

asio::awaitable<void> Exchange::give_go_ahead() {
  co_await body_->give_go_ahead(context_.settings.write_timeout);
}

// --- passing on ----------------------------------------------------------------------------------

asio::awaitable<void> Exchange::pass_raw(std::shared_ptr<Connection> client,
                                         std::shared_ptr<Connection> upstream,
                                         std::shared_ptr<Upload> upload) {
  auto& buffer = client->buffer();
  for (;;) {
    if (buffer.size() > 0) {
      const bool taken = co_await upstream->write(bytes_of(buffer), "");
      buffer.clear();
      if (!taken) break;
    }
    const auto end = co_await client->read_some(raw_read_bytes);
    if (end == Connection::ReadEnd::some) continue;
    upstream->shut_send();
    break;
  }
  upload->upstreams.clear();
  upload->active = false;
}

asio::awaitable<Result<void>> Exchange::relay(RelayOrder order) {
  const auto call = std::make_shared<UpstreamCall>(context_.upstreams, order.address);
  relayed_ = call;
  // A client that sends no more is gone, as it is for dockerd; so let the upstream see the same. It
  // may still answer, and what it says goes to the client: see look_after_client().
  const bool may_be_hijacked = order.may_be_hijacked;
  on_client_gone([call, client = client_, may_be_hijacked] {
    // What is to be somebody's input goes first, once the connection has been taken over.
    if (may_be_hijacked && client->buffer().size() > 0) return;
    if (call->connected()) call->connection()->shut_send();
  });
  auto begun = co_await begin_relay(*call, order);
  if (begun && client_is_gone() && !may_be_hijacked) call->connection()->shut_send();
  if (begun) begun = co_await await_head(*call, order);
  if (begun && order.reword) {
    begun = co_await relay_reworded(*call, order);
  } else if (begun && order.may_be_hijacked && call->ends_with_connection()) {
    co_await relay_hijacked(*call);
  } else if (begun) {
    co_await relay_body(*call);
  }
  co_await end_upload();
  on_client_gone(nullptr);
  relayed_.reset();
  // Our side of it has been shut.
  if (client_is_gone() && call->connected()) call->connection()->close();
  call->give_up();
  co_return begun;
}

asio::awaitable<Result<void>> Exchange::begin_relay(UpstreamCall& call, RelayOrder& order) {
  order.head.version = version();
  const std::string_view arrived = body_->arrived();
  if (body_->malformed()) {
    co_return Error(errc::bad_request, std::string(malformed_body_sentence));
  }
  const TimePoint connected_by =
      std::min<TimePoint>(order.deadline, context_.clock.now() + limits::host_connect_timeout);
  auto sent = co_await call.send(std::move(order.head), arrived, connected_by);
  body_->drop();
  if (!sent) co_return sent.error();
  begin_upload({call.connection()});
  co_return Result<void>();
}

asio::awaitable<Result<void>> Exchange::await_head(UpstreamCall& call, const RelayOrder& order) {
  for (;;) {
    auto head = co_await call.read_head(order.deadline);
    if (!head) co_return head.error();
    if (!call.is_interim()) break;
    const std::string interim = passed_head(call.head(), ConnectionHeader::none);
    co_await client_->write(interim, "");
  }
  if (order.on_status) order.on_status(call.head().result_int());
  co_return Result<void>();
}

asio::awaitable<Result<void>> Exchange::relay_reworded(UpstreamCall& call,
                                                       const RelayOrder& order) {
  auto whole = co_await call.read_whole(limits::upstream_response_bytes, order.deadline);
  if (!whole) co_return whole.error();
  begin_answer(whole->status);
  const auto status = static_cast<unsigned>(whole->status);
  const std::string body = order.reword(status, std::move(whole->body));
  const auto reason = call.head().reason();
  std::string head;
  whole->headers.emplace_back("Content-Length", std::to_string(body.size()));
  const ConnectionHeader connection = persistence(true);
  render_passed(head, status, {reason.data(), reason.size()}, whole->headers, connection);
  const bool sent = co_await client_->write(head, method() == "HEAD" ? "" : std::string_view(body),
                                            context_.settings.write_timeout);
  if (!sent) may_continue_ = must_linger_ = false;
  co_return Result<void>();
}

asio::awaitable<void> Exchange::relay_body(UpstreamCall& call) {
  begin_answer(static_cast<int>(call.head().result_int()));
  call.outlive_loss();
  const ConnectionHeader connection = persistence(!call.ends_with_connection());
  std::string head = passed_head(call.head(), connection);
  std::string_view piece = call.arrived();
  for (;;) {
    const bool sent = co_await client_->write(head, piece);
    head.clear();
    if (!sent) {
      may_continue_ = must_linger_ = false;
      co_return;
    }
    piece = co_await call.read_raw();
    if (piece.empty()) break;
  }
  if (!call.complete()) break_off();
}

asio::awaitable<void> Exchange::relay_hijacked(UpstreamCall& call) {
  begin_answer(static_cast<int>(call.head().result_int()));
  call.outlive_loss();
  hijacked_ = true;
  co_await stop_watching();
  const std::string head = passed_head(call.head(), ConnectionHeader::none);
  const std::shared_ptr<Connection>& upstream = call.connection();
  auto& buffer = upstream->buffer();
  bool open = co_await client_->write(head, bytes_of(buffer));
  buffer.clear();
  if (!std::exchange(upload_->active, true)) {
    upload_->upstreams = {upstream};
    context_.side_tasks.spawn("http stdin", pass_raw(client_, upstream, upload_));
  }
  while (open) {
    const auto end = co_await upstream->read_some(raw_read_bytes);
    if (end != Connection::ReadEnd::some) break;
    open = co_await client_->write(bytes_of(buffer), "");
    buffer.clear();
  }
  must_linger_ = open;
  if (upstream->truncated()) break_off();
}

}  // namespace dockherd::http_api
