// What networks and volumes have in common: they are made on every host of the pool, under one
// name.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.hpp"
#include "engine_api/api_context.hpp"
#include "engine_api/herd_calls.hpp"

namespace dockherd::engine_api {

/// Answers with what one host said.
asio::awaitable<void> answer_as(const ApiContext& context, http_api::Exchange& exchange,
                                HostAnswer answer);
/// Without a body: 204, or the 200 of calls that have nothing to tell. `left_out` as in
/// answer_json().
asio::awaitable<void> answer_empty(const ApiContext& context, http_api::Exchange& exchange,
                                   int status, std::vector<std::string> left_out = {});

/// A body of JSON: its text, and what it says.
struct JsonBody {
  std::string text;  ///< As it came; of a restricted caller what it was understood to say.
  json value;        ///< Null when it is not JSON: any daemon says best what is wrong with it.
};

/// Nothing when the request has been answered: too large, or not announced as JSON; and of a
/// restricted caller one that is no JSON, or that has a member twice.
asio::awaitable<std::optional<JsonBody>> read_json_body(ApiContext& context, ApiRequest& request);

/// The member of one of Docker's bodies by that name, in any case of its letters, to be changed.
json* member_of(json& body, std::string_view name);
/// Such a member, if it is a string; else empty.
std::string text_member(const json& body, std::string_view name);

/// Judges a body that makes something, for one who is no admin, and labels it with its owner for
/// all who have a name. False when the request has been answered with why not.
asio::awaitable<bool> take_ownership(ApiContext& context, ApiRequest& request, JsonBody& body,
                                     Result<void> (*judge)(const json& body));

/// A list's query for the daemons, and the nodes whose daemons are asked: the filter `node` is the
/// herd's own. What is no list of filters goes to them as it is, to be refused.
struct ListOrder {
  std::vector<HerdNode> nodes;
  Query query;
};
ListOrder read_list_order(const ApiContext& context, const Query& query);

/// What is to be made.
struct MakeOrder {
  explicit MakeOrder(NodeCall first_call) : call(std::move(first_call)) {}

  std::vector<HerdNode> hosts;  ///< At least one.
  NodeCall call;
  /// A 409 says that the host has it, and that this is fine as long as another one lacks it.
  bool conflict_means_there = false;
  /// The call for the other hosts, when it depends on what the first one made.
  std::function<NodeCall(const NodeCall& call, const HostAnswer& first)> for_others;
  /// How to remove what a host has made, or nothing when it was there before.
  std::function<std::optional<NodeCall>(const HerdNode& host, const HostAnswer& made)> undo;
};

/// Asks the first host and, when it has not refused, the others. The answer is that of the first
/// host that made it; when one fails, what was made is removed again and the answer names that
/// host.
asio::awaitable<HostAnswer> make_everywhere(ApiContext& context, MakeOrder order);

/// The answer to a removal, from those of all hosts that had the thing: 204 unless one refused.
HostAnswer removal_answer(std::vector<HostAnswer> answers);

/// What a change of a host's networks or volumes may take.
TimePoint change_deadline(const ApiContext& context);

}  // namespace dockherd::engine_api
