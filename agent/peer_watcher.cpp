#include "agent/peer_watcher.hpp"

#include <algorithm>
#include <memory>

#include "agent/notice_codec.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

namespace {

constexpr std::chrono::seconds sum_interval{20};
/// Until then the answer to the last request may be on its way.
constexpr std::chrono::seconds ask_again_after{2};

}  // namespace

void PeerWatcher::start() {
  herd_.tasks.spawn("sums", tell_sums());
}

asio::awaitable<void> PeerWatcher::tell_sums() {
  for (;;) {
    co_await herd_.clock.sleep_until(herd_.clock.now() + sum_interval);
    const auto& nodes = herd_.nodes.nodes();
    auto next = nodes.upper_bound(sum_told_to_);
    if (next == nodes.end()) next = nodes.begin();
    if (next->first == herd_.self() && ++next == nodes.end()) next = nodes.begin();
    sum_told_to_ = next->first;
    herd_.bus.notify(sum_told_to_, std::string(topic_sum), quote_json(herd_.own_sum()));
  }
}

void PeerWatcher::on_peer_joined(const bus::PeerInfo& peer) {
  if (!peer.is_agent) return;
  if (peer.name == herd_.settings.hostname) {
    herd_.log->warn("another agent has this hostname too host={} endpoint={}", loggable(peer.name),
                    peer.endpoint);
  }
  // Until its status arrives the node is known by name, but gets no containers.
  NodeStatus status;
  status.hostname = peer.name;
  status.daemon_error = "its status has not arrived yet";
  const auto http = peer.headers.find(std::string(bus::header_http));
  if (http != peer.headers.end()) status.address = http->second;
  const auto agents = peer.headers.find(std::string(bus::header_agents));
  if (agents != peer.headers.end()) status.agents_address = agents->second;
  herd_.nodes.put(peer.id, std::move(status));
  told_.erase(peer.id);
  tell_everything(peer.id);
  keys_.on_joined(peer.id);
  if (!rescheduling_) return;
  rescheduling_->specifications.tell_again(peer.id);
  rescheduling_->specifications.agents_changed();
  rescheduling_->superseded.on_joined(peer.id);
}

void PeerWatcher::on_session_renewed(const bus::PeerInfo& peer) {
  if (!peer.is_agent) return;
  tell_everything(peer.id);
  keys_.tell_again(peer.id);
  if (!rescheduling_) return;
  rescheduling_->specifications.tell_again(peer.id);
  rescheduling_->superseded.on_joined(peer.id);
}

void PeerWatcher::tell_everything(const NodeId& to) {
  herd_.bus.notify(to, std::string(topic_status), encode_status(herd_.own_status()));
  herd_.bus.notify(to, std::string(topic_containers), own_containers_.snapshot());
}

void PeerWatcher::on_peer_lost(const bus::PeerInfo& peer, const std::string& reason) {
  if (!peer.is_agent) return;
  auto containers = std::make_shared<const ContainerDirectory>(herd_.directory.take_node(peer.id));
  told_.erase(peer.id);
  const NodeStatus* status = herd_.nodes.find(peer.id);
  const std::string address = status == nullptr ? "" : status->called_at();
  const bool said_goodbye = reason == bus::reason_goodbye;
  herd_.nodes.remove(peer.id, said_goodbye ? std::nullopt : std::optional(reason),
                     herd_.clock.now(), std::move(containers));
  keys_.on_lost(peer.id, said_goodbye);
  const auto& nodes = herd_.nodes.nodes();
  // An agent that has restarted is there again under the same address.
  const bool still_used = std::any_of(nodes.begin(), nodes.end(), [&](const auto& entry) {
    return entry.second.called_at() == address;
  });
  if (gone_ && !address.empty() && !still_used) gone_(address);
  if (!rescheduling_) return;
  if (said_goodbye) {
    rescheduling_->specifications.take_all_of(peer.id);
  } else {
    rescheduling_->rescheduler.on_lost(peer.id, peer.name);
  }
  rescheduling_->specifications.agents_changed();
}

void PeerWatcher::on_notice(const NodeId& from, const std::string& topic, const std::string& body) {
  Result<void> taken;
  if (topic == topic_status) {
    taken = take_status(from, body);
  } else if (topic == topic_containers) {
    taken = take_containers(from, body);
  } else if (topic == topic_sum) {
    taken = take_sum(from, body);
  } else if (topic == topic_key) {
    taken = keys_.noted(from, body);
  } else if (topic == topic_quota_released) {
    taken = quotas_.released(body);
  } else if (topic == topic_name_released) {
    taken = claims_.released(body);
  } else if (topic == topic_resend) {
    tell_everything(from);
  } else if (rescheduling_) {
    taken = take_rescheduling(from, topic, body);
  }
  if (!taken) {
    herd_.log->debug("notice not understood from={} topic={} error={}", from.short_hex(),
                     loggable(topic), loggable(taken.error().message, 256));
  }
}

/// Other topics are of newer versions.
Result<void> PeerWatcher::take_rescheduling(const NodeId& from, const std::string& topic,
                                            const std::string& body) {
  if (topic == topic_specification) return rescheduling_->specifications.take(from, body);
  if (topic == topic_superseded) return rescheduling_->superseded.take(from, body);
  if (topic == topic_specification_gone) rescheduling_->specifications.forget(from, body);
  return {};
}

Result<void> PeerWatcher::take_status(const NodeId& from, const std::string& text) {
  auto status = decode_status(text);
  if (!status) return status.error();
  const NodeStatus* known = herd_.nodes.find(from);
  if (known == nullptr || from == herd_.self()) {
    return Error(errc::bad_request, "a status from a node that is not a peer");
  }
  if (known->in_pool != status->in_pool) {
    herd_.log->info("node {} the pool host={}", status->in_pool ? "enters" : "leaves",
                    loggable(status->hostname));
  }
  herd_.nodes.put(from, std::move(*status));
  told_[from].status = text;
  return {};
}

Result<void> PeerWatcher::take_sum(const NodeId& from, const std::string& text) {
  const auto sum = parse_json(text);
  if (!sum) return sum.error();
  if (!sum->is_string()) return Error(errc::bad_request, "a sum must be a string");
  compare(from, sum->get<std::string>());
  return {};
}

void PeerWatcher::compare(const NodeId& from, const std::string& sum) {
  if (herd_.nodes.find(from) == nullptr || from == herd_.self()) return;
  Told& told = told_[from];
  if (sum == view_sum(herd_.directory.sum(from), told.status)) return;
  if (told.asked && herd_.clock.now() - *told.asked < ask_again_after) return;
  told.asked = herd_.clock.now();
  herd_.log->warn("what is known of a node is wrong, asking it anew host={}",
                  loggable(herd_.hostname_of(from)));
  herd_.bus.notify(from, std::string(topic_resend), "{}");
}

Result<void> PeerWatcher::take_containers(const NodeId& from, const std::string& text) {
  if (herd_.nodes.find(from) == nullptr || from == herd_.self()) {
    return Error(errc::bad_request, "containers of a node that is not a peer");
  }
  auto notice = decode_containers(text);
  if (!notice) return notice.error();
  if (notice->all) herd_.directory.remove_node(from);
  for (const auto& [id, names] : notice->put) {
    if (!herd_.directory.has(from, id)) herd_.note_new_container(from);
    herd_.put(from, id, names);
  }
  for (const std::string& id : notice->removed) herd_.directory.remove(from, id);
  if (notice->sum) compare(from, *notice->sum);
  return {};
}

}  // namespace dockherd::agent
