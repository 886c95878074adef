#include "engine_api/herd_calls.hpp"

#include <boost/beast/core/string.hpp>
#include <memory>

#include "base/limits.hpp"
#include "base/parallel.hpp"
#include "engine_api/docker_error.hpp"
#include "http_api/responses.hpp"

namespace dockherd::engine_api {

namespace {

HostAnswer failed_answer(const std::string& hostname, const Error& error) {
  HostAnswer answer;
  answer.hostname = hostname;
  answer.status = http_api::http_status(error);
  answer.body = docker_message(hostname + ": " + error.message);
  return answer;
}

}  // namespace

std::string upstream_of(const ApiContext& context, const HerdNode& node) {
  return node.self ? context.settings.daemon : node.called_at;
}

void add_node_header(const HerdNode& node, http_api::HeaderList& headers) {
  if (node.self) return;
  // Whether a browser may ask has been decided here; the other agent knows another Host.
  std::erase_if(headers,
                [](const auto& field) { return boost::beast::iequals(field.first, "Origin"); });
  headers.emplace_back(std::string(node_header), node.view.id);
}

void add_node_header(const HerdNode& node, const trust::Principal& caller,
                     http_api::HeaderList& headers) {
  add_node_header(node, headers);
  if (node.self || caller.name.empty()) return;
  headers.emplace_back(std::string(http_api::user_header), caller.name);
  headers.emplace_back(std::string(http_api::role_header), std::string(to_string(caller.role)));
}

http_api::RequestHead passed_head(const http_api::Exchange& exchange, std::string target,
                                  bool may_upgrade) {
  http_api::RequestHead head(std::string(exchange.method()), std::move(target));
  const bool upgrade = may_upgrade && http_api::wants_upgrade(exchange.headers());
  head.headers = http_api::passed_on(exchange.headers(), upgrade);
  return head;
}

asio::awaitable<void> relay_to(ApiContext& context, http_api::Exchange& exchange, HerdNode node,
                               std::string target) {
  http_api::RelayOrder order(upstream_of(context, node), passed_head(exchange, std::move(target)));
  add_node_header(node, exchange.caller().principal, order.head.headers);
  const auto passed = co_await exchange.relay(std::move(order));
  if (passed || !exchange.unanswered()) co_return;
  co_await answer_error(context, exchange, passed.error(), node.view.name);
}

asio::awaitable<Result<http_api::WholeResponse>> call_node(ApiContext& context, HerdNode node,
                                                           NodeCall call, TimePoint deadline) {
  http_api::UpstreamCall upstream(context.upstreams, upstream_of(context, node));
  http_api::RequestHead head(std::move(call.method), std::move(call.target));
  head.headers = std::move(call.headers);
  add_node_header(node, call.in_name_of, head.headers);
  if (!call.body.empty()) {
    head.headers.emplace_back("Content-Type", call.content_type);
  }
  if (!call.body.empty() || head.method == "POST") {
    head.headers.emplace_back("Content-Length", std::to_string(call.body.size()));
  }
  auto sent = co_await upstream.send(std::move(head), call.body, deadline);
  if (!sent) co_return sent.error();
  auto headed = co_await upstream.read_final_head(deadline);
  if (!headed) co_return headed.error();
  co_return co_await upstream.read_whole(limits::upstream_response_bytes, deadline);
}

asio::awaitable<std::vector<HostAnswer>> call_nodes(ApiContext& context,
                                                    std::vector<HerdNode> nodes, NodeCall call,
                                                    TimePoint deadline) {
  struct Run {
    Run(std::vector<HerdNode> asked, NodeCall question)
        : nodes(std::move(asked)), call(std::move(question)), answers(nodes.size()) {}
    std::vector<HerdNode> nodes;
    NodeCall call;
    std::vector<HostAnswer> answers;
  };
  const auto run = std::make_shared<Run>(std::move(nodes), std::move(call));
  IndexedTask each = [&context, run, deadline](std::size_t index) -> asio::awaitable<void> {
    const HerdNode& node = run->nodes[index];
    auto response = co_await call_node(context, node, run->call, deadline);
    HostAnswer& answer = run->answers[index];
    if (!response) {
      answer = failed_answer(node.view.name, response.error());
      co_return;
    }
    answer.hostname = node.view.name;
    answer.status = response->status;
    answer.body = std::move(response->body);
  };
  co_await for_each_index(context.tasks, "call to all hosts", run->nodes.size(),
                          limits::hosts_at_once, std::move(each));
  co_return std::move(run->answers);
}

asio::awaitable<HostAnswer> call_host(ApiContext& context, HerdNode node, NodeCall call,
                                      TimePoint deadline) {
  std::vector<HerdNode> nodes;
  nodes.push_back(std::move(node));
  auto answers = co_await call_nodes(context, std::move(nodes), std::move(call), deadline);
  co_return std::move(answers.front());
}

asio::awaitable<std::vector<HostAnswer>> call_all(ApiContext& context, NodeCall call,
                                                  TimePoint deadline) {
  return call_nodes(context, context.herd.nodes(), std::move(call), deadline);
}

std::vector<HerdNode> pool_of(const ApiContext& context) {
  std::vector<HerdNode> nodes = context.herd.nodes();
  std::erase_if(nodes, [](const HerdNode& node) { return !node.in_pool || !node.daemon_up; });
  return nodes;
}

std::vector<std::string> missing_hosts(const ApiContext& context,
                                       std::vector<std::string> left_out) {
  for (const LostHost& host : context.herd.lost_hosts()) left_out.push_back(host.text());
  return left_out;
}

asio::awaitable<void> answer_merged(const ApiContext& context, http_api::Exchange& exchange,
                                    Merged merged) {
  // An error is of the hosts that would be missing; but what some lack others may have.
  if (merged.status >= 400 && merged.status != 404) merged.left_out.clear();
  std::vector<std::string> missing = missing_hosts(context, std::move(merged.left_out));
  co_await answer_json(context, exchange, merged.status, std::move(merged.body),
                       std::move(missing));
}

std::vector<std::string> names_of(const std::vector<HerdNode>& nodes) {
  std::vector<std::string> names;
  names.reserve(nodes.size());
  for (const HerdNode& node : nodes) names.push_back(node.view.name);
  return names;
}

}  // namespace dockherd::engine_api
