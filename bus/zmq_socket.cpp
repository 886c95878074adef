#include "bus/zmq_socket.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

namespace dockherd::bus {

/// Outlives its ZmqSocket while a handler is queued; closed() then makes the handler do nothing.
class ZmqSocket::Core : public std::enable_shared_from_this<ZmqSocket::Core> {
 public:
  Core(asio::any_io_executor executor, zmq::context_t& context, zmq::socket_type type)
      : executor_(std::move(executor)),
        socket_(context, type),
        descriptor_(executor_, socket_.get(zmq::sockopt::fd)) {}

  // libzmq closes its descriptor itself: were it closed twice, the process would abort.
  ~Core() { descriptor_.release(); }

  void watch(Ready on_ready) {
    on_ready_ = std::move(on_ready);
    // Signs given before now may have been swallowed by bind or connect.
    post_turn();
  }

  void want_writable(bool wanted) {
    if (want_writable_ == wanted) return;
    want_writable_ = wanted;
    if (wanted) look_again();
  }

  SendOutcome send(zmq::message_t& frame, bool more) {
    if (closed_) return SendOutcome::failed;
    drained_ = false;
    const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    if (zmq_msg_send(frame.handle(), socket_.handle(), flags) >= 0) return SendOutcome::sent;
    const int error = zmq_errno();
    if (error == EAGAIN || error == EINTR) return SendOutcome::full;
    return error == EHOSTUNREACH ? SendOutcome::unreachable : SendOutcome::failed;
  }

  bool receive(zmq::message_t& frame) {
    if (closed_) return false;
    const bool received = zmq_msg_recv(frame.handle(), socket_.handle(), ZMQ_DONTWAIT) >= 0;
    drained_ = !received && zmq_errno() == EAGAIN;
    return received;
  }

  SocketEvents events() {
    if (closed_) return {};
    int bits = 0;
    std::size_t size = sizeof bits;
    if (zmq_getsockopt(socket_.handle(), ZMQ_EVENTS, &bits, &size) != 0) return {};
    return {(bits & ZMQ_POLLIN) != 0, (bits & ZMQ_POLLOUT) != 0};
  }

  void look_again() {
    if (closed_ || posted_ || in_turn_ || !on_ready_) return;
    if (is_interesting(events())) post_turn();
  }

  void close(int linger_ms) {
    if (closed_) return;
    closed_ = true;
    descriptor_.release();
    socket_.set(zmq::sockopt::linger, linger_ms);
    socket_.close();
  }

  bool closed() const { return closed_; }
  zmq::socket_t& raw() { return socket_; }

 private:
  bool is_interesting(const SocketEvents& now) const {
    return now.readable || (want_writable_ && now.writable);
  }

  void post_turn() {
    posted_ = true;
    asio::post(executor_, [self = shared_from_this()] {
      self->posted_ = false;
      self->take_turn();
    });
  }

  void wait_for_sign() {
    if (waiting_) return;
    waiting_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                             self->waiting_ = false;
                             if (!error && !self->posted_) self->take_turn();
                           });
  }

  /// Waits only after ZMQ_EVENTS was seen to hold nothing of interest: from then on whatever
  /// changes makes the descriptor readable, and asio reports one that is readable already.
  void take_turn() {
    if (closed_ || !on_ready_) return;
    in_turn_ = true;
    drained_ = false;
    on_ready_();
    in_turn_ = false;
    if (closed_) return;
    // A receive that ended with EAGAIN has just done what events() would do (a system call saved).
    const bool quiet = drained_ && !want_writable_;
    if (!quiet && is_interesting(events())) {
      post_turn();
    } else {
      wait_for_sign();
    }
  }

  asio::any_io_executor executor_;
  zmq::socket_t socket_;
  asio::posix::stream_descriptor descriptor_;
  Ready on_ready_;
  bool want_writable_ = false;
  bool posted_ = false;
  bool waiting_ = false;
  bool in_turn_ = false;
  bool drained_ = false;  // The last call found nothing to read, libzmq's pending work included.
  bool closed_ = false;
};

ZmqSocket::ZmqSocket(asio::any_io_executor executor, zmq::context_t& context, zmq::socket_type type)
    : core_(std::make_shared<Core>(std::move(executor), context, type)) {}

ZmqSocket::~ZmqSocket() {
  core_->close(0);
}

zmq::socket_t& ZmqSocket::raw() {
  return core_->raw();
}
void ZmqSocket::watch(Ready on_ready) {
  core_->watch(std::move(on_ready));
}
void ZmqSocket::want_writable(bool wanted) {
  core_->want_writable(wanted);
}
SendOutcome ZmqSocket::send(zmq::message_t& frame, bool more) {
  return core_->send(frame, more);
}
void ZmqSocket::look_again() {
  core_->look_again();
}
bool ZmqSocket::receive(zmq::message_t& frame) {
  return core_->receive(frame);
}
SocketEvents ZmqSocket::events() {
  return core_->events();
}
void ZmqSocket::close(int linger_ms) {
  core_->close(linger_ms);
}
bool ZmqSocket::closed() const {
  return core_->closed();
}

}  // namespace dockherd::bus
