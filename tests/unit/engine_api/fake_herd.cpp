#include "tests/unit/engine_api/fake_herd.hpp"

#include <algorithm>
#include <stdexcept>

#include "engine_api/docker_error.hpp"

namespace dockherd::engine_api {

namespace {

class FakeTicket final : public HerdPort::NameTicket {
 public:
  FakeTicket(std::set<std::string>& taken, std::string name)
      : taken_(taken), name_(std::move(name)) {}
  void used() override { taken_.insert(name_); }

 private:
  std::set<std::string>& taken_;
  std::string name_;
};

Error docker_error(int status, std::string message) {
  Error error(errc::docker_refused, std::move(message));
  error.docker_status = status;
  return error;
}

}  // namespace

HerdNode fake_node(const std::string& name, const std::string& address, bool self) {
  HerdNode node;
  node.view.id = "id-of-" + name;
  node.view.name = name;
  node.view.ip = "127.0.0.1";
  node.view.address = address;
  node.called_at = address;
  node.self = self;
  node.daemon_up = true;
  node.api_version = "1.41";
  return node;
}

HerdNode FakeHerd::self() const {
  for (const HerdNode& known : all) {
    if (known.self) return known;
  }
  throw std::logic_error("the test has not said which node is this one");
}

HerdNode& FakeHerd::node(const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&name](const auto& known) { return known.view.name == name; });
  if (found == all.end()) throw std::logic_error("no node " + name);
  return *found;
}

void FakeHerd::erase_node(const std::string& name) {
  std::erase_if(all, [&name](const HerdNode& known) { return known.view.name == name; });
}

void FakeHerd::put_container(const std::string& id, const std::string& name,
                             const std::string& node_name) {
  FoundContainer container;
  container.node = node(node_name);
  container.id = id;
  container.reference = id;
  containers_[id] = container;
  if (name.empty()) return;
  container.reference = name;
  containers_[name] = container;
}

std::vector<NameCollision> FakeHerd::name_collisions(std::size_t most) const {
  auto shown = collisions;
  if (shown.size() > most) shown.resize(most);
  return shown;
}

asio::awaitable<Result<FoundContainer>> FakeHerd::find(std::string reference) {
  const auto found = containers_.find(reference);
  if (found == containers_.end()) co_return docker_error(404, "No such container: " + reference);
  co_return found->second;
}

asio::awaitable<Result<OwnList>> FakeHerd::own_list(bool /*running_or_not*/,
                                                    TimePoint /*deadline*/) {
  OwnList own;
  own.tag = std::to_string(std::hash<std::string>()(list));
  own.text = std::make_shared<const std::string>(list);
  co_return own;
}

void FakeHerd::changed(const std::string& id, ContainerChange change) {
  changes.emplace_back(id, change);
}

void FakeHerd::renamed(const FoundContainer& container, const std::string& name) {
  renames.emplace_back(container.id, name);
}

void FakeHerd::removed(const FoundContainer& container) {
  removals.push_back(container.id);
}

asio::awaitable<Result<std::shared_ptr<HerdPort::NameTicket>>> FakeHerd::claim_name(
    std::string name) {
  if (taken_names.contains(name)) {
    co_return docker_error(409, "Conflict. The container name \"/" + name + "\" is already in use");
  }
  std::shared_ptr<NameTicket> ticket;
  if (!name.empty()) ticket = std::make_shared<FakeTicket>(taken_names, std::move(name));
  co_return ticket;
}

asio::awaitable<Result<RepeatedCreate>> FakeHerd::begin_once(std::string, std::string,
                                                             trust::Principal) {
  co_return RepeatedCreate();
}

asio::awaitable<CreateAnswer> FakeHerd::create(CreateOrder order) {
  orders.push_back(std::move(order));
  co_return create_answer;
}

}  // namespace dockherd::engine_api
