#include "bench/scale_herd.hpp"

#include <algorithm>

#include "agent/docker_watcher.hpp"
#include "bus/envelope.hpp"
#include "bus/zre_codec.hpp"
#include "tests/sim/checkers.hpp"

namespace dockherd::sim {

namespace {

using namespace std::chrono_literals;

const std::string cluster = "deblox.docker";

fakes::NetworkSettings network_settings(std::uint64_t seed) {
  fakes::NetworkSettings settings;
  settings.datagrams_together = true;
  settings.random_seed = seed;
  return settings;
}

bool is_container(const std::string& group) {
  return group.size() == 64 && looks_like_container_id(group);
}

/// Takes containers out of a message, and leaves it a message with its place in the sequence.
void thin_out(bus::Frames& frames) {
  static const std::string topic = "\"" + std::string(agent::topic_containers) + "\"";
  static const std::string nothing = bus::encode_notice(agent::topic_containers, "{\"put\":[]}");
  if (frames.empty()) return;
  // Most messages are others; the kind is the third byte.
  const auto kind = static_cast<bus::ZreKind>(frames.front().size() > 2 ? frames.front()[2] : 0);
  if (kind == bus::ZreKind::whisper) {
    const bool notice = frames.size() > 1 && frames[1].find(topic) < 256;
    if (notice) frames[1] = nothing;
    return;
  }
  const bool of_groups =
      kind == bus::ZreKind::hello || kind == bus::ZreKind::join || kind == bus::ZreKind::leave;
  auto message = of_groups ? bus::decode_zre(frames.front()) : Error(errc::bad_request, "");
  if (!message) return;
  std::erase_if(message->groups, is_container);
  if (is_container(message->group)) message->group = "a container";
  frames.front() = bus::encode_zre(*message);
}

}  // namespace

ScaleHerd::ScaleHerd(ScaleSettings settings)
    : network(time, network_settings(settings.seed)), settings_(settings), random_(settings.seed) {
  network.on_arrival = [this](fakes::Host to, bus::Frames& frames) {
    if (!is_complete(to)) thin_out(frames);
  };
  for (std::size_t number = 1; number <= settings.agents; ++number) {
    auto made =
        std::make_unique<SimHost>(time, network, static_cast<fakes::Host>(number), random_.draw());
    made->daemon().preload(settings.containers_each, made->hostname() + "-", wall_now());
    hosts_.push_back(std::move(made));
  }
}

void ScaleHerd::start(std::size_t number) {
  host(number).start_agent();
  if (number <= settings_.complete) time.meter(host(number).process().context());
}

void ScaleHerd::start_all(Duration within) {
  for (std::size_t number = 1; number <= size(); ++number) {
    time.after(random_.between(Duration::zero(), within), [this, number] { start(number); });
  }
  time.run_for(within);
}

std::size_t ScaleHerd::members_missing() const {
  std::size_t living = 0;
  for (const auto& each : hosts_) living += each->alive() ? 1 : 0;
  std::size_t missing = 0;
  for (const auto& each : hosts_) {
    if (!each->alive()) continue;
    const auto members = each->process().node().event_bus().members(cluster).size();
    missing += living > members ? living - members : members - living;
  }
  return missing;
}

bool ScaleHerd::whole() const {
  return members_missing() == 0;
}

bool ScaleHerd::exactly_whole() const {
  std::vector<NodeId> living;
  for (const auto& each : hosts_) {
    if (each->alive()) living.push_back(each->process().id());
  }
  std::sort(living.begin(), living.end());
  return std::all_of(hosts_.begin(), hosts_.end(), [&](const auto& each) {
    return !each->alive() || each->process().node().event_bus().members(cluster) == living;
  });
}

bool ScaleHerd::lost_by_all(const std::vector<NodeId>& gone) const {
  const auto sees = [](const auto& host, const NodeId& agent) {
    return host->alive() && host->process().id() != agent &&
           host->process().node().event_bus().is_member(cluster, agent);
  };
  return std::none_of(hosts_.begin(), hosts_.end(), [&](const auto& host) {
    return std::any_of(gone.begin(), gone.end(),
                       [&](const NodeId& agent) { return sees(host, agent); });
  });
}

std::map<std::string, NodeId> ScaleHerd::truth() const {
  std::map<std::string, NodeId> truth;
  for (const auto& each : hosts_) {
    if (!each->alive()) continue;
    for (const auto& [id, container] : each->daemon().containers()) {
      truth.emplace(id, each->process().id());
    }
  }
  return truth;
}

bool ScaleHerd::directories_are_right() const {
  const auto right = truth();
  return std::all_of(hosts_.begin(), hosts_.end(), [&](const auto& each) {
    return !each->alive() || !is_complete(each->number()) ||
           each->process().node().containers() == right;
  });
}

std::string ScaleHerd::wrong_in_directories() const {
  std::map<std::string, Directory> views;
  for (const auto& each : hosts_) {
    if (!each->alive() || !is_complete(each->number())) continue;
    views[each->hostname()] = each->process().node().containers();
  }
  std::string text;
  for (const std::string& complaint : check_directories(truth(), views)) {
    if (text.size() < 1000) text += complaint + "; ";
  }
  return text;
}

bool ScaleHerd::all_know(const std::string& container, bool there) const {
  return std::all_of(hosts_.begin(), hosts_.end(), [&](const auto& each) {
    if (!each->alive() || !is_complete(each->number())) return true;
    return each->process().node().event_bus().members(container).empty() != there;
  });
}

Spent ScaleHerd::spent() const {
  Spent sum;
  for (const auto& each : hosts_) {
    const fakes::Traffic traffic = network.traffic(each->number());
    sum.messages += static_cast<double>(traffic.messages);
    sum.bytes += static_cast<double>(traffic.bytes);
  }
  sum.cpu = std::chrono::duration<double>(time.metered()).count();
  return sum;
}

WallTime ScaleHerd::wall_now() const {
  // As fakes::VirtualClock: 2026-01-01T00:00:00Z.
  return WallTime{std::chrono::seconds(1'767'225'600)} + time.elapsed();
}

}  // namespace dockherd::sim
