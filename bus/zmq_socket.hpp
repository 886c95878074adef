// One ZeroMQ socket on the event loop. The only file that knows the rule of ZMQ_FD: the descriptor
// shows that ZMQ_EVENTS may have changed, once, and any call into the socket may swallow that sign.
// Must not know what the frames mean.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <zmq.hpp>

namespace dockherd::bus {

namespace asio = boost::asio;

/// What a socket can do right now.
struct SocketEvents {
  bool readable = false;
  bool writable = false;
};

enum class SendOutcome {
  sent,
  full,         ///< No room, or no connection: nothing was taken. Try when writable.
  unreachable,  ///< ROUTER with ROUTER_MANDATORY: no peer of that identity.
  failed,       ///< The socket is closed or broken.
};

/// Purpose: calls back when something may be received or sent, without ever missing a change.
/// Owner: a transport or a discovery. Lifecycle: construct, set options on raw(), bind or connect,
/// watch(), close() (or the destructor, also from inside the callback).
/// One thread only.
class ZmqSocket {
 public:
  /// Called from the event loop, never from inside a call into this class. It may leave messages
  /// unread (fairness): it is then called again after others had their turn.
  using Ready = std::function<void()>;

  /// Throws zmq::error_t when the context has no room for another socket.
  ZmqSocket(asio::any_io_executor executor, zmq::context_t& context, zmq::socket_type type);
  ~ZmqSocket();
  ZmqSocket(const ZmqSocket&) = delete;
  ZmqSocket& operator=(const ZmqSocket&) = delete;

  /// For options, bind and connect. Not for sending or receiving.
  zmq::socket_t& raw();

  /// Begins to call `on_ready`: at every sign from libzmq, and as long as the socket is readable
  /// or, when wanted, writable.
  void watch(Ready on_ready);
  /// Whether being writable is worth a call. Off at first.
  void want_writable(bool wanted);

  /// Never blocks. The message is taken when sent. `more`: another frame of the same message
  /// follows; after a first frame was sent the others are never refused for lack of room.
  SendOutcome send(zmq::message_t& frame, bool more);
  /// To be called after the last send of a batch: sending may have swallowed the sign that a
  /// message came in. Not needed when nothing that comes in matters.
  void look_again();
  /// One frame; false when there is none. Reading until false is the cheapest way to use a turn.
  bool receive(zmq::message_t& frame);

  /// What the socket can do now, after libzmq has done its pending work.
  SocketEvents events();

  /// Lets queued messages leave for up to `linger_ms` milliseconds, in libzmq's own thread.
  void close(int linger_ms);
  bool closed() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;  // Handlers on the event loop share it and may outlive this.
};

}  // namespace dockherd::bus
