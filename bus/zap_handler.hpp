// The authentication of CURVE connections (ZeroMQ RFC 27, ZAP): tells which agent a client is.
// Must not know messages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/zmq_socket.hpp"

namespace dockherd::bus {

/// Purpose: answers libzmq's question about each client that has completed the handshake. All who
/// have are members (see bus_keys.hpp) and are let in; what they get is their name: the UUID that
/// their key stands for, as the message property "User-Id".
/// Owner: whoever owns the context; made before its servers are bound, and one for each context.
class ZapHandler {
 public:
  ZapHandler(asio::any_io_executor executor, zmq::context_t& context);

  void close() { socket_.close(0); }
  std::uint64_t admitted() const { return admitted_; }
  /// Requests that were not about a client of CURVE.
  std::uint64_t denied() const { return denied_; }

 private:
  void take_turn();
  void answer(const std::vector<std::string>& request);

  ZmqSocket socket_;
  std::uint64_t admitted_ = 0;
  std::uint64_t denied_ = 0;
};

}  // namespace dockherd::bus
