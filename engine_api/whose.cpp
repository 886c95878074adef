#include "engine_api/whose.hpp"

#include "docker_client/docker_requests.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

asio::awaitable<Result<std::string>> container_owner(ApiContext& context, std::string id) {
  NodeCall call("GET", "/containers/" + docker_client::url_encode(id) + "/json");
  const auto answer =
      co_await call_node(context, context.herd.self(), std::move(call), context.task_deadline());
  if (!answer) co_return answer.error();
  if (answer->status != 200) co_return Error(errc::not_found, no_such_container(id));
  co_return owner_of(answer->body);
}

asio::awaitable<Result<std::string>> container_of_exec(ApiContext& context, std::string exec) {
  NodeCall call("GET", "/exec/" + docker_client::url_encode(exec) + "/json");
  const auto answer =
      co_await call_node(context, context.herd.self(), std::move(call), context.task_deadline());
  if (!answer) co_return answer.error();
  const auto object = ObjectText::sliced(answer->body);
  const auto id = object ? string_of(object->find("ContainerID")) : std::nullopt;
  if (answer->status != 200 || !id)
    co_return Error(errc::not_found, "No such exec instance: " + exec);
  co_return *id;
}

asio::awaitable<std::string> thing_owner(ApiContext& context, std::string path) {
  NodeCall call("GET", std::move(path));
  const auto answer =
      co_await call_node(context, context.herd.self(), std::move(call), context.task_deadline());
  co_return answer && answer->status == 200 ? owner_of(answer->body) : std::string();
}

asio::awaitable<std::set<std::string>> ids_of(ApiContext& context, std::string owner) {
  Query all;
  all.emplace_back("all", "1");
  const auto query = narrowed(all, owner);
  NodeCall call("GET", "/containers/json?" + format_query(*query));
  const auto answers = co_await call_all(context, std::move(call), context.task_deadline());
  std::set<std::string> ids;
  for (const HostAnswer& answer : answers) {
    if (answer.status != 200) continue;
    for (const std::string_view element :
         elements_of(answer.body).value_or(std::vector<std::string_view>())) {
      const auto entry = ObjectText::sliced(element);
      if (entry && owner_of(element) == owner) {
        ids.insert(string_of(entry->find("Id")).value_or(""));
      }
    }
  }
  co_return ids;
}

}  // namespace dockherd::engine_api
