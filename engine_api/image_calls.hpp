// Calls about images that hosts have: one of them answers, or all that have the image act.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

/// One thread only.
class ImageCalls {
 public:
  explicit ImageCalls(ApiContext& context) : context_(context) {}

  asio::awaitable<void> list(ApiRequest& request);
  /// Inspect, history, save and push: from a host that has it, this node rather than another.
  asio::awaitable<void> one(ApiRequest& request);
  /// Save of several: from a host that has all.
  asio::awaitable<void> several(ApiRequest& request);
  asio::awaitable<void> tag(ApiRequest& request);
  asio::awaitable<void> remove(ApiRequest& request);

 private:
  /// Where an image is: the hosts by hostname.
  struct Holders {
    std::vector<HerdNode> nodes;
    std::vector<HerdNode> lacking;
    std::vector<std::string> unknown;  ///< Names of hosts that did not say.
    bool ambiguous = false;            ///< A prefix of the ids of several images.
  };

  asio::awaitable<Holders> holders_of(std::string name);
  asio::awaitable<Holders> holders_of_any_tag(std::string repository);
  asio::awaitable<void> answer_where(ApiRequest& request, const std::vector<std::string>& names,
                                     const std::vector<Holders>& holders);
  asio::awaitable<void> inspect(ApiRequest& request);
  /// By a daemon that lacks it: for what a daemon says of an image that nobody has.
  asio::awaitable<void> ask_lacking(ApiRequest& request, const Holders& holders,
                                    std::string target);
  /// The answers of every holder; none when the request has been answered without them.
  asio::awaitable<std::vector<HostAnswer>> ask_holders(ApiRequest& request, Holders& holders);

  ApiContext& context_;
};

}  // namespace dockherd::engine_api
