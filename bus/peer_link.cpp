#include "bus/peer_link.hpp"

#include <algorithm>
#include <atomic>
#include <boost/system/system_error.hpp>
#include <utility>

#include "base/limits.hpp"
#include "bus/curve.hpp"

namespace dockherd::bus {

namespace {

// Messages that libzmq may hold for one peer. Together with copied_frame_bytes it bounds what is
// not counted in bytes: 256 messages of a few frames of less than 8 KB.
constexpr int libzmq_queue_messages = 256;
// Every so many messages one is marked, so that we learn how far libzmq has come.
constexpr std::uint64_t mark_every = 64;
// Larger frames are lent to libzmq, which saves a copy and tells when they have left.
constexpr std::size_t copied_frame_bytes = 8u << 10;

constexpr std::chrono::milliseconds first_redial{200};
constexpr std::chrono::milliseconds slowest_redial{1'600};
constexpr std::chrono::milliseconds doubt_interval{50};

std::size_t size_of(const Frames& frames) {
  std::size_t bytes = 0;
  for (const std::string& frame : frames) bytes += frame.size();
  return bytes;
}

}  // namespace

/// Counters of what libzmq holds. Its I/O thread writes them too.
struct PeerLink::Inside {
  std::atomic<std::size_t> bytes{0};        // Of lent frames.
  std::atomic<std::uint64_t> mark_left{0};  // The last marked message that has left, as counted.
};

namespace {

/// A frame lent to libzmq; its I/O thread gives it back when it has left or was dropped.
template <typename Inside>
struct LentFrame {
  LentFrame(std::string frame, std::shared_ptr<Inside> counters)
      : text(std::move(frame)), inside(std::move(counters)) {
    inside->bytes.fetch_add(text.size(), std::memory_order_relaxed);
  }
  ~LentFrame() {
    inside->bytes.fetch_sub(text.size(), std::memory_order_relaxed);
    if (mark != 0) inside->mark_left.store(mark, std::memory_order_relaxed);
  }
  LentFrame(const LentFrame&) = delete;
  LentFrame& operator=(const LentFrame&) = delete;

  zmq::message_t message() {
    const auto give_back = [](void*, void* lent) { delete static_cast<LentFrame*>(lent); };
    return {text.data(), text.size(), give_back, this};
  }

  std::string text;
  std::shared_ptr<Inside> inside;
  std::uint64_t mark = 0;
};

}  // namespace

PeerLink::PeerLink(asio::any_io_executor executor, zmq::context_t& context, std::string identity,
                   std::string endpoint, std::shared_ptr<const BusKeys> keys, Handlers handlers)
    : executor_(std::move(executor)),
      context_(context),
      identity_(std::move(identity)),
      endpoint_(std::move(endpoint)),
      keys_(std::move(keys)),
      handlers_(std::move(handlers)),
      timer_(executor_),
      redial_after_(first_redial),
      inside_(std::make_shared<Inside>()) {
  dial();
}

PeerLink::~PeerLink() {
  drop_dealer();
}

void PeerLink::dial() {
  drop_dealer();
  try {
    open_dealer();
  } catch (const zmq::error_t&) {
    drop_dealer();  // Out of descriptors: the next try may find some.
  } catch (const boost::system::system_error&) {
    drop_dealer();  // The same, told by asio.
  }
  ++tries_;
  redial_later();
}

void PeerLink::drop_dealer() {
  if (handshake_ && socket_ && !socket_->closed()) handshake_->close(socket_->raw());
  handshake_.reset();
  socket_.reset();
}

/// Most handshakes succeed at once; only what does not is looked at more closely.
void PeerLink::watch_handshake() {
  if (!keys_ || tries_ == 0) return;
  handshake_ = std::make_unique<SocketMonitor>(
      executor_, context_, socket_->raw(),
      ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | failed_handshake_events);
  handshake_->watch([this] {
    while (const auto event = handshake_->next()) {
      if (event->event != ZMQ_EVENT_DISCONNECTED && !event->is_failed_handshake()) continue;
      // One that is being killed hangs up as well; twice for each key is no accident.
      if (std::exchange(refused_at_, tries_) == tries_) continue;  // One end has several events.
      if (++refused_ == 2 * keys_->size() && handlers_.on_refused) handlers_.on_refused();
    }
  });
}

void PeerLink::open_dealer() {
  socket_ = std::make_unique<ZmqSocket>(executor_, context_, zmq::socket_type::dealer);
  zmq::socket_t& dealer = socket_->raw();
  dealer.set(zmq::sockopt::routing_id, keys_ ? identity_ + link_nonce() : identity_);
  if (keys_) connect_with(dealer, *keys_, tries_);
  dealer.set(zmq::sockopt::immediate, true);
  dealer.set(zmq::sockopt::reconnect_ivl, -1);
  dealer.set(zmq::sockopt::sndhwm, libzmq_queue_messages);
  dealer.set(zmq::sockopt::rcvhwm, 4);  // A peer's ROUTER never answers.
  dealer.set(zmq::sockopt::maxmsgsize, std::int64_t{1} << 16);
  watch_handshake();
  dealer.connect(endpoint_);
  socket_->watch([this] { take_turn(); });
}

void PeerLink::redial_later() {
  timer_.expires_after(redial_after_);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired() || up_ || closed_) return;
    redial_after_ = std::min(2 * redial_after_, slowest_redial);
    dial();
  });
}

