// The herd as the Docker Engine API needs it (port HerdPort).
#pragma once

#include <string>

#include "agent/create_keys.hpp"
#include "agent/docker_watcher.hpp"
#include "agent/herd.hpp"
#include "agent/name_claims.hpp"
#include "agent/promise_keeper.hpp"
#include "agent/quota_judge.hpp"
#include "agent/verb_executor.hpp"
#include "engine_api/herd_port.hpp"

namespace dockherd::agent {

/// Owned by Node. One thread only.
class DockerHerd final : public engine_api::HerdPort {
 public:
  DockerHerd(Herd& herd, DockerWatcher& watcher, PromiseKeeper& promises, VerbExecutor& executor,
             NameClaims& claims, QuotaJudge& quotas, CreateKeys& keys)
      : herd_(herd),
        watcher_(watcher),
        promises_(promises),
        executor_(executor),
        claims_(claims),
        quotas_(quotas),
        keys_(keys) {}

  std::string version() const override { return DOCKHERD_VERSION; }
  std::vector<engine_api::HerdNode> nodes() const override;
  engine_api::HerdNode self() const override;
  std::string api_version() const override;
  std::vector<engine_api::LostHost> lost_hosts() const override;
  std::vector<engine_api::NameCollision> name_collisions(std::size_t most) const override;
  std::size_t name_collision_count() const override {
    return herd_.name_collisions.standing().size();
  }
  void on_name_collision(CollisionListener listener) override;
  asio::awaitable<Result<engine_api::FoundContainer>> find(std::string reference) override;
  asio::awaitable<Result<engine_api::OwnList>> own_list(bool all, TimePoint deadline) override;
  std::int64_t created_nano(const std::string& id) const override {
    return watcher_.created_nano(id);
  }
  engine_api::Promised promised() const override;
  void changed(const std::string& id, engine_api::ContainerChange change) override;
  void renamed(const engine_api::FoundContainer& container, const std::string& name) override;
  void removed(const engine_api::FoundContainer& container) override;
  asio::awaitable<Result<std::shared_ptr<NameTicket>>> claim_name(std::string name) override {
    return claims_.claim(std::move(name));
  }
  asio::awaitable<Result<engine_api::RepeatedCreate>> begin_once(std::string key,
                                                                 std::string request,
                                                                 trust::Principal caller) override;
  asio::awaitable<engine_api::CreateAnswer> create(engine_api::CreateOrder order) override;

 private:
  engine_api::HerdNode node_of(const NodeId& id, const NodeStatus& status) const;
  engine_api::NameCollision collision_of(const std::string& name,
                                         const Resolution& containers) const;
  Error not_found(const std::string& reference) const;
  Result<engine_api::FoundContainer> find_now(const std::string& reference) const;

  Herd& herd_;
  DockerWatcher& watcher_;
  PromiseKeeper& promises_;
  VerbExecutor& executor_;
  NameClaims& claims_;
  QuotaJudge& quotas_;
  CreateKeys& keys_;
};

}  // namespace dockherd::agent
