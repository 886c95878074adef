// Port: finding peers. Several discoveries may run at once; the event bus merges what they say.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace dockherd::bus {

/// Receives what a discovery has to say. Nothing of it is authenticated: a sighting is a hint to
/// connect, a departure a hint to probe. Calls come from the event loop.
class DiscoveryListener {
 public:
  virtual ~DiscoveryListener() = default;

  /// A peer says that it can be reached at `endpoint` ("tcp://ADDRESS:PORT"). Repeated as often as
  /// the peer is heard.
  virtual void on_sighting(const NodeId& peer, const std::string& endpoint) = 0;
  /// A peer says that it is leaving. Forgeable.
  virtual void on_departure(const NodeId& peer) = 0;
};

class Discovery {
 public:
  virtual ~Discovery() = default;

  /// Begins to announce `self` at `endpoint` and to listen.
  virtual void start(DiscoveryListener& listener, const NodeId& self,
                     const std::string& endpoint) = 0;
  /// Says goodbye where the medium can, then stops. May be called more than once.
  virtual void stop() = 0;
  /// "beacon" or "gossip", for logs.
  virtual std::string_view name() const = 0;
};

}  // namespace dockherd::bus
