// Connections to upstreams: to this host's daemon and to other agents.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task_group.hpp"
#include "http_api/upstream_dialer.hpp"

namespace dockherd::http_api {

/// Purpose: has connections opened, keeps a few idle ones for the next call, and ends those whose
/// deadline has passed or whose upstream is lost.
/// An address is a daemon's, "unix:///PATH" or "tcp://HOST:PORT", or another agent's, "HOST:PORT".
/// Lifecycle: outlives every Lease; its sweep ends with the task group. One thread only.
class UpstreamPool {
 public:
  UpstreamPool(asio::any_io_executor executor, Clock& clock, TaskGroup& tasks,
               UpstreamTls tls = {});
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;

  /// A connection in use. Closed at its end unless kept().
  class Lease {
   public:
    Lease(UpstreamPool& pool, std::string address, std::shared_ptr<Connection> connection,
          bool reused);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }
    const std::shared_ptr<Connection>& shared() const { return connection_; }
    /// Has carried a call before: the upstream may have closed it meanwhile.
    bool reused() const { return reused_; }
    /// The next call may use it.
    void keep() { keep_ = true; }
    /// Its stream is under way: a loss that heals does not end it, its own end does.
    void outlive_loss() { outlives_loss_ = true; }

   private:
    UpstreamPool& pool_;
    std::string address_;
    std::shared_ptr<Connection> connection_;
    std::list<Lease*>::iterator at_;
    bool reused_;
    bool keep_ = false;
    bool outlives_loss_ = false;

    friend class UpstreamPool;
  };

  /// An idle connection that the other side has not closed, or null.
  std::unique_ptr<Lease> idle(const std::string& address);
  /// A new one. Fails with not_sent: nothing has been sent.
  asio::awaitable<Result<std::unique_ptr<Lease>>> connect(std::string address, TimePoint deadline);

  /// The upstream is lost: what waits for its answer ends now, and idle connections go. Streams are
  /// left to TCP, which knows whether the other end is still there.
  void break_off(const std::string& address);

  /// A unix socket of this host: a new connection costs next to nothing.
  static bool is_local(const std::string& address) { return UpstreamDialer::is_local(address); }
  /// A daemon, here or elsewhere, and not another agent.
  static bool is_daemon(const std::string& address) { return UpstreamDialer::is_daemon(address); }

  TimePoint now() const { return clock_.now(); }
  std::size_t in_use() const { return leases_.size(); }

 private:
  struct Idle {
    std::shared_ptr<Connection> connection;
    TimePoint since;
  };

  void give_back(const std::string& address, std::shared_ptr<Connection> connection);
  asio::awaitable<void> sweep();
  void begin_sweeping();

  UpstreamDialer dialer_;
  Clock& clock_;
  TaskGroup& tasks_;
  std::map<std::string, std::vector<Idle>> idle_;
  std::list<Lease*> leases_;
  bool sweeping_ = false;
};

}  // namespace dockherd::http_api
