#include "bus/socket_monitor.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <utility>

namespace dockherd::bus {

const int failed_handshake_events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                    ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

namespace {

/// The other end of a connection of libzmq's. It may be closed by now, and then nothing is known.
std::string address_at(int descriptor) {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  std::array<char, INET_ADDRSTRLEN> text{};
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return {};
  if (peer.sin_family != AF_INET) return {};
  return ::inet_ntop(AF_INET, &peer.sin_addr, text.data(), text.size()) == nullptr ? ""
                                                                                   : text.data();
}

}  // namespace

bool MonitorEvent::is_failed_handshake() const {
  return (event & failed_handshake_events) != 0;
}

SocketMonitor::SocketMonitor(asio::any_io_executor executor, zmq::context_t& context,
                             zmq::socket_t& watched, int events)
    : socket_(std::move(executor), context, zmq::socket_type::pair) {
  const std::string name =
      "inproc://monitor-" + std::to_string(reinterpret_cast<std::uintptr_t>(watched.handle()));
  if (zmq_socket_monitor(watched.handle(), name.c_str(), events) != 0) throw zmq::error_t();
  socket_.raw().connect(name);
}

std::optional<MonitorEvent> SocketMonitor::next() {
  zmq::message_t part;
  if (!socket_.receive(part)) return std::nullopt;
  // Frame 1: event u16, value u32, in the machine's order. Frame 2: the address.
  MonitorEvent event;
  std::uint32_t value = 0;
  if (part.size() >= sizeof event.event + sizeof value) {
    std::memcpy(&event.event, part.data(), sizeof event.event);
    std::memcpy(&value, static_cast<const char*>(part.data()) + sizeof event.event, sizeof value);
  }
  event.value = static_cast<int>(value);
  while (part.more() && socket_.receive(part)) {
  }
  return event;
}

void SocketMonitor::close(zmq::socket_t& watched) {
  if (!socket_.closed()) zmq_socket_monitor(watched.handle(), nullptr, 0);
  socket_.close(0);
}

std::optional<std::string> FailedHandshakes::note(const MonitorEvent& event) {
  if (event.event == ZMQ_EVENT_ACCEPTED) {
    addresses_[event.value] = address_at(event.value);
  } else if (event.is_failed_handshake()) {
    failed_ = true;
  } else if (event.event == ZMQ_EVENT_DISCONNECTED) {
    const std::string address = addresses_[event.value];
    addresses_.erase(event.value);
    if (std::exchange(failed_, false)) return address;
  }
  return std::nullopt;
}

}  // namespace dockherd::bus
