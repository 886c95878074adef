// GET /containers/json: this node's list, and those of all nodes as one.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine_api/api_context.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/list_query.hpp"

namespace dockherd::engine_api {

/// Purpose: answers lists. Without filters no daemon is asked: each owner keeps its own list true,
/// and tells others only that theirs has not changed where that is so (RFC 9110, 13.1.2).
/// One thread only.
class ListCalls {
 public:
  explicit ListCalls(ApiContext& context) : context_(context) {}

  /// The herd's list.
  asio::awaitable<void> serve(ApiRequest& request);
  /// This node's part, for the node that was asked.
  asio::awaitable<void> serve_here(ApiRequest& request);

 private:
  /// One node's list, as it was last.
  struct Part {
    std::string tag;
    std::shared_ptr<const std::string> text;
  };
  /// What was merged last of one kind, and of which parts.
  struct Whole {
    std::vector<std::string> tags;
    std::shared_ptr<const std::string> text;
  };

  asio::awaitable<void> serve_kept(ApiRequest& request, ListQuery wanted,
                                   std::vector<HerdNode> nodes);
  asio::awaitable<void> serve_filtered(ApiRequest& request, ListQuery wanted,
                                       std::vector<HerdNode> nodes);
  void forget_gone(const std::vector<HerdNode>& nodes);
  asio::awaitable<Result<Part>> part_of(HerdNode node, bool all);
  asio::awaitable<Result<http_api::WholeResponse>> filtered_part(HerdNode node, std::string target,
                                                                 trust::Principal asks,
                                                                 bool with_sizes);
  asio::awaitable<Result<void>> resolve_bounds(ListQuery& wanted, std::string only_of);
  asio::awaitable<Result<TimeBound>> bound_at(std::string reference, std::string only_of);

  ApiContext& context_;
  std::map<std::pair<std::string, bool>, Part> parts_;  // (node, all) -> its latest list.
  std::map<bool, Whole> wholes_;                        // all -> of every node.
};

}  // namespace dockherd::engine_api
