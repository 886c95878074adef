#include "engine_api/image_calls.hpp"

#include <algorithm>
#include <iterator>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/host_failures.hpp"
#include "engine_api/merge_images.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

/// A daemon that removes an image deletes its layers from the disk.
constexpr std::chrono::minutes longest_removal{10};

std::string inspect_path(const std::string& name) {
  return "/images/" + docker_client::url_encode(name) + "/json";
}

std::string id_in(const std::string& inspection) {
  const auto object = ObjectText::sliced(inspection);
  return object ? string_of(object->find("Id")).value_or("") : "";
}

/// Whether the image was found by the beginning of its id, and not by a name.
bool found_by_id(std::string_view name, const std::string& id) {
  constexpr std::string_view algorithm = "sha256:";
  if (name.starts_with(algorithm)) name.remove_prefix(algorithm.size());
  return is_hex(name) && id.starts_with(std::string(algorithm) + std::string(name));
}

/// This node before others, for its answer has the shortest way.
const HerdNode& nearest(const std::vector<HerdNode>& nodes) {
  const auto self =
      std::find_if(nodes.begin(), nodes.end(), [](const HerdNode& node) { return node.self; });
  return self == nodes.end() ? nodes.front() : *self;
}

/// Those that are in all of the lists.
std::vector<HerdNode> common(std::vector<HerdNode> nodes, const std::vector<HerdNode>& others) {
  std::erase_if(nodes, [&others](const HerdNode& node) {
    return std::none_of(others.begin(), others.end(),
                        [&node](const HerdNode& other) { return other.view.id == node.view.id; });
  });
  return nodes;
}

}  // namespace

asio::awaitable<void> ImageCalls::list(ApiRequest& request) {
  NodeCall call("GET", request.target("/images/json", request.query));
  const auto answers = co_await call_all(context_, std::move(call), context_.task_deadline());
  co_await answer_merged(context_, request.exchange, merge_images(answers));
}

asio::awaitable<ImageCalls::Holders> ImageCalls::holders_of(std::string name) {
  Holders holders;
  std::vector<std::string> ids;
  const std::vector<HerdNode> nodes = context_.herd.nodes();
  NodeCall call("GET", inspect_path(name));
  const auto answers =
      co_await call_nodes(context_, nodes, std::move(call), context_.task_deadline());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (answers[i].status == 200) {
      holders.nodes.push_back(nodes[i]);
      const std::string id = id_in(answers[i].body);
      if (found_by_id(name, id)) ids.push_back(id);
    } else if (answers[i].status == 404) {
      holders.lacking.push_back(nodes[i]);
    } else {
      holders.unknown.push_back(nodes[i].view.name);
    }
  }
  std::sort(ids.begin(), ids.end());
  holders.ambiguous = std::unique(ids.begin(), ids.end()) - ids.begin() > 1;
  co_return holders;
}

asio::awaitable<ImageCalls::Holders> ImageCalls::holders_of_any_tag(std::string repository) {
  Holders holders;
  const std::vector<HerdNode> nodes = context_.herd.nodes();
  const Query query{{"filters", "{\"reference\":[" + quote_json(repository) + "]}"}};
  NodeCall call("GET", "/images/json?" + format_query(query));
  const auto answers =
      co_await call_nodes(context_, nodes, std::move(call), context_.task_deadline());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto images = elements_of(answers[i].body);
    if (answers[i].status != 200) {
      holders.unknown.push_back(nodes[i].view.name);
    } else if (images && !images->empty()) {
      holders.nodes.push_back(nodes[i]);
    } else {
      holders.lacking.push_back(nodes[i]);
    }
  }
  co_return holders;
}

asio::awaitable<void> ImageCalls::ask_lacking(ApiRequest& request, const Holders& holders,
                                              std::string target) {
  HerdNode node = holders.lacking.empty() ? context_.herd.self() : nearest(holders.lacking);
  co_await relay_to(context_, request.exchange, std::move(node), std::move(target));
}

/// One question less than of the others: what a host says is the answer.
asio::awaitable<void> ImageCalls::inspect(ApiRequest& request) {
  std::vector<HerdNode> nodes = context_.herd.nodes();
  std::vector<HerdNode> own{context_.herd.self()};
  std::erase_if(nodes, [](const HerdNode& node) { return node.self; });
  const NodeCall call("GET", request.passed_target());
  auto answers = co_await call_nodes(context_, std::move(own), call, context_.task_deadline());
  if (answers.front().status >= 400 && !nodes.empty()) {
    auto others = co_await call_nodes(context_, std::move(nodes), call, context_.task_deadline());
    std::move(others.begin(), others.end(), std::back_inserter(answers));
  }
  // A success, else that nobody has it, else what else is wrong.
  const auto rank = [](const HostAnswer& answer) {
    return answer.status < 400 ? 0 : answer.status == 404 ? 1 : 2;
  };
  const auto best = std::min_element(answers.begin(), answers.end(),
                                     [&rank](const HostAnswer& left, const HostAnswer& right) {
                                       return rank(left) < rank(right);
                                     });
  std::vector<std::string> unknown;
  for (const HostAnswer& answer : answers) {
    if (rank(*best) == 1 && rank(answer) == 2) unknown.push_back(answer.hostname);
  }
  co_await answer_json(context_, request.exchange, best->status, std::move(best->body),
                       std::move(unknown));
}

