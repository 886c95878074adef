// The Docker Engine API of one daemon, over its socket, by libcurl.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "docker_client/docker.hpp"
#include "docker_client/slots.hpp"
#include "docker_client/transfer.hpp"

namespace dockherd::docker_client {

struct EngineSettings {
  std::string address = "unix:///var/run/docker.sock";  ///< Or "tcp://host:port".
  bool tls = false;                                     ///< For tcp://.
  TlsFiles tls_files;
  std::size_t connections = limits::docker_connections;  ///< Calls at once; more wait their turn.
  std::size_t waiting = limits::docker_calls_waiting;    ///< This many; those beyond are refused.
  std::size_t response_bytes = limits::docker_response_bytes;
  std::size_t event_bytes = limits::docker_event_bytes;
};

/// Purpose: the one way from an agent to its daemon. Connections are kept open between calls for
/// requests that change nothing; those that change something are sent once, on a connection of
/// their own, so that none is ever repeated unseen.
/// The API version is asked for at the first call, and again after the daemon was away or answers
/// as a different version than before.
/// Errors beyond those of the port: bad_request (target or header with bytes that HTTP has no place
/// for).
/// Lifecycle: outlives its calls. One thread only.
class EngineClient final : public Docker {
 public:
  /// Throws invalid_argument when the address is not one. Connects at the first call.
  EngineClient(asio::any_io_executor executor, EngineSettings settings);
  ~EngineClient() override;

  asio::awaitable<Result<DockerResponse>> call(DockerRequest request) override;
  asio::awaitable<Result<void>> stream_lines(
      DockerRequest request, std::function<void()> on_open,
      std::function<void(std::string_view)> on_line) override;
  DaemonVersion version() const override { return known_; }

 private:
  class Borrowed;

  asio::awaitable<Result<DockerResponse>> exchange(const DockerRequest& request,
                                                   std::string_view api_version);
  asio::awaitable<Result<void>> negotiate(TimePoint deadline);
  asio::awaitable<std::optional<std::string>> minimum_of_daemon(TimePoint deadline);
  asio::awaitable<Result<void>> read_lines(Transfer& transfer, TimePoint deadline,
                                           const std::function<void()>& on_open,
                                           const std::function<void(std::string_view)>& on_line);
  void learn_from(const DockerResponse& response);
  Error at_deadline(const Transfer& transfer) const;
  Error note(Error error);

  asio::any_io_executor executor_;
  EngineSettings settings_;
  EngineAddress address_;
  Logger log_;
  CurlLoop loop_;
  Slots slots_;
  Slots own_slots_;  // Of own looks.
  std::vector<std::unique_ptr<Transfer>> idle_;
  DaemonVersion known_;
  std::string daemon_api_version_;  // The headers by which it said last who it is.
  std::string daemon_server_;
  bool negotiated_ = false;
};

}  // namespace dockherd::docker_client
