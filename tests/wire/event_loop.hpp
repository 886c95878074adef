// Drives one io_context until something has happened, and keeps what a transport or a discovery
// said. For tests that talk to real sockets.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bus/discovery.hpp"
#include "bus/transport.hpp"

namespace dockherd::bus {

/// True as soon as `happened` holds; false after `limit`, which only bounds a failing test.
inline bool run_until(asio::io_context& loop, const std::function<bool()>& happened,
                      std::chrono::milliseconds limit = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!happened()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

inline void run_for(asio::io_context& loop, std::chrono::milliseconds time) {
  run_until(
      loop, [] { return false; }, time);
}

inline NodeId test_node(std::uint8_t last) {
  NodeId::Bytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(0xA0 + i);
  bytes[15] = last;
  return NodeId(bytes);
}

struct RecordedMessage {
  NodeId from;
  Frames frames;
};

class RecordingTransportListener : public TransportListener {
 public:
  void on_message(const NodeId& from, Frames frames) override {
    ++count;
    if (keep) messages.push_back({from, std::move(frames)});
    if (then) then(from);
  }
  void on_link_closed(const NodeId& peer, const std::string& reason) override {
    closed.emplace_back(peer, reason);
  }

  bool keep = true;
  std::size_t count = 0;
  std::vector<RecordedMessage> messages;
  std::vector<std::pair<NodeId, std::string>> closed;
  std::function<void(const NodeId&)> then;
};

class RecordingDiscoveryListener : public DiscoveryListener {
 public:
  void on_sighting(const NodeId& peer, const std::string& endpoint) override {
    sightings.emplace_back(peer, endpoint);
  }
  void on_departure(const NodeId& peer) override { departures.push_back(peer); }

  bool saw(const NodeId& peer, const std::string& endpoint) const {
    return std::find(sightings.begin(), sightings.end(), std::pair(peer, endpoint)) !=
           sightings.end();
  }
  bool saw(const NodeId& peer) const {
    return std::any_of(sightings.begin(), sightings.end(),
                       [&](const auto& sighting) { return sighting.first == peer; });
  }

  std::vector<std::pair<NodeId, std::string>> sightings;
  std::vector<NodeId> departures;
};

}  // namespace dockherd::bus
