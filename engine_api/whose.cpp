#include "engine_api/whose.hpp"

#include "docker_client/docker_requests.hpp"
#include "engine_api/herd_calls.hpp"
#include "engine_api/list_query.hpp"
#include "engine_api/object_text.hpp"
#include "trust/users.hpp"

namespace dockherd::engine_api {

namespace {

std::string owner_in(std::string_view labels) {
  const auto object = ObjectText::sliced(labels);
  return object ? string_of(object->find(trust::owner_label)).value_or("") : "";
}

/// A list within an object, narrowed.
void narrow_list(ObjectText& object, std::string_view key, const std::string& owner) {
  const std::string_view list = object.find(key);
  if (!list.empty() && list != "null") object.set(key, only_owned(list, owner));
}

}  // namespace

std::string owner_of(std::string_view object) {
  const auto thing = ObjectText::sliced(object);
  if (!thing) return {};
  const auto config = ObjectText::sliced(thing->find("Config"));
  return owner_in(config ? config->find("Labels") : thing->find("Labels"));
}

bool is_predefined_network(std::string_view name) {
  return name == "bridge" || name == "host" || name == "none";
}

std::string only_owned(std::string_view list, const std::string& owner) {
  std::vector<std::string> kept;
  for (const std::string_view element :
       elements_of(list).value_or(std::vector<std::string_view>())) {
    const auto thing = ObjectText::sliced(element);
    // Only networks have a scope and an id.
    const bool is_network = thing && !thing->find("Scope").empty() && !thing->find("Id").empty();
    const bool is_everybodys =
        is_network && is_predefined_network(string_of(thing->find("Name")).value_or(""));
    if (is_everybodys) {
      // Daemons list them with everybody's containers for clients before API 1.28.
      ObjectText shown = *thing;
      if (!shown.find("Containers").empty()) shown.set("Containers", "{}");
      kept.push_back(shown.text());
    } else if (owner_of(element) == owner) {
      kept.emplace_back(element);
    }
  }
  return array_text(kept);
}

std::string volumes_of(std::string_view answer, const std::string& owner) {
  auto object = ObjectText::sliced(answer);
  if (!object) return "{}";
  narrow_list(*object, "Volumes", owner);
  return object->text() + "\n";
}

std::string disk_usage_of(std::string_view answer, const std::string& owner) {
  auto object = ObjectText::sliced(answer);
  if (!object) return "{}";
  for (const std::string_view key : {"Containers", "Volumes", "BuildCache"}) {
    narrow_list(*object, key, owner);
  }
  return object->text() + "\n";
}

std::string with_containers(std::string_view network, const std::set<std::string>& ids) {
  auto object = ObjectText::sliced(network);
  if (!object) return "{}";
  const auto all = ObjectText::sliced(object->find("Containers"));
  ObjectText shown;
  if (all) {
    for (const std::string_view id : all->keys()) {
      if (ids.contains(std::string(id))) shown.set(id, std::string(all->find(id)));
    }
  }
  object->set("Containers", shown.text());
  return object->text() + "\n";
}

Result<Query> narrowed(const Query& query, const std::string& owner) {
  auto filters = read_filters(query_value(query, "filters").value_or(""));
  if (!filters) return filters.error();
  (*filters)["label"][std::string(trust::owner_label) + "=" + owner] = true;
  Query own;
  for (const auto& field : query) {
    if (field.first != "filters") own.push_back(field);
  }
  own.emplace_back("filters", dump_json(*filters));
  return own;
}

bool is_owned(const std::vector<HostAnswer>& answers, const std::string& owner) {
  bool found = false;
  for (const HostAnswer& answer : answers) {
    if (answer.status != 200) continue;
    if (owner_of(answer.body) != owner) return false;
    found = true;
  }
  return found;
}

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

std::string no_such_container(std::string_view reference) {
  const auto slash = reference.find('/', 1);
  if (slash != reference.npos) reference.remove_prefix(slash + 1);
  return "No such container: " + std::string(reference);
}

}  // namespace dockherd::engine_api
