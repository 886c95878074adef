// The herd as handlers see it, from a list that a test writes.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine_api/herd_port.hpp"

namespace dockherd::engine_api {

/// A node in the pool with its daemon up.
HerdNode fake_node(const std::string& name, const std::string& address, bool self = false);

/// One thread only.
class FakeHerd final : public HerdPort {
 public:
  std::string version() const override { return "0.0.1"; }
  std::vector<HerdNode> nodes() const override { return all; }
  HerdNode self() const override;
  std::string api_version() const override { return newest_of_all; }
  std::vector<LostHost> lost_hosts() const override { return lost; }
  std::vector<NameCollision> name_collisions(std::size_t most) const override;
  std::size_t name_collision_count() const override { return collisions.size(); }
  void on_name_collision(CollisionListener listener) override {
    collision_listener = std::move(listener);
  }

  asio::awaitable<Result<FoundContainer>> find(std::string reference) override;
  asio::awaitable<Result<OwnList>> own_list(bool running_or_not, TimePoint deadline) override;
  std::int64_t created_nano(const std::string& /*id*/) const override { return 0; }
  Promised promised() const override { return {}; }

  void changed(const std::string& id, ContainerChange change) override;
  void renamed(const FoundContainer& container, const std::string& name) override;
  void removed(const FoundContainer& container) override;

  asio::awaitable<Result<std::shared_ptr<NameTicket>>> claim_name(std::string name) override;
  asio::awaitable<Result<RepeatedCreate>> begin_once(std::string key, std::string request,
                                                     trust::Principal caller) override;
  asio::awaitable<CreateAnswer> create(CreateOrder order) override;

  HerdNode& node(const std::string& name);
  void erase_node(const std::string& name);
  /// `id` is found by itself and by its name, which may be empty.
  void put_container(const std::string& id, const std::string& name, const std::string& node_name);

  std::vector<HerdNode> all;  ///< By hostname.
  std::vector<LostHost> lost;
  std::vector<NameCollision> collisions;
  CollisionListener collision_listener;
  std::string newest_of_all = "1.41";  ///< API version.
  std::set<std::string> taken_names;
  CreateAnswer create_answer = CreateAnswer(201, R"({"Id":"c1","Warnings":[]})");
  std::string list = "[]";

  // What was told or asked.
  std::vector<std::pair<std::string, ContainerChange>> changes;
  std::vector<std::pair<std::string, std::string>> renames;  ///< Id, new name.
  std::vector<std::string> removals;
  std::vector<CreateOrder> orders;

 private:
  std::map<std::string, FoundContainer> containers_;  // By id and by name.
};

}  // namespace dockherd::engine_api
