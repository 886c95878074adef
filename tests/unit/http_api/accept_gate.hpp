// Stands between the server and the C library's accept(), by which Asio takes connections: so a
// test can let it fail, or do something in the moment in which it succeeds.
#pragma once

#include <atomic>
#include <functional>

namespace dockherd::http_api {

struct AcceptGate {
  std::atomic<bool> starved = false;  ///< As if the process had no descriptor left.
  std::atomic<int> refusals = 0;      ///< How often that was said.
  std::function<void()> on_accept;    ///< Called on the server's thread.
};

/// The only one.
AcceptGate& accept_gate();

}  // namespace dockherd::http_api
