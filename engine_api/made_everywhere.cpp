#include "engine_api/made_everywhere.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <cctype>

#include "base/limits.hpp"
#include "docker_client/docker_codec.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/list_query.hpp"
#include "trust/ownership.hpp"

namespace dockherd::engine_api {

namespace {

/// A network's drivers program the kernel's filters, and wait for each other while they do.
constexpr std::chrono::seconds longest_change{30};

/// Why the body is not read, in dockerd's words.
std::optional<std::string> refused_type(const ApiRequest& request) {
  const std::string_view type = request.exchange.header("Content-Type");
  const std::string_view plain = type.substr(0, type.find(';'));
  const std::string_view length = request.exchange.header("Content-Length");
  if (type.empty() && (length.empty() || length == "0")) return std::nullopt;
  if (boost::beast::iequals({plain.data(), plain.size()}, "application/json")) return std::nullopt;
  return "Content-Type specified (" + std::string(type) + ") must be 'application/json'";
}

bool made(const HostAnswer& answer) {
  return answer.status >= 200 && answer.status < 300;
}

HostAnswer named(const HostAnswer& answer, const std::string& addition) {
  std::string message = docker_client::error_message(answer.body);
  const std::string prefix = answer.hostname + ": ";
  if (!message.starts_with(prefix)) message.insert(0, prefix);
  return {answer.hostname, answer.status, docker_message(message + addition)};
}

/// Removes what `answers` say was made. The names of hosts where that failed.
asio::awaitable<std::vector<std::string>> undo_all(ApiContext& context, const MakeOrder& order,
                                                   const std::vector<HostAnswer>& answers) {
  std::vector<std::string> left;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!made(answers[i])) continue;
    auto call = order.undo(order.hosts[i], answers[i]);
    if (!call) continue;
    const auto response =
        co_await call_node(context, order.hosts[i], std::move(*call), change_deadline(context));
    if (!response || (!response->ok() && response->status != 404)) {
      left.push_back(order.hosts[i].view.name);
    }
  }
  co_return left;
}

}  // namespace

TimePoint change_deadline(const ApiContext& context) {
  return context.clock.now() + longest_change;
}

asio::awaitable<void> answer_empty(const ApiContext& context, http_api::Exchange& exchange,
                                   int status, std::vector<std::string> left_out) {
  http_api::HeaderList headers = own_headers(context.herd, "");
  std::erase_if(headers, [](const auto& field) { return field.second.empty(); });
  add_warning(headers, left_out);
  co_await exchange.respond(status, std::move(headers), "");
}

asio::awaitable<void> answer_as(const ApiContext& context, http_api::Exchange& exchange,
                                HostAnswer answer) {
  if (answer.body.empty()) {
    co_await answer_empty(context, exchange, answer.status);
  } else {
    co_await answer_json(context, exchange, answer.status, std::move(answer.body));
  }
}

asio::awaitable<std::optional<JsonBody>> read_json_body(ApiContext& context, ApiRequest& request) {
  if (const auto refused = refused_type(request)) {
    co_await answer_error(context, request.exchange, 400, *refused);
    co_return std::nullopt;
  }
  auto text = co_await request.exchange.read_body(limits::json_bytes);
  if (!text) {
    co_await answer_error(context, request.exchange, text.error());
    co_return std::nullopt;
  }
  JsonBody body;
  body.text = std::move(*text);
  auto value = request.restricted ? parse_json_strictly(body.text) : parse_json(body.text);
  if (request.restricted) {
    // A daemon may read another text than was judged, so it never gets what he has written.
    if (!value) {
      co_await answer_error(context, request.exchange, 400, value.error().message);
      co_return std::nullopt;
    }
    body.text = dump_json(*value);
  }
  if (value) body.value = std::move(*value);
  co_return body;
}

