#include "http_api/upstream_pool.hpp"

#include <optional>
#include <utility>

#include "base/limits.hpp"
#include "base/with_deadline.hpp"

namespace dockherd::http_api {

namespace {

constexpr std::chrono::milliseconds idle_sweep_period{100};
/// Less than an agent lets a connection idle (limits::http_idle_timeout).
constexpr std::chrono::seconds longest_idle{10};

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

UpstreamPool::UpstreamPool(asio::any_io_executor executor, Clock& clock, TaskGroup& tasks,
                           UpstreamTls tls)
    : dialer_(std::move(executor), clock, std::move(tls)), clock_(clock), tasks_(tasks) {}

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

asio::awaitable<Result<std::unique_ptr<UpstreamPool::Lease>>> UpstreamPool::connect(
    std::string address, TimePoint deadline) {
  std::optional<Result<std::shared_ptr<Connection>>> dialled;
  if (is_local(address)) {
    dialled.emplace(co_await dialer_.dial(address));  // Never waits.
  } else {
    dialled = co_await with_deadline(clock_, dialer_.dial(address), deadline);
  }
  if (!dialled) co_return Error(errc::not_sent, "cannot connect to " + address + " in time");
  if (!*dialled) co_return dialled->error();
  begin_sweeping();
  co_return std::make_unique<Lease>(*this, std::move(address), **std::move(dialled), false);
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
    co_await clock_.sleep_until(clock_.now() + idle_sweep_period);
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
