#include "engine_api/list_calls.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "base/limits.hpp"
#include "base/parallel.hpp"
#include "docker_client/docker_codec.hpp"
#include "engine_api/container_view.hpp"
#include "engine_api/object_text.hpp"
#include "engine_api/whose.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::string_view list_path = "/containers/json";

std::string header_of(const http_api::WholeResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (boost::beast::iequals(key, {name.data(), name.size()})) return value;
  }
  return {};
}

/// Of an entry as dockerd writes it: its first member.
std::string id_of(std::string_view entry) {
  constexpr std::string_view mark = "{\"Id\":\"";
  return entry.starts_with(mark) ? std::string(entry.substr(mark.size(), 64)) : std::string();
}

std::string id_in(std::string_view entry) {
  const auto object = ObjectText::sliced(entry);
  return object ? string_of(object->find("Id")).value_or("") : std::string();
}

Error docker_refusal(int status, std::string message) {
  Error error(errc::docker_refused, std::move(message));
  error.docker_status = status;
  return error;
}

/// Each entry as the herd shows it, those out of bounds left out. Another node has shown its own so
/// already.
std::string decorated(std::string_view list, const HerdNode& node, const ApiContext& context,
                      const ListQuery& wanted) {
  const auto entries = slice_json_array(list);
  if (!entries) return "[]";
  std::string out = "[";
  for (const std::string_view entry : *entries) {
    std::string shown(entry);
    if (node.self) {
      shown = with_created_nano(herd_list_entry(entry, node.view, context.settings.names),
                                context.herd.created_nano(id_of(entry)));
    }
    if (!wanted.within_bounds(node.view.id, created_nano_of(shown))) continue;
    if (out.size() > 1) out += ',';
    out += shown;
  }
  return out + "]";
}

}  // namespace

asio::awaitable<void> ListCalls::serve(ApiRequest& request) {
  std::vector<HerdNode> nodes = context_.herd.nodes();
  auto wanted = read_list_query(request.query, [&nodes](const std::string& name) {
    return std::any_of(nodes.begin(), nodes.end(),
                       [&name](const HerdNode& node) { return node.view.name == name; });
  });
  if (!wanted) {
    co_await answer_error(context_, request.exchange, wanted.error());
    co_return;
  }
  const auto resolved = co_await resolve_bounds(*wanted, request.only_of);
  if (!resolved) {
    co_await answer_error(context_, request.exchange, resolved.error());
    co_return;
  }
  nodes = context_.herd.nodes();  // As they are by now.
  std::erase_if(nodes, [&](const HerdNode& node) { return !wanted->nodes.wants(node.view); });
  if (wanted->is_plain()) {
    co_await serve_kept(request, std::move(*wanted), std::move(nodes));
  } else {
    co_await serve_filtered(request, std::move(*wanted), std::move(nodes));
  }
}

// --- without filters: from what each owner keeps -------------------------------------------------

asio::awaitable<Result<ListCalls::Part>> ListCalls::part_of(HerdNode node, bool all) {
  const TimePoint deadline = context_.task_deadline();
  if (node.self) {
    auto own = co_await context_.herd.own_list(all, deadline);
    if (!own) co_return own.error();
    Part part;
    part.tag = std::move(own->tag);
    part.text = std::move(own->text);
    co_return part;
  }
  Part known = parts_[{node.view.id, all}];
  NodeCall call("GET", std::string(list_path) + (all ? "?all=1" : ""));
  if (known.text) call.headers.emplace_back("If-None-Match", known.tag);
  auto response = co_await call_node(context_, node, std::move(call), deadline);
  if (!response) co_return response.error();
  if (response->status == 304 && known.text) co_return known;
  if (response->status != 200) {
    co_return Error(errc::daemon_down, docker_client::error_message(response->body));
  }
  known.tag = header_of(*response, "ETag");
  known.text = std::make_shared<const std::string>(std::move(response->body));
  parts_[{node.view.id, all}] = known;
  co_return known;
}

/// An agent that restarts is another node.
void ListCalls::forget_gone(const std::vector<HerdNode>& nodes) {
  if (parts_.size() <= 2 * nodes.size()) return;
  std::erase_if(parts_, [&nodes](const auto& part) {
    return std::none_of(nodes.begin(), nodes.end(),
                        [&part](const HerdNode& node) { return node.view.id == part.first.first; });
  });
}