bool PeerLink::send(Frames frames) {
  if (!up_ || !queue_.empty() || !send_now(frames)) {
    queued_bytes_ += size_of(frames);
    queue_.push_back(std::move(frames));
    if (up_) socket_->want_writable(true);
    if (up_ && queue_.size() == 1) doubt();
  }
  return unsent_bytes() <= limits::bus_peer_queue_bytes;
}

/// False when libzmq has no room or no connection for it; the frames are then untouched.
bool PeerLink::send_now(Frames& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    std::string& frame = frames[i];
    const bool more = i + 1 < frames.size();
    const bool marked = i == 0 && (sent_ + 1) % mark_every == 0;
    zmq::message_t message;
    LentFrame<Inside>* lent = nullptr;
    if (marked || (i > 0 && frame.size() >= copied_frame_bytes)) {
      // The first frame may be refused and is needed again then; it is small (ZRE's own).
      lent = new LentFrame<Inside>(i == 0 ? frame : std::move(frame), inside_);
      lent->mark = marked ? sent_ + 1 : 0;
      message = lent->message();
    } else {
      message = zmq::message_t(frame.data(), frame.size());
    }
    if (socket_->send(message, more) != SendOutcome::sent && i == 0) {
      if (lent != nullptr) lent->mark = 0;
      return false;
    }
  }
  ++sent_;
  return true;
}

void PeerLink::take_turn() {
  zmq::message_t unwanted;
  for (int i = 0; i < libzmq_queue_messages && socket_->receive(unwanted); ++i) {
  }
  if (!up_) {
    if (!socket_->events().writable) return;
    up_ = true;
    if (handshake_) handshake_->close(socket_->raw());
    handshake_.reset();
    timer_.cancel();
  }
  if (!queue_.empty()) flush();
  if (socket_->events().writable) return;
  if (may_be_full()) {
    doubt();
  } else {
    broken("the connection was closed");
  }
}

void PeerLink::flush() {
  while (!queue_.empty()) {
    const std::size_t bytes = size_of(queue_.front());
    if (!send_now(queue_.front())) break;
    queued_bytes_ -= bytes;
    queue_.pop_front();
  }
  socket_->want_writable(!queue_.empty());
}

/// Not writable means full or broken. Full means that at least half the queue is inside libzmq (it
/// reports room in halves); were the connection broken it would have dropped all of it, and the
/// marks would soon show that.
bool PeerLink::may_be_full() const {
  const std::uint64_t left = inside_->mark_left.load(std::memory_order_relaxed);
  return sent_ - left >= libzmq_queue_messages / 2;
}

/// The sign of a broken connection may have been swallowed by a send, or the dropped messages not
/// have been counted yet: looks again until it is writable or certain.
void PeerLink::doubt() {
  if (doubting_) return;
  doubting_ = true;
  timer_.expires_after(doubt_interval);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired() || closed_) return;
    doubting_ = false;
    take_turn();
    // This was no turn of the socket's: what took away its sign of new room must say so.
    if (!alive.expired() && !closed_) socket_->look_again();
  });
}

void PeerLink::broken(const std::string& reason) {
  const Broken on_broken = std::move(handlers_.on_broken);
  close(0);
  if (on_broken) on_broken(reason);  // May destroy this link.
}

void PeerLink::close(int linger_ms) {
  closed_ = true;
  timer_.cancel();
  handlers_ = {};
  if (handshake_ && socket_ && !socket_->closed()) handshake_->close(socket_->raw());
  if (socket_) socket_->close(linger_ms);
}

std::size_t PeerLink::unsent_bytes() const {
  return queued_bytes_ + inside_->bytes.load(std::memory_order_relaxed);
}

}  // namespace dockherd::bus