asio::awaitable<bool> take_ownership(ApiContext& context, ApiRequest& request, JsonBody& body,
                                     Result<void> (*judge)(const json& body)) {
  const trust::Principal& caller = request.exchange.caller().principal;
  if (caller.name.empty()) co_return true;
  // What is no object any daemon refuses.
  if (!body.value.is_object() && !request.restricted) co_return true;
  Result<void> judged;
  if (request.restricted) judged = judge(body.value);
  if (judged) judged = trust::claim_for(caller, body.value);
  if (judged) {
    body.text = dump_json(body.value);
    co_return true;
  }
  co_await answer_error(context, request.exchange, judged.error());
  co_return false;
}

json* member_of(json& body, std::string_view name) {
  return const_cast<json*>(find_member(body, name));
}

std::string text_member(const json& body, std::string_view name) {
  const json* member = find_member(body, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

ListOrder read_list_order(const ApiContext& context, const Query& query) {
  ListOrder order;
  order.nodes = context.herd.nodes();
  order.query = query;
  auto filters = read_filters(query_value(query, "filters").value_or(""));
  if (!filters) return order;
  const std::vector<std::string> names = take_filter(*filters, "node");
  if (names.empty()) return order;
  std::erase_if(order.nodes, [&names](const HerdNode& node) {
    return std::none_of(names.begin(), names.end(), [&node](const std::string& name) {
      return name == node.view.name || name == node.view.id;
    });
  });
  for (auto& [key, value] : order.query) {
    if (key == "filters") value = filters->empty() ? "" : dump_json(*filters);
  }
  return order;
}

asio::awaitable<HostAnswer> make_everywhere(ApiContext& context, MakeOrder order) {
  const auto is_fine = [&order](const HostAnswer& answer) {
    return made(answer) || (order.conflict_means_there && answer.status == 409);
  };
  // The first one alone: it says what is wrong with the request before anything has been made, and
  // of two that make the same thing at once one comes second here.
  std::vector<HerdNode> first_host(order.hosts.begin(), order.hosts.begin() + 1);
  std::vector<HostAnswer> answers =
      co_await call_nodes(context, std::move(first_host), order.call, change_deadline(context));
  if (!is_fine(answers[0])) co_return answers[0];
  NodeCall call =
      order.for_others && made(answers[0]) ? order.for_others(order.call, answers[0]) : order.call;
  std::vector<HerdNode> others(order.hosts.begin() + 1, order.hosts.end());
  for (HostAnswer& answer :
       co_await call_nodes(context, std::move(others), std::move(call), change_deadline(context))) {
    answers.push_back(std::move(answer));
  }
  const auto failed = std::find_if_not(answers.begin(), answers.end(), is_fine);
  if (failed != answers.end()) {
    const std::vector<std::string> left = co_await undo_all(context, order, answers);
    std::string addition;
    for (const std::string& host : left) {
      addition += (addition.empty() ? "; could not be removed again from " : ", ") + host;
    }
    co_return named(*failed, addition);
  }
  const auto first = std::find_if(answers.begin(), answers.end(), made);
  co_return first == answers.end() ? answers[0] : *first;
}

HostAnswer removal_answer(std::vector<HostAnswer> answers) {
  // Somebody else has removed what is not there any more.
  std::size_t refused = 0;
  const HostAnswer* refusal = nullptr;
  for (const HostAnswer& answer : answers) {
    if (made(answer) || answer.status == 404) continue;
    if (refusal == nullptr) refusal = &answer;
    ++refused;
  }
  if (refusal == nullptr) return {"", 204, ""};
  const bool all_alike = std::all_of(answers.begin(), answers.end(), [&](const auto& answer) {
    return answer.status == refusal->status && answer.body == refusal->body;
  });
  if (all_alike) return *refusal;
  const std::size_t removed = answers.size() - refused;
  return named(*refusal, removed == 0 ? ""
                                      : " (removed from " + std::to_string(removed) + " of " +
                                            std::to_string(answers.size()) + " hosts)");
}

}  // namespace dockherd::engine_api
