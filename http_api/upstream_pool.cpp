#include "http_api/upstream_pool.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.hpp"
#include "base/with_deadline.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::chrono::milliseconds sweep_period{100};
/// Less than an agent lets a connection idle (limits::http_idle_timeout).
constexpr std::chrono::seconds longest_idle{10};
constexpr std::string_view unix_scheme = "unix://";
constexpr std::string_view tcp_scheme = "tcp://";

Error cannot_connect(const std::string& address, const boost::system::error_code& failure) {
  return {errc::not_sent, "cannot connect to " + address + ": " + failure.message()};
}

}  // namespace

UpstreamPool::Lease::Lease(UpstreamPool& pool, std::string address,
                           std::shared_ptr<Connection> connection, bool reused)
    : pool_(pool),
      address_(std::move(address)),
      connection_(std::move(connection)),
      at_(pool.leases_.insert(pool.leases_.end(), this)),
      reused_(reused) {}

UpstreamPool::Lease::~Lease() {
  pool_.leases_.erase(at_);
  if (keep_ && connection_->is_open()) {
    pool_.give_back(address_, std::move(connection_));
  } else {
    connection_->close();
  }
}

UpstreamPool::UpstreamPool(asio::any_io_executor executor, Clock& clock, TaskGroup& tasks)
    : executor_(std::move(executor)), clock_(clock), tasks_(tasks) {}

bool UpstreamPool::is_local(const std::string& address) {
  return address.starts_with(unix_scheme);
}

bool UpstreamPool::is_daemon(const std::string& address) {
  return is_local(address) || address.starts_with(tcp_scheme);
}

std::unique_ptr<UpstreamPool::Lease> UpstreamPool::idle(const std::string& address) {
  const auto found = idle_.find(address);
  while (found != idle_.end() && !found->second.empty()) {
    auto connection = std::move(found->second.back().connection);
    found->second.pop_back();
    if (connection->is_quiet()) {
      return std::make_unique<Lease>(*this, address, std::move(connection), true);
    }
  }
  return nullptr;
}

void UpstreamPool::give_back(const std::string& address, std::shared_ptr<Connection> connection) {
  connection->disarm();
  auto& idle = idle_[address];
  if (idle.size() >= limits::idle_upstreams) {
    connection->close();
    return;
  }
  idle.push_back(Idle{std::move(connection), clock_.now()});
  begin_sweeping();
}

asio::awaitable<Result<Connection::Socket>> UpstreamPool::open(std::string address) {
  Connection::Socket socket(executor_);
  boost::system::error_code failure;
  if (is_local(address)) {
    const std::string path = address.substr(unix_scheme.size());
    if (path.size() >= 108)
      co_return Error(errc::not_sent, "the path of " + address + " is too long");
    const asio::local::stream_protocol::endpoint endpoint(path);
    co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) co_return cannot_connect(address, failure);
    co_return std::move(socket);
  }
  const std::string plain =
      address.starts_with(tcp_scheme) ? address.substr(tcp_scheme.size()) : address;
  const auto colon = plain.rfind(':');
  std::string host = plain.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string port = colon == std::string::npos ? "" : plain.substr(colon + 1);
  asio::ip::tcp::resolver resolver(executor_);
  // An address is read at once, a name by a thread of Asio's.
  auto found = resolver.resolve(host, port, asio::ip::resolver_base::numeric_host, failure);
  if (failure) {
    found = co_await resolver.async_resolve(host, port,
                                            asio::redirect_error(asio::use_awaitable, failure));
  }
  if (failure) co_return cannot_connect(address, failure);
  asio::ip::tcp::socket connected(executor_);
  co_await asio::async_connect(connected, found,
                               asio::redirect_error(asio::use_awaitable, failure));
  if (failure) co_return cannot_connect(address, failure);
  co_return Connection::without_delay(std::move(connected));
}

asio::awaitable<Result<std::unique_ptr<UpstreamPool::Lease>>> UpstreamPool::connect(
    std::string address, TimePoint deadline) {
  std::optional<Result<Connection::Socket>> opened;
  if (is_local(address)) {
    opened.emplace(co_await open(address));  // Never waits.
  } else {
    opened = co_await with_deadline(clock_, open(address), deadline);
  }
  if (!opened) co_return Error(errc::not_sent, "cannot connect to " + address + " in time");
  if (!*opened) co_return opened->error();
  auto connection = std::make_shared<Connection>(std::move(**opened), clock_);
  begin_sweeping();
  co_return std::make_unique<Lease>(*this, std::move(address), std::move(connection), false);
}

void UpstreamPool::break_off(const std::string& address) {
  idle_.erase(address);
  for (Lease* lease : leases_) {
    if (lease->address_ == address && !lease->outlives_loss_) lease->connection_->close();
  }
}

void UpstreamPool::begin_sweeping() {
  if (std::exchange(sweeping_, true)) return;
  tasks_.spawn("upstream deadlines", sweep());
}

asio::awaitable<void> UpstreamPool::sweep() {
  while (!leases_.empty() || !idle_.empty()) {
    co_await clock_.sleep_until(clock_.now() + sweep_period);
    const TimePoint now = clock_.now();
    for (Lease* lease : leases_) lease->connection_->expire(now, limits::http_longest_silence);
    for (auto& [address, connections] : idle_) {
      std::erase_if(connections,
                    [now](const Idle& idle) { return now - idle.since > longest_idle; });
    }
    std::erase_if(idle_, [](const auto& entry) { return entry.second.empty(); });
  }
  sweeping_ = false;
}

}  // namespace dockherd::http_api
