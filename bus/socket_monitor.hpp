// What libzmq reports of a socket's connections. Must not know messages.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "bus/zmq_socket.hpp"

namespace dockherd::bus {

struct MonitorEvent {
  std::uint16_t event = 0;  ///< ZMQ_EVENT_….
  int value = 0;            ///< The descriptor with ZMQ_EVENT_ACCEPTED and ZMQ_EVENT_DISCONNECTED.

  bool is_failed_handshake() const;
};

/// ZMQ_EVENT_HANDSHAKE_FAILED_…, all of them.
extern const int failed_handshake_events;

/// Purpose: reads the events of one socket in their order. Costs two sockets of libzmq's.
/// Owner: whoever owns the watched socket; close() before that is closed.
class SocketMonitor {
 public:
  SocketMonitor(asio::any_io_executor executor, zmq::context_t& context, zmq::socket_t& watched,
                int events);

  /// See ZmqSocket::watch().
  void watch(ZmqSocket::Ready on_ready) { socket_.watch(std::move(on_ready)); }
  std::optional<MonitorEvent> next();
  void close(zmq::socket_t& watched);

 private:
  ZmqSocket socket_;
};

/// Purpose: tells which client of a server did not get through the handshake: it has another key,
/// or none. Fed with the server's events; those of one connection come together, because libzmq has
/// one I/O thread.
class FailedHandshakes {
 public:
  /// The client's IPv4 address, at the end of a connection whose handshake failed.
  std::optional<std::string> note(const MonitorEvent& event);

 private:
  std::map<int, std::string> addresses_;  // By descriptor, of connections that stand.
  bool failed_ = false;
};

}  // namespace dockherd::bus