asio::awaitable<void> ListCalls::serve_kept(ApiRequest& request, ListQuery wanted,
                                            std::vector<HerdNode> nodes) {
  struct Run {
    std::vector<HerdNode> nodes;
    std::vector<Result<Part>> parts;
  };
  const bool all = wanted.all || wanted.limit;
  forget_gone(nodes);
  const auto run = std::make_shared<Run>();
  run->nodes = std::move(nodes);
  run->parts.assign(run->nodes.size(), Result<Part>(Part()));
  IndexedTask each = [this, run, all](std::size_t index) -> asio::awaitable<void> {
    run->parts[index] = co_await part_of(run->nodes[index], all);
  };
  co_await for_each_index(context_.tasks, "list", run->nodes.size(), limits::hosts_at_once,
                          std::move(each));
  std::vector<std::string> left_out;
  std::vector<std::string> tags;
  std::vector<ListOfHost> lists;
  for (std::size_t i = 0; i < run->nodes.size(); ++i) {
    const HerdNode& node = run->nodes[i];
    if (!run->parts[i]) {
      left_out.push_back(node.view.name + " (" + run->parts[i].error().message + ")");
      continue;
    }
    tags.push_back(node.view.id + run->parts[i]->tag);
    lists.push_back(ListOfHost{node.view.name, *run->parts[i]->text});
  }
  left_out = missing_hosts(context_, std::move(left_out));
  http_api::HeaderList headers = own_headers(context_.herd, "application/json");
  if (wanted.limit) {
    Merged merged = merge_lists(lists, wanted.limit);
    co_await answer_json(context_, request.exchange, 200, std::move(merged.body),
                         std::move(left_out));
    co_return;
  }
  Whole& whole = wholes_[all];
  if (!whole.text || whole.tags != tags) {
    whole.text = std::make_shared<const std::string>(merge_lists(lists, std::nullopt).body);
    whole.tags = std::move(tags);
  }
  const std::shared_ptr<const std::string> text = whole.text;  // Outlives a newer one.
  add_warning(headers, left_out);
  co_await request.exchange.respond(200, std::move(headers), *text);
}

asio::awaitable<void> ListCalls::serve_here(ApiRequest& request) {
  // What is about hosts the node that was asked has taken out.
  auto wanted = read_list_query(request.query, [](const std::string&) { return false; });
  if (!wanted) {
    co_await answer_error(context_, request.exchange, wanted.error());
    co_return;
  }
  const HerdNode self = context_.herd.self();
  if (!wanted->is_plain() || wanted->limit) {
    const std::string target = request.target(list_path, request.query);
    trust::Principal nobody;
    auto response = co_await filtered_part(self, target, std::move(nobody), wanted->size);
    if (!response) {
      co_await answer_error(context_, request.exchange, response.error(), self.view.name);
      co_return;
    }
    std::string body = std::move(response->body);
    if (response->status == 200) {
      body = decorated(body, self, context_, ListQuery());
    }
    co_await answer_json(context_, request.exchange, response->status, std::move(body));
    co_return;
  }
  const auto part = co_await part_of(self, wanted->all);
  if (!part) {
    co_await answer_error(context_, request.exchange, part.error(), self.view.name);
    co_return;
  }
  http_api::HeaderList headers = own_headers(context_.herd, "application/json");
  headers.emplace_back("ETag", part->tag);
  const bool known = request.exchange.header("If-None-Match") == part->tag;
  const std::shared_ptr<const std::string> text = part->text;
  co_await request.exchange.respond(known ? 304 : 200, std::move(headers), *text);
}

// --- with filters: each daemon applies them ------------------------------------------------------

/// As the node's own agent answers: from its daemon, decorated unless it is this one.
asio::awaitable<Result<http_api::WholeResponse>> ListCalls::filtered_part(HerdNode node,
                                                                          std::string target,
                                                                          trust::Principal asks,
                                                                          bool with_sizes) {
  NodeCall call("GET", std::move(target));
  call.in_name_of = std::move(asks);
  const TimePoint deadline =
      with_sizes ? context_.clock.now() + longest_walk : context_.task_deadline();
  return call_node(context_, std::move(node), std::move(call), deadline);
}

