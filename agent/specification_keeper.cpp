#include "agent/specification_keeper.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "base/limits.hpp"
#include "docker_client/docker_requests.hpp"

namespace dockherd::agent {

namespace {

/// Many agents join at once; keepers are chosen when that is over.
constexpr std::chrono::milliseconds settle_time{100};

std::string listed_as(const docker_client::ContainerSummary& summary) {
  std::string text = summary.state;
  for (const std::string& name : summary.names) text += "/" + name;
  return text;
}

std::size_t size_of(const Specification& specification) {
  return specification.body.size() + specification.name.size() + sizeof(Specification);
}

}  // namespace

SpecificationKeeper::SpecificationKeeper(Herd& herd, docker_client::Docker& docker,
                                         std::size_t most_bytes)
    : herd_(herd), docker_(docker), most_bytes_(most_bytes), wake_(herd.tasks.executor(), 1) {}

void SpecificationKeeper::start() {
  herd_.tasks.spawn("specifications", tell_changes());
}

void SpecificationKeeper::wake() {
  wake_.try_send(boost::system::error_code());
}

// --- as the owner --------------------------------------------------------------------------------

void SpecificationKeeper::listed(const docker_client::ContainerSummary& summary) {
  if (!asks_for_rescheduling(summary.labels)) {
    if (own_.contains(summary.id)) removed(summary.id);
    return;
  }
  Own& own = own_[summary.id];
  std::string now = listed_as(summary);
  if (own.listed_as == now) return;
  own.listed_as = std::move(now);
  to_inspect_.insert(summary.id);
  wake();
}

void SpecificationKeeper::changed(const std::string& id) {
  if (!own_.contains(id)) return;
  to_inspect_.insert(id);
  wake();
}

void SpecificationKeeper::removed(const std::string& id) {
  const auto own = own_.find(id);
  if (own == own_.end()) return;
  tell_gone(own->second, {});
  own_.erase(own);
  to_inspect_.erase(id);
}

void SpecificationKeeper::agents_changed() {
  agents_changed_ = true;
  if (!own_.empty()) wake();
}

void SpecificationKeeper::tell_again(const NodeId& keeper) {
  for (const auto& [id, own] : own_) {
    const auto& keepers = own.told.keepers;
    if (std::find(keepers.begin(), keepers.end(), keeper) == keepers.end()) continue;
    herd_.bus.notify(keeper, std::string(topic_specification), encode_specification(own.told));
  }
}

std::vector<NodeId> SpecificationKeeper::other_agents() const {
  std::vector<NodeId> agents;
  for (const auto& [node, status] : herd_.nodes.nodes()) {
    if (node != herd_.self()) agents.push_back(node);
  }
  return agents;
}

asio::awaitable<void> SpecificationKeeper::tell_changes() {
  std::string last;
  for (;;) {
    co_await wake_.async_receive(asio::use_awaitable);
    while (!to_inspect_.empty() || agents_changed_) {
      if (agents_changed_) co_await choose_keepers_anew();
      if (to_inspect_.empty()) continue;
      // In turn: one that cannot be inspected keeps no other from it.
      auto next = to_inspect_.upper_bound(last);
      if (next == to_inspect_.end()) next = to_inspect_.begin();
      last = *next;
      to_inspect_.erase(next);
      co_await look_at(last);
    }
  }
}

asio::awaitable<void> SpecificationKeeper::choose_keepers_anew() {
  co_await herd_.clock.sleep_until(herd_.clock.now() + settle_time);
  agents_changed_ = false;
  for (auto& [id, own] : own_) {
    if (!own.told.id.empty()) tell(own);
  }
}

asio::awaitable<void> SpecificationKeeper::look_at(std::string id) {
  auto request =
      docker_client::inspect_request(id, herd_.clock.now() + limits::docker_inspect_timeout);
  const auto response = co_await docker_.call(std::move(request));
  const auto own = own_.find(id);
  if (own == own_.end()) co_return;  // Removed meanwhile.
  if (!response || response->status >= 500) {
    to_inspect_.insert(id);
    co_await herd_.clock.sleep_until(herd_.clock.now() + limits::docker_retry);
    co_return;
  }
  const auto inspection = response->ok() ? parse_json(response->body) : Result<json>(json());
  auto specification = inspection ? specification_of(*inspection) : inspection.error();
  if (!specification) {
    herd_.log->debug("no specification id={} error={}", id, specification.error().message);
    co_return;
  }
  specification->keepers = own->second.told.keepers;
  if (*specification == own->second.told) co_return;
  own->second.told = std::move(*specification);
  own->second.told.keepers.clear();  // To be told to all.
  tell(own->second);
}

/// To its keepers, when they or it have changed.
void SpecificationKeeper::tell(Own& own) {
  std::vector<NodeId> keepers = keepers_of(own.told.id, other_agents());
  if (keepers == own.told.keepers) return;
  tell_gone(own, keepers);
  own.told.keepers = std::move(keepers);
  const std::string text = encode_specification(own.told);
  for (const NodeId& keeper : own.told.keepers) {
    herd_.bus.notify(keeper, std::string(topic_specification), text);
  }
}

void SpecificationKeeper::tell_gone(const Own& own, const std::vector<NodeId>& except) {
  for (const NodeId& keeper : own.told.keepers) {
    if (std::find(except.begin(), except.end(), keeper) != except.end()) continue;
    herd_.bus.notify(keeper, std::string(topic_specification_gone), quote_json(own.told.id));
  }
}

// --- as a keeper ---------------------------------------------------------------------------------

Result<void> SpecificationKeeper::take(const NodeId& owner, const std::string& text) {
  if (herd_.nodes.find(owner) == nullptr) {
    return Error(errc::bad_request, "a specification from a node that is not a peer");
  }
  auto specification = decode_specification(text);
  if (!specification) return specification.error();
  forget(owner, quote_json(specification->id));
  const std::size_t size = size_of(*specification);
  if (kept_bytes_ + size > most_bytes_) {
    if (!std::exchange(told_full_, true)) {
      herd_.log->warn("no room for more specifications of others' containers kept={} bytes={}",
                      kept(), kept_bytes_);
    }
    return {};
  }
  kept_bytes_ += size;
  std::string id = specification->id;
  kept_[owner].emplace(std::move(id), std::move(*specification));
  return {};
}

void SpecificationKeeper::forget(const NodeId& owner, const std::string& text) {
  const auto id = parse_json(text);
  const auto of_owner = kept_.find(owner);
  if (of_owner == kept_.end() || !id || !id->is_string()) return;
  const auto found = of_owner->second.find(id->get<std::string>());
  if (found == of_owner->second.end()) return;
  kept_bytes_ -= size_of(found->second);
  of_owner->second.erase(found);
  if (of_owner->second.empty()) kept_.erase(of_owner);
}

std::vector<Specification> SpecificationKeeper::take_all_of(const NodeId& owner) {
  std::vector<Specification> all;
  const auto of_owner = kept_.find(owner);
  if (of_owner == kept_.end()) return all;
  for (auto& [id, specification] : of_owner->second) {
    kept_bytes_ -= size_of(specification);
    all.push_back(std::move(specification));
  }
  kept_.erase(of_owner);
  return all;
}

std::size_t SpecificationKeeper::kept() const {
  std::size_t count = 0;
  for (const auto& [owner, specifications] : kept_) count += specifications.size();
  return count;
}

}  // namespace dockherd::agent
