#include "engine_api/filtered_lists.hpp"

#include <set>

#include "engine_api/list_query.hpp"
#include "engine_api/made_everywhere.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

constexpr std::string_view dangling_key = "dangling";

std::string_view list_in(const HostAnswer& answer, std::optional<ObjectText>& object,
                         const std::string& within) {
  if (within.empty()) return answer.body;
  object = ObjectText::sliced(answer.body);
  return object ? object->find(within) : std::string_view();
}

std::string name_of(std::string_view element) {
  const auto object = ObjectText::sliced(element);
  return object ? string_of(object->find("Name")).value_or("") : "";
}

void take_out(HostAnswer& answer, const std::string& within, const std::set<std::string>& used) {
  std::optional<ObjectText> object;
  const auto elements = elements_of(list_in(answer, object, within));
  if (answer.status != 200 || !elements) return;
  std::vector<std::string> kept;
  for (const std::string_view element : *elements) {
    if (!used.contains(name_of(element))) kept.emplace_back(element);
  }
  std::string list = array_text(kept);
  if (within.empty()) {
    answer.body = std::move(list);
  } else {
    object->set(within, std::move(list));
    answer.body = object->text();
  }
}

}  // namespace

asio::awaitable<std::vector<HostAnswer>> filtered_lists(ApiContext& context, ApiRequest& request,
                                                        std::string within) {
  ListOrder order = read_list_order(context, request.query);
  NodeCall call("GET", request.target(request.route.path, order.query));
  auto answers =
      co_await call_nodes(context, order.nodes, std::move(call), context.task_deadline());
  auto filters = read_filters(query_value(order.query, "filters").value_or(""));
  if (!filters) co_return answers;
  const std::vector<std::string> wanted = take_filter(*filters, dangling_key);
  if (wanted.size() != 1 || (wanted.front() != "true" && wanted.front() != "1")) co_return answers;
  (*filters)[std::string(dangling_key)]["false"] = true;
  const Query others{{"filters", dump_json(*filters)}};
  NodeCall used_call("GET", request.target(request.route.path, others));
  const auto used_answers = co_await call_nodes(context, std::move(order.nodes),
                                                std::move(used_call), context.task_deadline());
  std::set<std::string> used;
  for (const HostAnswer& answer : used_answers) {
    std::optional<ObjectText> object;
    const auto elements = elements_of(list_in(answer, object, within));
    if (answer.status != 200 || !elements) continue;
    for (const std::string_view element : *elements) used.insert(name_of(element));
  }
  for (HostAnswer& answer : answers) take_out(answer, within, used);
  co_return answers;
}

}  // namespace dockherd::engine_api
