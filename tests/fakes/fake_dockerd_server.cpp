#include "tests/fakes/fake_dockerd_server.hpp"

#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

namespace dockherd::fakes {

namespace http = boost::beast::http;

namespace {

using Protocol = asio::generic::stream_protocol;
using Socket = Protocol::socket;

constexpr std::string_view unix_scheme = "unix://";

Protocol::endpoint endpoint_of(const std::string& address) {
  if (address.starts_with(unix_scheme)) {
    return asio::local::stream_protocol::endpoint(address.substr(unix_scheme.size()));
  }
  const std::string rest = address.substr(address.find("//") + 2);
  const auto colon = rest.rfind(':');
  const auto port = static_cast<unsigned short>(std::stoi(rest.substr(colon + 1)));
  return asio::ip::tcp::endpoint(asio::ip::make_address(rest.substr(0, colon)), port);
}

unsigned short port_of(const Protocol::endpoint& bound) {
  asio::ip::tcp::endpoint endpoint;
  endpoint.resize(bound.size());
  std::memcpy(endpoint.data(), bound.data(), bound.size());
  return endpoint.port();
}

std::string chunk_size(std::size_t size) {
  char text[32];
  std::snprintf(text, sizeof text, "%zx\r\n", size);
  return text;
}

std::string chunk(std::string_view data) {
  return chunk_size(data.size()) + std::string(data) + "\r\n";
}

std::string head_of(const DockerResponse& response) {
  std::string head =
      "HTTP/1.1 " + std::to_string(response.status) + " " +
      std::string(http::obsolete_reason(static_cast<http::status>(response.status))) + "\r\n";
  for (const auto& [name, value] : response.headers) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  return head;
}

/// An answer in the pieces in which it is written. The body is not copied: a list of megabytes is
/// to cost what its bytes cost.
struct Pieces {
  explicit Pieces(DockerResponse answered) : response(std::move(answered)) {}

  /// As Go's server does: short answers with a length, longer ones in chunks.
  std::vector<asio::const_buffer> buffers(bool with_body) {
    constexpr std::size_t longest_with_length = 2048;
    const std::size_t size = response.body.size();
    const bool has_body = response.status != 204 && response.status != 304;
    const bool chunked = has_body && size > longest_with_length;
    head = head_of(response);
    if (chunked) {
      head += "Transfer-Encoding: chunked\r\n";
    } else if (has_body) {
      head += "Content-Length: " + std::to_string(size) + "\r\n";
    }
    head += "\r\n";
    if (!has_body || !with_body) return {asio::buffer(head)};
    if (!chunked) return {asio::buffer(head), asio::buffer(response.body)};
    head += chunk_size(size);
    return {asio::buffer(head), asio::buffer(response.body), asio::buffer(end)};
  }

  DockerResponse response;
  std::string head;
  static constexpr std::string_view end = "\r\n0\r\n\r\n";
};

/// Returns when the peer closes; what it sends meanwhile is dropped.
asio::awaitable<void> wait_for_close(Socket& socket) {
  char dropped[64];
  boost::system::error_code failure;
  while (!failure) {
    co_await socket.async_read_some(asio::buffer(dropped),
                                    asio::redirect_error(asio::use_awaitable, failure));
  }
}

/// True as soon as the peer closes, false at the end of `delay`.
asio::awaitable<bool> leaves_within(Socket& socket, Duration delay) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer timer(socket.get_executor(), delay);
  const auto first = co_await (timer.async_wait(asio::use_awaitable) || wait_for_close(socket));
  co_return first.index() == 1;
}

bool is_pull(const std::string& target) {
  return target.find("/images/create") != std::string::npos;
}

}  // namespace

struct FakeDockerdServer::Listener {
  explicit Listener(asio::any_io_executor executor) : acceptor(std::move(executor)) {}
  asio::basic_socket_acceptor<Protocol> acceptor;
};

struct FakeDockerdServer::Session {
  explicit Session(Socket accepted)
      : socket(std::move(accepted)), wake(socket.get_executor(), TimePoint::max()) {}

  asio::awaitable<void> write_events();

  Socket socket;
  boost::beast::flat_buffer buffer;
  asio::steady_timer wake;
  bool streaming = false;
  EventQuery query;
  std::deque<std::string> unsent;
};

