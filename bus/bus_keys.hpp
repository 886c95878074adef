// What the bus makes of the herd's key. Pure but for random numbers; no sockets.
//
// Every mailbox and gossip server is a CURVE server with the one server key that is derived from
// the herd's key. A client of CURVE must know the server's public key, which is sent nowhere: so
// whoever completes a handshake, on either side, has the herd's key. As a client each agent has a
// key pair of its own, made at its start, and its UUID is a hash of the public one. So nobody else,
// not even another member, can send under that UUID.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "trust/herd_key.hpp"

namespace dockherd::bus {

/// Of Curve25519, raw.
using CurveKey = trust::Secret;

struct CurveKeyPair {
  CurveKey public_key{};
  CurveKey secret_key{};
};

/// The UUID of whoever has the private half of `public_key`: the first 16 bytes of its SHA-256.
NodeId node_of(std::string_view public_key);

/// Purpose: the keys of one agent's bus. Lives as long as its sockets are made.
class BusKeys {
 public:
  using BeaconTag = std::array<std::uint8_t, 16>;

  /// `herd_keys` is not empty.
  explicit BusKeys(trust::HerdKeys herd_keys);

  /// This agent's id.
  NodeId node() const { return node_of(as_text(own_.public_key)); }
  /// This agent as a client.
  const CurveKeyPair& own() const { return own_; }
  /// This agent as a server: of the first key.
  const CurveKeyPair& server() const { return servers_.front(); }
  /// The server to be expected at the n-th try, counted from 0: that of each key in turn.
  const CurveKey& server_at_try(unsigned attempt) const {
    return servers_[attempt % servers_.size()].public_key;
  }
  std::size_t size() const { return servers_.size(); }
  std::string id() const { return herd_keys_.front().id(); }

  /// Proves that a beacon comes from a member: HMAC-SHA256 over its bytes, cut to 16.
  BeaconTag beacon_tag(std::string_view beacon) const;
  /// In constant time, by any of the keys.
  bool is_beacon_tag(std::string_view beacon, std::string_view tag) const;

  static std::string_view as_text(const CurveKey& key) {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
  }

 private:
  trust::HerdKeys herd_keys_;
  std::vector<CurveKeyPair> servers_;  // One for each key.
  CurveKeyPair own_;
};

}  // namespace dockherd::bus
