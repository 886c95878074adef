#include "tests/unit/docker_client/name_gate.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <chrono>
#include <string_view>
#include <thread>

namespace dockherd::docker_client {

NameGate& name_gate() {
  static NameGate gate;
  return gate;
}

}  // namespace dockherd::docker_client

/// Found before the C library's by everything in this program, libcurl included.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  using namespace std::chrono_literals;
  using GetAddrInfo = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto of_library = reinterpret_cast<GetAddrInfo>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (name == nullptr || !std::string_view(name).ends_with(".test")) {
    return of_library(name, service, hints, result);
  }
  auto& gate = dockherd::docker_client::name_gate();
  ++gate.inside;
  // Long enough for curl to begin to watch for the end of the look-up.
  std::this_thread::sleep_for(20ms);
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (gate.closed && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
  const int failure = of_library("127.0.0.1", service, hints, result);
  --gate.inside;
  return failure;
}
