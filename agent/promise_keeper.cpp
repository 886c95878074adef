#include "agent/promise_keeper.hpp"

#include <boost/asio/use_awaitable.hpp>

#include "base/json_reader.hpp"
#include "base/limits.hpp"
#include "docker_client/docker_requests.hpp"
#include "docker_client/docker_status.hpp"
#include "engine_api/create_rules.hpp"
#include "trust/ownership.hpp"

namespace dockherd::agent {

namespace {

engine_api::Reservation reservation_in(const json& body) {
  const json* host_config = find_member(body, "HostConfig");
  return host_config == nullptr ? engine_api::Reservation()
                                : engine_api::reservation_of(*host_config);
}

std::string owner_in(const json& create_body) {
  const auto owner = trust::owner_in(create_body);
  return owner && *owner ? **owner : std::string();
}

json parsed_body(std::string_view create_body) {
  auto body = parse_json(create_body);
  return body && body->is_object() ? *std::move(body) : json::object();
}

}  // namespace

PromiseKeeper::PromiseKeeper(Herd& herd, docker_client::Docker& docker)
    : herd_(herd), docker_(docker), wake_(herd.tasks.executor(), 1) {}

void PromiseKeeper::start() {
  herd_.tasks.spawn("docker promises", learn());
}

void PromiseKeeper::listed(const std::string& id, const std::string& state,
                           const std::string& owner) {
  states_[id] = state;
  if (!owner.empty()) owners_[id] = owner;
  const auto known = known_.find(id);
  if (known == known_.end()) {
    unknown_.insert(id);
    wake_.try_send(boost::system::error_code());
  } else if (engine_api::holds_resources(state)) {
    ledger_.put(id, known->second, engine_api::holds_ports(state));
  } else {
    ledger_.remove(id);
  }
}

void PromiseKeeper::changed(const std::string& id) {
  if (known_.erase(id) == 0) return;
  unknown_.insert(id);  // What it was promised before counts until then.
  wake_.try_send(boost::system::error_code());
}

void PromiseKeeper::removed(const std::string& id) {
  states_.erase(id);
  owners_.erase(id);
  known_.erase(id);
  unknown_.erase(id);
  ledger_.remove(id);
}

std::optional<std::string> PromiseKeeper::why_not(std::string_view name,
                                                  std::string_view create_body) const {
  const NodeStatus& status = *herd_.nodes.find(herd_.self());
  engine_api::Capacity capacity;
  capacity.memory_bytes = status.memory_bytes;
  capacity.nano_cpus = status.cpus * 1'000'000'000;
  const json body = parsed_body(create_body);
  const auto judge = [&](const engine_api::ReservationLedger& ledger) {
    return ledger.why_not(reservation_in(body), capacity, herd_.settings.overcommit,
                          engine_api::container_slots(status.labels));
  };
  const std::string replaced = engine_api::replaced_container(body, name);
  const auto old = replaced.empty() ? known_.end() : known_.lower_bound(replaced);
  if (old == known_.end() || !old->first.starts_with(replaced)) return judge(ledger_);
  engine_api::ReservationLedger without = ledger_;
  without.remove(old->first);
  return judge(without);
}

PromiseKeeper::Promise::Promise(PromiseKeeper& keeper, std::string_view create_body)
    : keeper_(keeper),
      key_("create " + std::to_string(++keeper.promises_ever_)),
      reservation_(reservation_in(parsed_body(create_body))),
      owner_(owner_in(parsed_body(create_body))) {
  if (!owner_.empty()) keeper_.being_made_[key_] = {owner_, reservation_};
  keeper_.ledger_.put(key_, reservation_, true);
}

PromiseKeeper::Promise::~Promise() {
  keeper_.ledger_.remove(key_);
  keeper_.being_made_.erase(key_);
}

void PromiseKeeper::Promise::made(const std::string& id) {
  keeper_.known_[id] = reservation_;
  if (!owner_.empty()) keeper_.owners_[id] = owner_;
  keeper_.being_made_.erase(key_);
  keeper_.unknown_.erase(id);
  keeper_.ledger_.put(id, reservation_, true);
}

std::optional<PromiseKeeper::Usage> PromiseKeeper::usage_of(const std::string& owner) const {
  if (!herd_.daemon_asked()) return std::nullopt;
  Usage usage;
  const auto add = [&usage](const engine_api::Reservation& reservation) {
    ++usage.containers;
    usage.nano_cpus += reservation.nano_cpus;
    usage.memory_bytes += reservation.memory_bytes;
  };
  for (const auto& [id, whose] : owners_) {
    if (whose != owner) continue;
    const auto known = known_.find(id);
    if (known == known_.end()) return std::nullopt;
    add(known->second);
  }
  for (const auto& [key, made] : being_made_) {
    if (made.first == owner) add(made.second);
  }
  return usage;
}

asio::awaitable<void> PromiseKeeper::learn() {
  for (;;) {
    co_await wake_.async_receive(asio::use_awaitable);
    std::string last;
    while (!unknown_.empty()) {
      // In turn: one that cannot be inspected keeps no other from it.
      auto next = unknown_.upper_bound(last);
      if (next == unknown_.end()) next = unknown_.begin();
      last = *next;
      unknown_.erase(next);
      co_await look_at(last);
    }
  }
}

asio::awaitable<void> PromiseKeeper::look_at(std::string id) {
  auto request =
      docker_client::inspect_request(id, herd_.clock.now() + limits::docker_inspect_timeout);
  const auto response = co_await docker_.call(std::move(request));
  const auto state = states_.find(id);
  if (state == states_.end() || known_.contains(id)) co_return;  // Removed or learnt meanwhile.
  if (!response || response->status >= 500) {
    unknown_.insert(id);
    co_await herd_.clock.sleep_until(herd_.clock.now() + limits::docker_retry);
    co_return;
  }
  const auto inspection = response->ok() ? parse_json(response->body) : Result<json>(json());
  if (!inspection || !inspection->is_object()) co_return;
  known_[id] = engine_api::reservation_of_inspection(*inspection);
  const std::string listed_state = state->second;
  const std::string owner = owners_.contains(id) ? owners_[id] : std::string();
  const auto created = inspection->find("Created");
  if (on_created_ && created != inspection->end() && created->is_string()) {
    const auto at = docker_client::parse_docker_time(created->get_ref<const std::string&>());
    on_created_(id, std::chrono::nanoseconds(at.time_since_epoch()).count());
  }
  listed(id, listed_state, owner);
}

}  // namespace dockherd::agent
