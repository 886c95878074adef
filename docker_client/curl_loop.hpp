// libcurl's multi interface driven by an Asio event loop. Knows nothing of Docker.
#pragma once

#include <curl/curl.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/clock.hpp"

namespace dockherd::docker_client {

/// Purpose: runs transfers of easy handles on the loop's thread.
/// Lifecycle: outlives every easy handle that was prepare()d by it; none may be running at its end.
/// Sockets belong to curl: they are watched without being owned, and each is let go of before curl
/// closes it.
/// One thread only.
class CurlLoop {
 public:
  /// Keeps at most `idle_connections` open between transfers.
  CurlLoop(asio::any_io_executor executor, long idle_connections);
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  /// Sets what every handle of this loop needs. Once per handle.
  void prepare(CURL* easy);

  using Done = std::function<void(CURLcode)>;
  /// Begins a transfer; `*done` is called once, maybe before this returns, never from within one
  /// of curl's callbacks. It must live until then or until stop(). CURLOPT_PRIVATE is ours.
  void start(CURL* easy, Done* done);
  /// Ends a transfer without calling `done`; an unfinished one loses its connection. Not from
  /// within curl's callbacks (data arriving). Harmless when it has ended already.
  void stop(CURL* easy);

 private:
  struct Watched;

  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* watched);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);
  static int on_close(void* self, curl_socket_t socket);
  static bool is_kept(CURL* easy, curl_socket_t socket);

  void forget(curl_socket_t socket);
  void wait(const std::shared_ptr<Watched>& watched);
  void wait_for(const std::shared_ptr<Watched>& watched, bool reading);
  void ready(const std::shared_ptr<Watched>& watched, bool reading);
  void act(curl_socket_t socket, int events);
  void finish_done();
  void arm_timer();

  asio::any_io_executor executor_;
  CURLM* multi_;
  asio::steady_timer timer_;
  bool acting_ = false;                  // Curl is at work; the timer is looked at afterwards.
  TimePoint wanted_ = TimePoint::max();  // When curl wants to be called.
  TimePoint armed_ = TimePoint::max();   // When the timer will fire.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unordered_map<curl_socket_t, std::shared_ptr<Watched>> sockets_;
};

}  // namespace dockherd::docker_client
