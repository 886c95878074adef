#include "docker_client/engine_address.hpp"

#include <sys/un.h>

#include <algorithm>
#include <utility>

#include "base/json_reader.hpp"

namespace dockherd::docker_client {

namespace {

Error wrong(std::string_view address, std::string_view why) {
  return {errc::bad_config, "Docker address " + quote_json(address) + ": " + std::string(why)};
}

bool is_port(std::string_view text) {
  const bool digits =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text.empty() || text.size() > 5 || !digits) return false;
  const int port = std::stoi(std::string(text));
  return port > 0 && port <= 65'535;
}

bool is_host(std::string_view text) {
  constexpr std::string_view others = ".-_:[]%";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           others.find(c) != std::string_view::npos;
  });
}

Result<EngineAddress> parse_unix(std::string_view address, std::string_view path) {
  if (path.empty() || path.front() != '/') return wrong(address, "expected unix:///path");
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return wrong(address, "the path of a unix socket has at most 107 bytes");
  }
  EngineAddress parsed;
  parsed.base_url = "http://docker";
  parsed.socket_path = std::string(path);
  return parsed;
}

Result<EngineAddress> parse_tcp(std::string_view address, std::string_view rest, bool tls) {
  if (rest.ends_with('/')) rest.remove_suffix(1);
  std::string_view host = rest;
  std::string_view port = tls ? "2376" : "2375";
  const auto colon = rest.rfind(':');
  const auto bracket = rest.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
  }
  if (!is_host(host)) return wrong(address, "expected tcp://host:port");
  if (!is_port(port)) return wrong(address, "the port must be from 1 to 65535");
  EngineAddress parsed;
  parsed.base_url = tls ? "https://" : "http://";
  parsed.base_url.append(host).append(":").append(port);
  return parsed;
}

}  // namespace

Result<EngineAddress> parse_engine_address(std::string_view address, bool tls) {
  constexpr std::string_view unix_scheme = "unix://";
  constexpr std::string_view tcp_scheme = "tcp://";
  if (address.starts_with(unix_scheme)) {
    return parse_unix(address, address.substr(unix_scheme.size()));
  }
  if (address.starts_with(tcp_scheme)) {
    return parse_tcp(address, address.substr(tcp_scheme.size()), tls);
  }
  return wrong(address, "expected unix:///path or tcp://host:port");
}

}  // namespace dockherd::docker_client
