// One call to several hosts at once whose answers are streams of progress: one stream of lines.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/host_failures.hpp"
#include "engine_api/progress_lines.hpp"
#include "http_api/upstream_call.hpp"

namespace dockherd::engine_api {

/// Purpose: asks all hosts, reads what each says, and holds back the faster ones while nobody takes
/// their lines: one piece of each host is under way.
/// Lifecycle: open(), follow(), next() until it has no more; then the ends may be asked for. Shared
/// with the coroutines that read, which end once close() has been called. One thread only.
class HostStreams {
 public:
  HostStreams(ApiContext& context, std::vector<HerdNode> nodes);
  HostStreams(const HostStreams&) = delete;
  HostStreams& operator=(const HostStreams&) = delete;

  /// Connects to every host and sends the head. The body is for the caller to send.
  static asio::awaitable<void> open(std::shared_ptr<HostStreams> streams,
                                    http_api::RequestHead head);
  /// Those that were reached.
  std::vector<std::shared_ptr<http_api::Connection>> connections() const;
  /// Begins to read what they answer.
  static void follow(const std::shared_ptr<HostStreams>& streams);

  /// The next lines. The first come, though they may be empty, when a host has accepted the call;
  /// nothing when every host has ended.
  asio::awaitable<std::optional<std::string>> next();

  /// Ends what the hosts still do.
  void close();
  /// The same, and next() will not be called any more.
  void abandon();

  /// Of the first host that has accepted the call.
  const std::string& content_type() const { return content_type_; }
  /// What the hosts have made, each line once.
  std::string results() const;
  std::vector<HostFailure> failures() const;
  /// The line of error that ends the stream; empty when no host has failed.
  std::string failure_line() const;

 private:
  struct Host {
    Host(ApiContext& context, HerdNode asked);

    HerdNode node;
    http_api::UpstreamCall call;
    ProgressRelabel lines;
    std::optional<HostFailure> failure;  ///< Other than what its lines tell.
    bool ended = false;
  };
  struct Piece {
    Piece() = default;
    Piece(std::string lines, bool is_last) : text(std::move(lines)), last(is_last) {}

    std::string text;
    bool last = false;
  };

  static asio::awaitable<void> follow_one(std::shared_ptr<HostStreams> streams, std::size_t index);
  asio::awaitable<Result<void>> pass_lines(Host& host);
  asio::awaitable<void> send(Piece piece);
  void note_failure(Host& host, const Error& error);

  ApiContext& context_;
  std::vector<std::unique_ptr<Host>> hosts_;
  asio::experimental::channel<void(boost::system::error_code, Piece)> pieces_;
  std::size_t running_ = 0;
  bool accepted_ = false;  ///< By any host.
  std::string content_type_ = "application/json";
};

}  // namespace dockherd::engine_api
