// One HTTP exchange with a daemon: an easy handle, what it sends and what it has received.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "docker_client/curl_loop.hpp"
#include "docker_client/docker.hpp"
#include "docker_client/engine_address.hpp"

namespace dockherd::docker_client {

/// Files of PEM text; empty ones are not used.
struct TlsFiles {
  std::string authority;
  std::string certificate;
  std::string key;
};

/// What may be received before it is too much.
struct TransferLimits {
  std::size_t body_bytes;  ///< Of a whole response; of undelivered lines in a stream.
  std::size_t line_bytes;  ///< One line of a stream; a longer one is left out of it.
};

/// Purpose: runs one request at a time. Kept and used again, because setting up a handle costs more
/// than a call.
/// Lifecycle: begin(), wait() until it says so, take the response, reset(). Destroying or
/// reset()ting a running one breaks its connection.
class Transfer {
 public:
  Transfer(CurlLoop& loop, const asio::any_io_executor& executor, const EngineAddress& address,
           const TlsFiles& tls, const TransferLimits& limits);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  enum class Shape { whole, lines };
  /// Sends `request`, whose text must live until the end, under `version` ("1.41"; empty: without).
  void begin(const DockerRequest& request, std::string_view version, Shape shape);

  /// Returns true as soon as there is something new (headers, lines, the end), false at `deadline`.
  /// Throws operation_aborted when cancelled.
  asio::awaitable<bool> wait(TimePoint deadline);

  bool ended() const { return result_.has_value(); }
  bool headers_complete() const { return headers_complete_; }
  /// What went wrong; only when ended(), and nothing when all went well.
  std::optional<Error> failure() const;
  /// Whether any byte of the request has left: before, nothing can have changed.
  bool request_was_sent() const;
  DockerResponse take_response();
  DockerResponse& response() { return response_; }

  /// The lines received and not yet taken, each ended by '\n', except that after the end the last
  /// may lack it.
  std::string take_lines();

  void reset();

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  void set_method(const DockerRequest& request);
  void set_headers(const DockerRequest& request);
  void read_header(std::string_view line);
  bool read_body(std::string_view data);
  void keep_lines(std::string_view data);
  void warn_of_skipped_line();
  void wake();

  CurlLoop& loop_;
  CURL* easy_;
  curl_slist* header_list_ = nullptr;
  TransferLimits limits_;
  asio::steady_timer news_;  // Expires at the deadline of wait(); cancelled when there is news.
  CurlLoop::Done done_;
  Shape shape_ = Shape::whole;
  DockerResponse response_;
  std::string target_;               // With the version; kept for its memory.
  std::size_t open_line_bytes_ = 0;  // At the end of the body: a line without its newline yet.
  std::optional<CURLcode> result_;
  bool was_plain_ = false;  // The options are those of a GET without body and headers.
  bool running_ = false;
  bool headers_complete_ = false;
  bool too_large_ = false;
  bool has_news_ = false;
  bool skips_line_ = false;   // Until the next newline.
  bool has_skipped_ = false;  // In this stream, and the log has it.
};

}  // namespace dockherd::docker_client
