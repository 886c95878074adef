// Calls about volumes: those of one name on all hosts are one.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/made_everywhere.hpp"

namespace dockherd::engine_api {

/// One thread only.
class VolumeCalls {
 public:
  explicit VolumeCalls(ApiContext& context) : context_(context) {}

  asio::awaitable<void> list(ApiRequest& request);
  asio::awaitable<void> inspect(ApiRequest& request);
  asio::awaitable<void> create(ApiRequest& request);
  asio::awaitable<void> remove(ApiRequest& request);

 private:
  struct Holders {
    std::vector<HerdNode> nodes;
    std::vector<HerdNode> silent;  ///< They have not said whether they have it.
  };
  asio::awaitable<void> answer_no_volume(ApiRequest& request);
  asio::awaitable<bool> may_make(const ApiRequest& request, std::string volume);
  asio::awaitable<Holders> holders_of(std::string volume);
  asio::awaitable<std::optional<HostAnswer>> refusal_of(std::vector<HerdNode> holders,
                                                        std::string volume);

  ApiContext& context_;
};

}  // namespace dockherd::engine_api
