// How the HTTP server is run. Defaults are the program's limits; tests shorten the times.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "http_api/client_limits.hpp"
#include "trust/tls_holder.hpp"

namespace dockherd::http_api {

struct ServerSettings {
  std::string address = "127.0.0.1:8080";       ///< As parse_listen_address() takes it.
  std::string product = "dockherd";             ///< The Server header: "dockherd/VERSION".
  std::shared_ptr<const trust::TlsHolder> tls;  ///< Null: plain.
  /// Only other agents of this herd get in. What they say of whom they ask for is believed.
  bool for_agents = false;

  std::size_t max_connections = limits::http_connections;
  std::size_t max_header_bytes = limits::http_header_bytes;
  std::size_t max_body_bytes = limits::http_body_bytes;

  LimitSettings limits;  ///< Of one client. Agents have none.

  Duration idle_timeout = limits::http_idle_timeout;      ///< Until the first byte of a request.
  Duration header_timeout = limits::http_header_timeout;  ///< First byte to end of the header.
  Duration body_timeout = limits::http_body_timeout;      ///< End of the header to end of the body.
  Duration write_timeout = limits::http_write_timeout;    ///< In which nothing of it is taken.
  Duration longest_silence = limits::http_longest_silence;  ///< See Connection::expire().
  Duration gone_grace = limits::http_gone_grace;            ///< See Exchange::look_after_client().
  Duration linger_timeout = std::chrono::seconds(2);        ///< See Connection::linger().
};

}  // namespace dockherd::http_api
