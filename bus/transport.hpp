// Port: frames to and from peers. The event bus decides what they mean; a transport only moves
// them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"

namespace dockherd::bus {

/// The frames of one message, without the routing frame. The first is the ZRE frame.
using Frames = std::vector<std::string>;

/// Receives what a transport has to say. Calls come from the event loop, never from inside a call
/// into the transport.
class TransportListener {
 public:
  virtual ~TransportListener() = default;

  /// A message from whoever calls itself `from` (its DEALER's identity, RFC 36), in the order that
  /// they were sent on one connection. The ZRE frame and, unless it is too large, the content that
  /// follows: at most limits::bus_frames frames of limits::bus_message_bytes in total.
  virtual void on_message(const NodeId& from, Frames frames) = 0;

  /// The link to `peer` is gone, and messages may have been lost with it: the connection was closed
  /// or reset; more than limits::bus_peer_queue_bytes were waiting in it; or the peer closed its
  /// own connection to us and did not open another. `reason` is for the log. Not called after
  /// disconnect(), nor for a link that never came up: it is dialled until it does.
  virtual void on_link_closed(const NodeId& peer, const std::string& reason) = 0;
};

/// One mailbox and one outgoing link per peer.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Begins to deliver; `listener` outlives the transport or its stop().
  virtual void start(TransportListener& listener) = 0;
  /// Closes everything, as disconnect() does with each link.
  virtual void stop() = 0;

  /// Where peers reach this mailbox, "tcp://ADDRESS:PORT", with an address that they can use.
  virtual std::string endpoint() const = 0;

  /// Opens a link; messages sent before it is established are queued. A link that exists already is
  /// closed and replaced, its unsent messages dropped.
  /// False when `endpoint` is not a usable "tcp://ADDRESS:PORT".
  virtual bool connect(const NodeId& peer, const std::string& endpoint) = 0;
  /// Queues without blocking. Messages to one peer arrive in order or not at all. False when there
  /// is no link to it.
  virtual bool send(const NodeId& peer, Frames frames) = 0;
  /// What waits to leave for it; 0 without a link.
  virtual std::size_t unsent_bytes(const NodeId& peer) const = 0;
  /// Closes the link. What was sent by a link that is up gets 100 ms to leave (GOODBYE is sent so);
  /// what waits for one that is not, or for a peer that does not read, is dropped.
  virtual void disconnect(const NodeId& peer) = 0;

  /// The IPv4 address that the peer's newest connection to us comes from; empty when there is none.
  /// Holds until the next call.
  virtual std::string_view address_of(const NodeId& peer) const = 0;
};

}  // namespace dockherd::bus