asio::awaitable<void> ImageCalls::one(ApiRequest& request) {
  if (request.route.rest == "/json") {
    co_await inspect(request);
    co_return;
  }
  const std::string& name = request.route.name;
  const std::string tag = query_value(request.query, "tag").value_or("");
  const bool push = request.route.rest == "/push";
  Holders holders;
  if (push && tag.empty()) {
    holders = co_await holders_of_any_tag(name);
  } else {
    const std::string pushed = push ? name + ":" + tag : name;
    holders = co_await holders_of(pushed);
  }
  std::string target = request.passed_target();
  if (holders.nodes.empty()) {
    co_await ask_lacking(request, holders, std::move(target));
  } else {
    co_await relay_to(context_, request.exchange, nearest(holders.nodes), std::move(target));
  }
}

asio::awaitable<void> ImageCalls::several(ApiRequest& request) {
  std::vector<std::string> names;
  for (const auto& [key, value] : request.query) {
    if (key == "names") names.push_back(value);
  }
  std::vector<Holders> holders;
  std::vector<HerdNode> have_all = context_.herd.nodes();
  Query nowhere;
  for (const std::string& name : names) {
    Holders some = co_await holders_of(name);
    if (some.nodes.empty()) nowhere.emplace_back("names", name);
    have_all = common(std::move(have_all), some.nodes);
    holders.push_back(std::move(some));
  }
  if (names.empty() || !nowhere.empty()) {
    // Asked only about what it cannot have, the daemon says so in its own words.
    std::string target = request.target("/images/get", nowhere);
    co_await relay_to(context_, request.exchange, context_.herd.self(), std::move(target));
  } else if (have_all.empty()) {
    co_await answer_where(request, names, holders);
  } else {
    std::string target = request.passed_target();
    co_await relay_to(context_, request.exchange, nearest(have_all), std::move(target));
  }
}

asio::awaitable<void> ImageCalls::answer_where(ApiRequest& request,
                                               const std::vector<std::string>& names,
                                               const std::vector<Holders>& holders) {
  std::vector<std::string> places;
  for (std::size_t i = 0; i < names.size(); ++i) {
    places.push_back(names[i] + " is on " + join(names_of(holders[i].nodes)));
  }
  co_await answer_error(
      context_, request.exchange, 409,
      "no host has all of these images: " + join(places, "; ") + ". Save them one by one");
}

asio::awaitable<std::vector<HostAnswer>> ImageCalls::ask_holders(ApiRequest& request,
                                                                 Holders& holders) {
  holders = co_await holders_of(request.route.name);
  if (holders.ambiguous) {
    // As a daemon that has several of them.
    co_await answer_error(context_, request.exchange, 404, "No such image: " + request.route.name);
    co_return std::vector<HostAnswer>();
  }
  if (holders.nodes.empty()) {
    std::string target = request.passed_target();
    co_await ask_lacking(request, holders, std::move(target));
    co_return std::vector<HostAnswer>();
  }
  NodeCall call(std::string(request.exchange.method()), request.passed_target());
  const TimePoint deadline = context_.clock.now() + longest_removal;
  co_return co_await call_nodes(context_, holders.nodes, std::move(call), deadline);
}

asio::awaitable<void> ImageCalls::tag(ApiRequest& request) {
  Holders holders;
  const auto answers = co_await ask_holders(request, holders);
  if (answers.empty()) co_return;
  Merged merged = merge_image_tags(answers);
  if (merged.status != 201) {
    co_await answer_json(context_, request.exchange, merged.status, std::move(merged.body));
    co_return;
  }
  http_api::HeaderList headers = own_headers(context_.herd, "");
  std::erase_if(headers, [](const auto& field) { return field.first == "Content-Type"; });
  add_warning(headers, missing_hosts(context_, std::move(holders.unknown)));
  co_await request.exchange.respond(201, std::move(headers), "");
}

asio::awaitable<void> ImageCalls::remove(ApiRequest& request) {
  Holders holders;
  const auto answers = co_await ask_holders(request, holders);
  if (answers.empty()) co_return;
  Merged merged = merge_image_deletes(answers);
  for (std::string& host : holders.unknown) merged.left_out.push_back(std::move(host));
  co_await answer_merged(context_, request.exchange, std::move(merged));
}

}  // namespace dockherd::engine_api
