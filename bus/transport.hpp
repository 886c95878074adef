// Port: frames to and from peers. The event bus decides what they mean; a transport only moves
// them.
#pragma once

#include <string>
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

  /// A message from the peer that identified itself as `from` (its DEALER's identity, RFC 36).
  /// At most limits::bus_frames frames of limits::bus_message_bytes in total; at least one.
  virtual void on_message(const NodeId& from, Frames frames) = 0;

  /// The link to `peer` broke: its process closed or reset the connection, or its queue of unsent
  /// bytes passed limits::bus_peer_queue_bytes. The link is gone when this is called; messages may
  /// have been lost. `reason` is for the log. Not called after disconnect().
  virtual void on_link_closed(const NodeId& peer, const std::string& reason) = 0;
};

/// One mailbox and one outgoing link per peer.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Begins to deliver; `listener` outlives the transport or its stop().
  virtual void start(TransportListener& listener) = 0;
  /// Closes everything after giving queued messages up to 100 ms to leave.
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
  /// Closes the link; messages already queued get a chance to leave (GOODBYE is sent so).
  virtual void disconnect(const NodeId& peer) = 0;
};

}  // namespace dockherd::bus
