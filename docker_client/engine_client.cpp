#include "docker_client/engine_client.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "docker_client/api_version.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"

namespace dockherd::docker_client {

namespace {

EngineAddress address_or_throw(const EngineSettings& settings) {
  auto parsed = parse_engine_address(settings.address, settings.tls);
  if (!parsed) throw std::invalid_argument(parsed.error().message);
  return *std::move(parsed);
}

bool fits_request_line(std::string_view target) {
  return target.starts_with('/') && std::all_of(target.begin(), target.end(), [](char c) {
           return static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != '#';
         });
}

bool fits_header(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

/// Of a call that has not left yet: whatever the daemon did with our question for its version, the
/// call itself has changed nothing.
Error unsent(const Error& error) {
  return {nothing_was_changed(error.code) ? error.code : errc::daemon_down, error.message};
}

Result<void> check(const DockerRequest& request) {
  if (request.target.size() > limits::docker_target_bytes) {
    return Error(errc::too_large, "the path and query of a Docker call are " +
                                      std::to_string(request.target.size()) +
                                      " bytes, expected at most " +
                                      std::to_string(limits::docker_target_bytes));
  }
  if (!fits_request_line(request.target)) {
    return Error(errc::bad_request, "the path of a Docker call has bytes that must be encoded");
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || !fits_header(name) || !fits_header(value)) {
      return Error(errc::bad_request, "a header of a Docker call has a line break");
    }
  }
  return {};
}

/// A new connection to a unix socket costs some microseconds; one by TCP a round trip or more.
long most_idle(const EngineAddress& address, const EngineSettings& settings) {
  const bool is_local = !address.socket_path.empty();
  return static_cast<long>(is_local ? limits::docker_idle_connections : settings.connections);
}

}  // namespace

/// A transfer from the pool, given back at its end.
class EngineClient::Borrowed {
 public:
  explicit Borrowed(EngineClient& client) : client_(client) {
    if (client_.idle_.empty()) {
      const TransferLimits bounds{client_.settings_.response_bytes, client_.settings_.event_bytes};
      transfer_ = std::make_unique<Transfer>(client_.loop_, client_.executor_, client_.address_,
                                             client_.settings_.tls_files, bounds);
    } else {
      transfer_ = std::move(client_.idle_.back());
      client_.idle_.pop_back();
    }
  }
  ~Borrowed() {
    transfer_->reset();
    if (client_.idle_.size() < client_.settings_.connections) {
      client_.idle_.push_back(std::move(transfer_));
    }
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  Transfer& operator*() const { return *transfer_; }
  Transfer* operator->() const { return transfer_.get(); }

 private:
  EngineClient& client_;
  std::unique_ptr<Transfer> transfer_;
};

EngineClient::EngineClient(asio::any_io_executor executor, EngineSettings settings)
    : executor_(std::move(executor)),
      settings_(std::move(settings)),
      address_(address_or_throw(settings_)),
      log_(get_logger("docker_client")),
      loop_(executor_, most_idle(address_, settings_)),
      slots_(executor_, settings_.connections, settings_.waiting),
      own_slots_(executor_, limits::docker_own_looks, settings_.waiting) {
  idle_.reserve(settings_.connections);
}

EngineClient::~EngineClient() = default;

asio::awaitable<Result<DockerResponse>> EngineClient::call(DockerRequest request) {
  if (auto fits = check(request); !fits) co_return fits.error();
  Slots& slots = request.own_look ? own_slots_ : slots_;
  Slots::Slot slot = slots.try_acquire();
  if (!slot) slot = co_await slots.acquire(request.deadline);
  if (!slot) co_return Error(errc::busy, "too many calls to the Docker daemon at once");
  if (!negotiated_) {
    if (auto reached = co_await negotiate(request.deadline); !reached) {
      co_return unsent(reached.error());
    }
  }
  const std::string used = known_.api_version;
  auto response = co_await exchange(request, used);
  const bool refused = response && response->status == 400;
  if (refused && !negotiated_) {
    if (auto reached = co_await negotiate(request.deadline); !reached) {
      co_return unsent(reached.error());
    }
  }
  if (refused && known_.api_version != used) {
    // By a daemon of another version than we spoke to, as this or another call has found out; then
    // nothing was done, and the request may be sent again in the version that it does speak.
    response = co_await exchange(request, known_.api_version);
  }
  co_return response;
}

asio::awaitable<Result<DockerResponse>> EngineClient::exchange(const DockerRequest& request,
                                                               std::string_view api_version) {
  if (request.deadline <= std::chrono::steady_clock::now()) {
    co_return Error(errc::busy, "no time was left for a call to the Docker daemon");
  }
  const Borrowed transfer(*this);
  transfer->begin(request, api_version, Transfer::Shape::whole);
  while (!transfer->ended()) {
    // Not in the condition itself: g++ 12 then lays the coroutine's frame out wrongly.
    const bool in_time = co_await transfer->wait(request.deadline);
    if (!in_time) co_return note(at_deadline(*transfer));
  }
  if (auto failure = transfer->failure()) co_return note(*std::move(failure));
  learn_from(transfer->response());
  co_return transfer->take_response();
}

/// The daemon says on every answer which version it is; when that changed, the next call asks anew.
void EngineClient::learn_from(const DockerResponse& response) {
  const std::string_view version = response.header("Api-Version");
  const std::string_view server = response.header("Server");
  const bool same = (version.empty() || version == daemon_api_version_) &&
                    (server.empty() || server == daemon_server_);
  if (!same) negotiated_ = false;
}

asio::awaitable<Result<void>> EngineClient::negotiate(TimePoint deadline) {
  const DockerRequest ping = ping_request(deadline);
  auto response = co_await exchange(ping, "");
  if (!response) co_return response.error();
  const std::string said(response->header("Api-Version"));
  const ApiVersion daemon = ApiVersion::parse(said).value_or(oldest_api_version());
  std::optional<ApiVersion> minimum;
  if (daemon > newest_known_api_version()) {
    const auto text = co_await minimum_of_daemon(deadline);
    if (text) minimum = ApiVersion::parse(*text);
  }
  DaemonVersion learnt;
  learnt.version = engine_version_of(response->header("Server"));
  learnt.api_version = choose_api_version(daemon, minimum).text();
  if (learnt.version != known_.version || learnt.api_version != known_.api_version) {
    log_->info("docker daemon reached address={} version={} api={}", settings_.address,
               learnt.version, learnt.api_version);
  }
  known_ = std::move(learnt);
  daemon_api_version_ = said;
  daemon_server_ = response->header("Server");
  negotiated_ = true;
  co_return Result<void>();
}

asio::awaitable<std::optional<std::string>> EngineClient::minimum_of_daemon(TimePoint deadline) {
  const DockerRequest request = version_request(deadline);
  const auto response = co_await exchange(request, "");
  if (!response || !response->ok()) co_return std::nullopt;
  const auto version = decode_version(response->body);
  if (!version) co_return std::nullopt;
  co_return version->min_api_version;
}

asio::awaitable<Result<void>> EngineClient::stream_lines(
    DockerRequest request, std::function<void()> on_open,
    std::function<void(std::string_view)> on_line) {
  if (auto fits = check(request); !fits) co_return fits.error();
  if (!negotiated_) {
    if (auto reached = co_await negotiate(request.deadline); !reached) co_return reached.error();
  }
  const Borrowed transfer(*this);
  transfer->begin(request, known_.api_version, Transfer::Shape::lines);
  co_return co_await read_lines(*transfer, request.deadline, on_open, on_line);
}

asio::awaitable<Result<void>> EngineClient::read_lines(
    Transfer& transfer, TimePoint deadline, const std::function<void()>& on_open,
    const std::function<void(std::string_view)>& on_line) {
  while (!transfer.headers_complete() && !transfer.ended()) {
    const bool in_time = co_await transfer.wait(deadline);
    if (!in_time) co_return note(at_deadline(transfer));
  }
  if (transfer.headers_complete() && transfer.response().status != 200) {
    // A refusal: its body is the whole answer.
    while (!transfer.ended()) {
      const bool more_in_time = co_await transfer.wait(deadline);
      if (!more_in_time) co_return note(at_deadline(transfer));
    }
    learn_from(transfer.response());
    co_return refusal_of(transfer.response());
  }
  if (transfer.headers_complete()) {
    learn_from(transfer.response());
    on_open();
  }
  for (;;) {
    const bool ended = transfer.ended();
    const std::string lines = transfer.take_lines();
    if (auto failure = transfer.failure()) {
      // The last line may be half of one.
      deliver_lines(std::string_view(lines).substr(0, lines.rfind('\n') + 1), on_line);
      co_return note(*std::move(failure));
    }
    deliver_lines(lines, on_line);
    if (ended) co_return Result<void>();
    co_await transfer.wait(TimePoint::max());
  }
}

Error EngineClient::at_deadline(const Transfer& transfer) const {
  if (!transfer.request_was_sent()) {
    return {errc::daemon_down, "could not connect to the Docker daemon in time"};
  }
  return {errc::timeout, "the Docker daemon did not answer in time"};
}

/// After the daemon was away it may come back as another version.
Error EngineClient::note(Error error) {
  if (error.code == errc::daemon_down || error.code == errc::daemon_lost) negotiated_ = false;
  return error;
}

}  // namespace dockherd::docker_client
