// The datagrams of the network in memory: who hears whose beacon, and when.
#include <boost/asio/post.hpp>

#include "tests/fakes/memory_network.hpp"

namespace dockherd::fakes {

using namespace std::chrono_literals;
using Touches = VirtualTime::Touches;

void MemoryNetwork::broadcast(const MemoryDiscovery& from, bool leaving) {
  ++traffic_[from.host_].datagrams;
  traffic_[from.host_].bytes += 22;
  if (settings_.datagrams_together) return broadcast_together(from, leaving);
  for (const auto& [host, to] : discoveries_) {
    if (to == &from || is_cut(from.host_, host) || chance(settings_.datagram_loss)) continue;
    send_datagram(from, *to, leaving);
    if (chance(settings_.datagram_duplication)) send_datagram(from, *to, leaving);
  }
}

void MemoryNetwork::send_datagram(const MemoryDiscovery& from, MemoryDiscovery& to, bool leaving) {
  Duration delay = latency(from.host_, to.host_);
  if (chance(settings_.datagram_lateness)) delay += draw(0ms, settings_.datagram_delay);
  std::weak_ptr<int> alive = to.alive_;
  auto arrive = [this, alive, target = &to, peer = from.self_, endpoint = from.endpoint_, leaving] {
    if (alive.expired()) return;
    hear(*target, peer, endpoint, leaving);
    time_.touch(target->context_);
  };
  time_.after(delay, std::move(arrive), Touches::none);
}

void MemoryNetwork::hear(MemoryDiscovery& to, NodeId peer, const std::string& endpoint,
                         bool leaving) {
  std::weak_ptr<int> alive = to.alive_;
  asio::post(to.context_, [alive, target = &to, peer, endpoint, leaving] {
    if (alive.expired() || target->listener_ == nullptr) return;
    if (leaving) {
      target->listener_->on_departure(peer);
    } else {
      target->listener_->on_sighting(peer, endpoint);
    }
  });
}

void MemoryNetwork::broadcast_together(const MemoryDiscovery& from, bool leaving) {
  auto arrive = [this, source = from.host_, peer = from.self_, endpoint = from.endpoint_, leaving] {
    for (const auto& [host, to] : discoveries_) {
      if (host == source || is_cut(source, host)) continue;
      hear(*to, peer, endpoint, leaving);
      time_.touch(to->context_);
    }
  };
  const Duration delay = draw(settings_.latency_low, settings_.latency_high);
  time_.after(delay, std::move(arrive), Touches::none);
}

MemoryDiscovery::MemoryDiscovery(MemoryNetwork& network, asio::io_context& context, Host host)
    : network_(network), context_(context), host_(host) {}

MemoryDiscovery::~MemoryDiscovery() {
  leave_network();
}

void MemoryDiscovery::start(bus::DiscoveryListener& listener, const NodeId& self,
                            const std::string& endpoint) {
  listener_ = &listener;
  self_ = self;
  endpoint_ = endpoint;
  network_.discoveries_[host_] = this;
  announce();
}

void MemoryDiscovery::announce() {
  network_.broadcast(*this, false);
  std::weak_ptr<int> alive = alive_;
  // The next one is announced from the process itself, so that a frozen one is silent.
  auto next = [this, alive] {
    if (alive.expired()) return;
    asio::post(context_, [this, alive] {
      if (!alive.expired() && listener_ != nullptr) announce();
    });
    network_.time_.touch(context_);
  };
  network_.time_.after(network_.settings_.announce_interval, std::move(next), Touches::none);
}

void MemoryDiscovery::stop() {
  if (listener_ == nullptr) return;
  network_.broadcast(*this, true);
  leave_network();
}

void MemoryDiscovery::leave_network() {
  listener_ = nullptr;
  const auto found = network_.discoveries_.find(host_);
  if (found != network_.discoveries_.end() && found->second == this) {
    network_.discoveries_.erase(found);
  }
}

}  // namespace dockherd::fakes
