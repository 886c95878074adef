// What this node's containers are promised (memory, CPUs, ports), kept true as they come and go.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "agent/herd.hpp"
#include "docker_client/docker.hpp"
#include "engine_api/reservation.hpp"

namespace dockherd::agent {

/// Purpose: says whether this host can take one more container. The daemon's list does not tell
/// what a container was promised, so each is inspected once, a few at a time; those created by this
/// agent are known without. Lifecycle: start() spawns its loop into herd.tasks. One thread only.
class PromiseKeeper {
 public:
  PromiseKeeper(Herd& herd, docker_client::Docker& docker);

  void start();
  /// Called with the moment at which a container was created, in nanoseconds since 1970, when it
  /// has been inspected.
  void on_created(std::function<void(const std::string& id, std::int64_t nano)> told) {
    on_created_ = std::move(told);
  }

  /// The daemon lists the container in this state.
  void listed(const std::string& id, const std::string& state, const std::string& owner);
  /// What it is promised may be another thing now.
  void changed(const std::string& id);
  void removed(const std::string& id);

  /// Why this host cannot take a container of this name with this create body; nothing when it can.
  /// What a container has that the new one replaces will be free.
  std::optional<std::string> why_not(std::string_view name, std::string_view create_body) const;

  /// What a create under way will have. Its place is kept until the container is known or the
  /// promise ends unused.
  class Promise {
   public:
    Promise(PromiseKeeper& keeper, std::string_view create_body);
    ~Promise();
    Promise(const Promise&) = delete;
    Promise& operator=(const Promise&) = delete;
    /// The container that was made of it.
    void made(const std::string& id);

   private:
    PromiseKeeper& keeper_;
    std::string key_;
    engine_api::Reservation reservation_;
    const std::string owner_;
  };

  /// What a user's containers here have been promised, running or not, with those that are being
  /// made. Nothing as long as some of it is not known yet.
  struct Usage {
    std::int64_t containers = 0;
    std::int64_t nano_cpus = 0;
    std::int64_t memory_bytes = 0;
  };
  std::optional<Usage> usage_of(const std::string& owner) const;

  const engine_api::ReservationLedger::Totals& totals() const { return ledger_.totals(); }

 private:
  asio::awaitable<void> learn();
  asio::awaitable<void> look_at(std::string id);

  Herd& herd_;
  docker_client::Docker& docker_;
  engine_api::ReservationLedger ledger_;
  std::map<std::string, engine_api::Reservation> known_;
  std::map<std::string, std::string> states_;  // As last listed.
  std::map<std::string, std::string> owners_;  // Of those that have one.
  std::map<std::string, std::pair<std::string, engine_api::Reservation>>
      being_made_;                 // By the promise's key: owner and what is promised.
  std::set<std::string> unknown_;  // To be inspected.
  std::function<void(const std::string&, std::int64_t)> on_created_;
  std::uint64_t promises_ever_ = 0;
  asio::experimental::channel<void(boost::system::error_code)> wake_;
};

}  // namespace dockherd::agent
