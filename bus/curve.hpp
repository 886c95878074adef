// CURVE on sockets of libzmq (ZeroMQ RFC 26): the options of servers and of clients.
#pragma once

#include <string>
#include <zmq.hpp>

#include "bus/bus_keys.hpp"

namespace dockherd::bus {

/// What a link of an agent adds to its identity.
inline constexpr std::size_t link_nonce_bytes = 8;

/// Before it is bound: only those who have the herd's key can connect. Asks the context's
/// ZapHandler who they are.
void serve_with(zmq::socket_t& server, const BusKeys& keys);

/// Before it connects, to a server that is expected to have the key of the n-th try.
void connect_with(zmq::socket_t& client, const BusKeys& keys, unsigned attempt);

/// Random bytes that nobody else can guess.
std::string link_nonce();

/// Whether a message came from whom the ZapHandler knows as `node`.
bool is_senders_own(zmq::message_t& message, const NodeId& node);

}  // namespace dockherd::bus