asio::awaitable<void> FakeDockerdServer::Session::write_events() {
  for (;;) {
    while (!unsent.empty()) {
      const std::string text = std::move(unsent.front());
      unsent.pop_front();
      co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
    }
    boost::system::error_code woken;
    wake.expires_at(TimePoint::max());
    co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

FakeDockerdServer::FakeDockerdServer(asio::any_io_executor executor, DaemonModel& model,
                                     std::string address, std::uint64_t random_seed)
    : executor_(std::move(executor)),
      model_(model),
      address_(std::move(address)),
      random_(random_seed),
      tasks_(executor_, null_logger()) {
  observer_ = model_.add_observer([this](const ModelEvent& event) {
    for (const auto& session : sessions_) {
      if (!session->streaming || !session->query.wants(event)) continue;
      session->unsent.push_back(chunk(event.line + "\n"));
      session->wake.cancel();
    }
  });
  listen();
}

FakeDockerdServer::~FakeDockerdServer() {
  model_.remove_observer(observer_);
  stop();
}

asio::awaitable<void> FakeDockerdServer::close() {
  stop();
  co_await tasks_.close();
}

void FakeDockerdServer::listen() {
  if (address_.starts_with(unix_scheme)) ::unlink(address_.substr(unix_scheme.size()).c_str());
  const Protocol::endpoint endpoint = endpoint_of(address_);
  listener_ = std::make_shared<Listener>(executor_);
  auto& acceptor = listener_->acceptor;
  acceptor.open(endpoint.protocol());
  if (!address_.starts_with(unix_scheme)) {
    acceptor.set_option(asio::socket_base::reuse_address(true));
  }
  acceptor.bind(endpoint);
  acceptor.listen();
  if (!address_.starts_with(unix_scheme)) port_ = port_of(acceptor.local_endpoint());
  tasks_.spawn("accept", accept_all(listener_));
}

void FakeDockerdServer::stop() {
  if (listener_ == nullptr) return;
  boost::system::error_code ignored;
  listener_->acceptor.close(ignored);
  listener_ = nullptr;
  if (address_.starts_with(unix_scheme)) ::unlink(address_.substr(unix_scheme.size()).c_str());
  break_connections();
}

void FakeDockerdServer::break_connections() {
  for (const auto& session : sessions_) {
    boost::system::error_code ignored;
    session->socket.close(ignored);
    session->wake.cancel();
  }
}

void FakeDockerdServer::inject_into_streams(std::string text) {
  for (const auto& session : sessions_) {
    if (!session->streaming) continue;
    session->unsent.push_back(text);
    session->wake.cancel();
  }
}

std::size_t FakeDockerdServer::streams() const {
  std::size_t count = 0;
  for (const auto& session : sessions_) count += session->streaming ? 1 : 0;
  return count;
}

asio::awaitable<void> FakeDockerdServer::accept_all(std::shared_ptr<Listener> listener) {
  for (;;) {
    boost::system::error_code failure;
    Socket socket = co_await listener->acceptor.async_accept(
        asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return;
    ++accepted_ever_;
    auto session = std::make_shared<Session>(std::move(socket));
    sessions_.push_back(session);
    tasks_.spawn("session", serve(std::move(session)));
  }
}

asio::awaitable<void> FakeDockerdServer::serve(std::shared_ptr<Session> session) {
  try {
    bool open = true;
    while (open) open = co_await answer_one(*session);
  } catch (const boost::system::system_error&) {
    // The client left, or the server was stopped: either way this connection is over.
  }
  sessions_.remove(session);
}

asio::awaitable<bool> FakeDockerdServer::answer_one(Session& session) {
  http::request_parser<http::string_body> parser;
  parser.header_limit(1u << 20);  // As Go's server.
  parser.body_limit(16u << 20);
  co_await http::async_read(session.socket, session.buffer, parser, asio::use_awaitable);
  const http::request<http::string_body> request = parser.release();
  const std::string method(request.method_string());
  const std::string target(request.target());
  ++requests_ever_;
  last_headers_.clear();
  for (const auto& field : request) {
    last_headers_.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  if (const Duration delay = delay_of(method, target); delay > Duration::zero()) {
    if (is_pull(target)) {
      const bool left = co_await leaves_within(session.socket, delay);
      if (left) co_return false;
    } else {
      asio::steady_timer timer(executor_, delay);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }
  if (behaviour.raw_answer) {
    if (auto raw = behaviour.raw_answer(method, target)) {
      const bool acts =
          behaviour.act_before_raw_answer ||
          (behaviour.acts_before_raw_answer && behaviour.acts_before_raw_answer(method, target));
      if (acts) answer(method, target, request.body());
      co_await answer_raw(session, *std::move(raw));
      co_return false;
    }
  }
  if (target.find("/events") != std::string::npos) {
    co_await stream_events(session, target);
    co_return false;
  }
  Pieces pieces(answer(method, target, request.body()));
  const auto buffers = pieces.buffers(method != "HEAD");
  co_await asio::async_write(session.socket, buffers, asio::use_awaitable);
  co_return request.keep_alive();
}

asio::awaitable<void> FakeDockerdServer::answer_raw(Session& session, std::string text) {
  if (!text.empty()) {
    co_await asio::async_write(session.socket, asio::buffer(text), asio::use_awaitable);
  }
  boost::system::error_code ignored;
  session.socket.close(ignored);
}

asio::awaitable<void> FakeDockerdServer::stream_events(Session& session,
                                                       const std::string& target) {
  using namespace asio::experimental::awaitable_operators;
  session.query = EventQuery::of_target(target);
  DockerResponse head(200, "");
  head.headers = {{"Api-Version", model_.settings().api_version},
                  {"Content-Type", "application/json"},
                  {"Transfer-Encoding", "chunked"}};
  session.unsent.push_back(head_of(head) + "\r\n");
  for (const ModelEvent& past : model_.past_events(session.query)) {
    session.unsent.push_back(chunk(past.line + "\n"));
  }
  session.streaming = true;
  co_await (wait_for_close(session.socket) || session.write_events());
}

DockerResponse FakeDockerdServer::answer(const std::string& method, const std::string& target,
                                         const std::string& body) {
  const bool changing = method != "GET" && method != "HEAD";
  if (changing && behaviour.failure_rate > 0 &&
      static_cast<double>(random_() >> 11) * 0x1.0p-53 < behaviour.failure_rate) {
    return refuse(500, "planted failure");
  }
  return model_.handle(method, target, body, std::chrono::system_clock::now());
}

Duration FakeDockerdServer::delay_of(const std::string& method, const std::string& target) const {
  const std::string_view path = std::string_view(target).substr(0, target.find('?'));
  const Duration more = behaviour.more_delay ? behaviour.more_delay(method, target) : Duration();
  if (path.ends_with("/containers/create")) return behaviour.create_delay + more;
  if (path.ends_with("/start") || path.ends_with("/restart")) return behaviour.start_delay + more;
  if (is_pull(target)) return behaviour.pull_delay + more;
  return behaviour.call_delay + more;
}

}  // namespace dockherd::fakes
