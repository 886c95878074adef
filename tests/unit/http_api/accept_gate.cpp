#include "tests/unit/http_api/accept_gate.hpp"

#include <dlfcn.h>
#include <sys/socket.h>

#include <cerrno>

namespace dockherd::http_api {

AcceptGate& accept_gate() {
  static AcceptGate gate;
  return gate;
}

}  // namespace dockherd::http_api

/// Found before the C library's by everything in this program.
extern "C" int accept(int socket, sockaddr* address, socklen_t* length) {
  using Accept = int (*)(int, sockaddr*, socklen_t*);
  static const auto of_library = reinterpret_cast<Accept>(dlsym(RTLD_NEXT, "accept"));
  auto& gate = dockherd::http_api::accept_gate();
  if (gate.starved) {
    ++gate.refusals;
    errno = EMFILE;
    return -1;
  }
  const int accepted = of_library(socket, address, length);
  if (accepted >= 0 && gate.on_accept) gate.on_accept();
  return accepted;
}
