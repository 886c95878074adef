// An image from one host to others, as "docker save | docker load" would take it there.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/host_failures.hpp"
#include "http_api/upstream_call.hpp"

namespace dockherd::engine_api {

/// Purpose: reads the image once and writes it to all that lack it; the slowest sets the pace. A
/// host that has it already is only told its names.
/// Lifecycle: make, run() once, then look at the ends. Shared with the coroutines of its hosts.
/// One thread only.
class ImageCopy {
 public:
  /// `names`: with their tags; when there are none the image goes by `id`, which may be empty when
  /// there are.
  ImageCopy(ApiContext& context, HerdNode source, std::vector<HerdNode> targets, std::string id,
            std::vector<std::string> names);
  ImageCopy(const ImageCopy&) = delete;
  ImageCopy& operator=(const ImageCopy&) = delete;

  static asio::awaitable<void> run(std::shared_ptr<ImageCopy> copy);
  /// Ends what is under way.
  void close();

  const std::vector<std::string>& loaded() const { return loaded_; }  ///< Names of hosts.
  const std::vector<HostFailure>& failures() const { return failures_; }

 private:
  struct Target {
    Target(ApiContext& context, HerdNode host);

    HerdNode node;
    http_api::UpstreamCall load;
    bool open = false;  ///< Takes more of the image.
  };

  asio::awaitable<void> tag_where_it_is();
  asio::awaitable<Result<http_api::HeaderList>> open_source();
  static asio::awaitable<void> open_targets(std::shared_ptr<ImageCopy> copy,
                                            http_api::HeaderList headers);
  asio::awaitable<void> pump();
  asio::awaitable<void> write_to_all(std::string_view piece);
  static asio::awaitable<void> read_ends(std::shared_ptr<ImageCopy> copy);
  asio::awaitable<void> read_end(Target& target);
  void fail(const HerdNode& node, const Error& error);

  ApiContext& context_;
  HerdNode source_;
  std::vector<HerdNode> nodes_;
  std::string id_;
  std::vector<std::string> names_;
  std::unique_ptr<http_api::UpstreamCall> save_;
  std::vector<std::unique_ptr<Target>> targets_;
  std::vector<std::string> loaded_;
  std::vector<HostFailure> failures_;
};

}  // namespace dockherd::engine_api
