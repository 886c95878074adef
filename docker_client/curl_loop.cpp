#include "docker_client/curl_loop.hpp"

#include <unistd.h>

#include <mutex>
#include <stdexcept>
#include <utility>

namespace dockherd::docker_client {

struct CurlLoop::Watched {
  Watched(const asio::any_io_executor& executor, curl_socket_t socket)
      : descriptor(executor, socket) {}

  asio::posix::stream_descriptor descriptor;
  bool wants_read = false;  // What curl asked for.
  bool wants_write = false;
  bool waits_read = false;  // What the event loop was asked for.
  bool waits_write = false;
  bool closed = false;
};

CurlLoop::CurlLoop(asio::any_io_executor executor, long idle_connections)
    : executor_(std::move(executor)), timer_(executor_) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::runtime_error("curl_multi_init failed");
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, idle_connections);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

CurlLoop::~CurlLoop() {
  *alive_ = false;
  curl_multi_cleanup(multi_);  // Closes idle connections through on_close().
  for (auto& [socket, watched] : sockets_) {
    watched->closed = true;
    watched->descriptor.release();
  }
}

void CurlLoop::prepare(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlLoop::on_close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
}

void CurlLoop::start(CURL* easy, Done* done) {
  curl_easy_setopt(easy, CURLOPT_PRIVATE, done);
  acting_ = true;
  curl_multi_add_handle(multi_, easy);
  // Sends the request now, on an open connection, rather than a turn of the event loop later.
  act(CURL_SOCKET_TIMEOUT, 0);
}

void CurlLoop::stop(CURL* easy) {
  curl_multi_remove_handle(multi_, easy);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, nullptr);
}

/// Whether the connection of a transfer that ends goes on, for the next one. Curl then says, by
/// on_close(), when it closes it. It does not when a connection is given up before it is made, nor
/// of what a name look-up waits on: for these CURL_POLL_REMOVE is the last word, and the number may
/// be another's a moment later.
bool CurlLoop::is_kept(CURL* easy, curl_socket_t socket) {
  curl_socket_t kept = CURL_SOCKET_BAD;
  return curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &kept) == CURLE_OK && kept == socket;
}

int CurlLoop::on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void*) {
  auto& loop = *static_cast<CurlLoop*>(self);
  if (what == CURL_POLL_REMOVE && !is_kept(easy, socket)) {
    loop.forget(socket);
    return 0;
  }
  auto found = loop.sockets_.find(socket);
  if (found == loop.sockets_.end()) {
    if (what == CURL_POLL_REMOVE) return 0;
    found = loop.sockets_.emplace(socket, std::make_shared<Watched>(loop.executor_, socket)).first;
  }
  // A wait under way stays when curl loses interest in a connection that goes on: the next transfer
  // on it needs the wait, and ending and beginning it anew would be two system calls.
  Watched& watched = *found->second;
  watched.wants_read = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
  watched.wants_write = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
  loop.wait(found->second);
  return 0;
}

int CurlLoop::on_close(void* self, curl_socket_t socket) {
  static_cast<CurlLoop*>(self)->forget(socket);
  return ::close(socket);
}

void CurlLoop::forget(curl_socket_t socket) {
  const auto found = sockets_.find(socket);
  if (found == sockets_.end()) return;
  found->second->closed = true;
  found->second->descriptor.release();
  sockets_.erase(found);
}

int CurlLoop::on_timer(CURLM*, long timeout_ms, void* self) {
  auto& loop = *static_cast<CurlLoop*>(self);
  loop.wanted_ = timeout_ms < 0
                     ? TimePoint::max()
                     : std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  if (!loop.acting_) loop.arm_timer();
  return 0;
}

void CurlLoop::arm_timer() {
  // A timer that fires too early does no harm; setting it anew for each call would cost more.
  if (wanted_ >= armed_) return;
  armed_ = wanted_;
  timer_.expires_at(armed_);
  timer_.async_wait([this, alive = alive_](boost::system::error_code failure) {
    if (failure || !*alive) return;
    armed_ = TimePoint::max();
    if (wanted_ <= std::chrono::steady_clock::now()) {
      act(CURL_SOCKET_TIMEOUT, 0);
    } else {
      arm_timer();
    }
  });
}

void CurlLoop::wait(const std::shared_ptr<Watched>& watched) {
  if (watched->wants_read && !watched->waits_read) wait_for(watched, true);
  if (watched->wants_write && !watched->waits_write) wait_for(watched, false);
}

void CurlLoop::wait_for(const std::shared_ptr<Watched>& watched, bool reading) {
  using Descriptor = asio::posix::stream_descriptor;
  (reading ? watched->waits_read : watched->waits_write) = true;
  watched->descriptor.async_wait(
      reading ? Descriptor::wait_read : Descriptor::wait_write,
      [this, alive = alive_, watched, reading](boost::system::error_code failure) {
        (reading ? watched->waits_read : watched->waits_write) = false;
        if (failure || !*alive || watched->closed) return;
        ready(watched, reading);
      });
}

void CurlLoop::ready(const std::shared_ptr<Watched>& watched, bool reading) {
  if (reading ? watched->wants_read : watched->wants_write) {
    act(watched->descriptor.native_handle(), reading ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
    if (!watched->closed) wait(watched);
  }
}

void CurlLoop::act(curl_socket_t socket, int events) {
  // More than a few immediate repetitions would keep the rest of the program waiting.
  constexpr int immediate_rounds = 4;
  acting_ = true;
  int running = 0;
  for (int round = 0; round < immediate_rounds; ++round) {
    // Curl tells us again when it is still to be called: a call for time makes it forget what it
    // said last.
    if (socket == CURL_SOCKET_TIMEOUT) wanted_ = TimePoint::max();
    curl_multi_socket_action(multi_, socket, events, &running);
    if (wanted_ > std::chrono::steady_clock::now()) break;
    socket = CURL_SOCKET_TIMEOUT;
    events = 0;
  }
  acting_ = false;
  finish_done();
  arm_timer();
}

void CurlLoop::finish_done() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode result = message->data.result;
    Done* done = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &done);
    stop(easy);
    if (done != nullptr) (*done)(result);
  }
}

}  // namespace dockherd::docker_client