asio::awaitable<void> ListCalls::serve_filtered(ApiRequest& request, ListQuery wanted,
                                                std::vector<HerdNode> nodes) {
  struct Run {
    ListQuery wanted;
    trust::Principal caller;
    std::vector<HerdNode> nodes;
    std::vector<std::string> targets;
    std::vector<Result<http_api::WholeResponse>> parts;
  };
  const auto run = std::make_shared<Run>();
  run->wanted = std::move(wanted);
  run->caller = request.exchange.caller().principal;
  run->nodes = std::move(nodes);
  for (const HerdNode& node : run->nodes) {
    run->targets.push_back(request.target(list_path, run->wanted.for_node(node.view)));
  }
  run->parts.assign(run->nodes.size(), Error(errc::internal, "not asked"));
  IndexedTask each = [this, run](std::size_t index) -> asio::awaitable<void> {
    run->parts[index] = co_await filtered_part(run->nodes[index], run->targets[index], run->caller,
                                               run->wanted.size);
  };
  co_await for_each_index(context_.tasks, "filtered list", run->nodes.size(), limits::hosts_at_once,
                          std::move(each));
  std::vector<std::string> left_out;
  std::vector<std::string> texts;
  std::vector<ListOfHost> lists;
  texts.reserve(run->nodes.size());
  for (std::size_t i = 0; i < run->nodes.size(); ++i) {
    const HerdNode& node = run->nodes[i];
    const auto& part = run->parts[i];
    if (part && part->status >= 400 && part->status < 500) {
      // What one daemon finds wrong with the question all do.
      co_await answer_json(context_, request.exchange, part->status, part->body);
      co_return;
    }
    if (!part || part->status != 200) {
      left_out.push_back(node.view.name + " (" +
                         (part ? docker_client::error_message(part->body) : part.error().message) +
                         ")");
      continue;
    }
    texts.push_back(decorated(part->body, node, context_, run->wanted));
    lists.push_back(ListOfHost{node.view.name, texts.back()});
  }
  const auto refused = std::find_if(run->parts.begin(), run->parts.end(),
                                    [](const auto& part) { return part.has_value(); });
  if (lists.empty() && refused != run->parts.end()) {
    co_await answer_json(context_, request.exchange, (*refused)->status, (*refused)->body);
    co_return;
  }
  Merged merged = merge_lists(lists, run->wanted.limit);
  co_await answer_json(context_, request.exchange, 200, std::move(merged.body),
                       missing_hosts(context_, std::move(left_out)));
}

asio::awaitable<Result<TimeBound>> ListCalls::bound_at(std::string reference, std::string only_of) {
  const Error unknown = docker_refusal(404, no_such_container(reference));
  auto found = co_await context_.herd.find(std::move(reference));
  if (!found && !only_of.empty()) co_return unknown;
  if (!found) co_return found.error();
  TimeBound bound;
  bound.node = found->node.view.id;
  bound.id = found->id;
  const auto part = co_await part_of(found->node, true);
  if (!part) co_return part.error();
  const auto entries = slice_json_array(*part->text);
  if (!entries) co_return bound;
  bool may_know = only_of.empty();
  const std::string mark = "\"Id\":\"" + found->id + "\"";
  for (const std::string_view entry : *entries) {
    if (entry.find(mark) == entry.npos || id_in(entry) != found->id) continue;
    bound.created = created_nano_of(entry);
    may_know = may_know || owner_of(entry) == only_of;
  }
  if (!may_know) co_return unknown;
  co_return bound;
}

asio::awaitable<Result<void>> ListCalls::resolve_bounds(ListQuery& wanted, std::string only_of) {
  for (const std::string& reference : wanted.before) {
    auto bound = co_await bound_at(reference, only_of);
    if (!bound) co_return bound.error();
    wanted.before_bounds.push_back(std::move(*bound));
  }
  for (const std::string& reference : wanted.since) {
    auto bound = co_await bound_at(reference, only_of);
    if (!bound) co_return bound.error();
    wanted.since_bounds.push_back(std::move(*bound));
  }
  co_return Result<void>();
}

}  // namespace dockherd::engine_api
