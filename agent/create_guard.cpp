#include "agent/create_guard.hpp"

#include "agent/user_rules.hpp"
#include "docker_client/docker_codec.hpp"
#include "docker_client/docker_requests.hpp"
#include "engine_api/list_query.hpp"
#include "trust/members.hpp"
#include "trust/ownership.hpp"

namespace dockherd::agent {

using docker_client::DockerRequest;
using trust::Principal;

namespace {

/// In Labels of what a daemon tells, or in Config.Labels of a container.
std::string owner_of(const json& thing) {
  const auto config = thing.find("Config");
  const auto owner = trust::owner_in(config == thing.end() ? thing : *config);
  return owner && *owner ? **owner : std::string();
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Error not_there(const std::string& message) {
  Error error(errc::docker_refused, message);
  error.docker_status = 404;
  return error;
}

}  // namespace

Result<Principal> CreateGuard::known(const Principal& user) const {
  return users_of(herd_).vouched_for(user);
}

/// The daemon's answer; an empty object when it says that there is none.
asio::awaitable<Result<json>> CreateGuard::ask(DockerRequest request) {
  const auto response = co_await docker_.call(std::move(request));
  if (!response) co_return response.error();
  if (response->status == 404) co_return json::object();
  if (!response->ok()) co_return docker_client::refusal_of(*response);
  auto answer = parse_json(response->body);
  if (answer && !answer->is_object()) answer = json::object();
  co_return answer;
}

asio::awaitable<Result<CreateOneVerb>> CreateGuard::judge(CreateOneVerb verb, TimePoint deadline) {
  if (!verb.user) co_return verb;
  const auto user = known(*verb.user);
  if (!user) co_return user.error();
  if (user->is_admin()) co_return verb;
  if (user->role == trust::Role::viewer) {
    co_return trust::forbidden("the role viewer of " + user->name + " does not permit a create");
  }
  if (const auto headers = only_registry_headers(verb.headers); !headers) co_return headers.error();
  auto body = parse_json(verb.body);
  if (!body) co_return body.error();
  const trust::User* rules = users_of(herd_).find(user->name);
  auto references = trust::judge_create(*body, rules->allow);
  if (!references) co_return references.error();
  if (auto claimed = trust::claim_for(*user, *body); !claimed) co_return claimed.error();
  if (auto within = states_what_is_counted(*body, rules->quota); !within) co_return within.error();
  auto ids = co_await own_containers(std::move(references->containers), user->name, deadline);
  if (!ids) co_return ids.error();
  auto networks = co_await own_networks(std::move(references->networks), user->name, deadline);
  if (!networks) co_return networks.error();
  auto volumes = co_await own_volumes(std::move(references->volumes), user->name, deadline);
  if (!volumes) co_return volumes.error();
  trust::name_by_id(*body, *ids);
  verb.body = dump_json(*body);
  co_return verb;
}

/// Their full ids, by the names that were given.
asio::awaitable<Result<std::map<std::string, std::string>>> CreateGuard::own_containers(
    std::set<std::string> names, std::string owner, TimePoint deadline) {
  std::map<std::string, std::string> ids;
  for (const std::string& name : names) {
    const auto container = co_await ask(docker_client::inspect_request(name, deadline));
    if (!container) co_return container.error();
    if (owner_of(*container) != owner) co_return not_there("No such container: " + name);
    ids[name] = text_of(*container, "Id");
  }
  co_return ids;
}

asio::awaitable<Result<void>> CreateGuard::own_networks(std::set<std::string> names,
                                                        std::string owner, TimePoint deadline) {
  for (const std::string& name : names) {
    DockerRequest request("GET", "/networks/" + docker_client::url_encode(name), deadline);
    const auto network = co_await ask(std::move(request));
    if (!network) co_return network.error();
    const std::string known_as = text_of(*network, "Name");
    const bool open = known_as == "bridge" || known_as == "none";
    if (!open && owner_of(*network) != owner) {
      co_return not_there("network " + name + " not found");
    }
  }
  co_return Result<void>();
}

/// To make a volume that is there gives the one that is there; so it has his label, or is not his.
asio::awaitable<Result<void>> CreateGuard::own_volumes(std::set<std::string> names,
                                                       std::string owner, TimePoint deadline) {
  for (const std::string& name : names) {
    json wanted{{"Name", name}};
    trust::set_owner(wanted, owner);
    DockerRequest request("POST", "/volumes/create", deadline);
    request.body = dump_json(wanted);
    const auto volume = co_await ask(std::move(request));
    if (!volume) co_return volume.error();
    if (owner_of(*volume) != owner) {
      co_return trust::refused("the volume " + name, "it is not yours");
    }
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> CreateGuard::may_act(Principal user, ContainerVerb verb,
                                                   TimePoint deadline) {
  const auto principal = known(user);
  if (!principal) co_return principal.error();
  if (principal->is_admin()) co_return Result<void>();
  if (principal->role == trust::Role::viewer) {
    if (verb.action == ContainerAction::inspect) co_return Result<void>();
    co_return trust::forbidden("the role viewer of " + principal->name + " does not permit " +
                               std::string(action_name(verb.action)));
  }
  const std::string id = verb.ids.front();
  const auto container = co_await ask(docker_client::inspect_request(id, deadline));
  if (!container) co_return container.error();
  if (owner_of(*container) == principal->name) co_return Result<void>();
  co_return Error(errc::not_found, "no container " + quote_json(id) + " in the herd")
      .at_field("id");
}

Result<ListVerb> CreateGuard::narrowed(ListVerb verb) const {
  if (!verb.user) return verb;
  const auto user = known(*verb.user);
  if (!user) return user.error();
  if (user->role != trust::Role::operator_ || verb.images) return verb;
  auto filters = engine_api::read_filters(verb.filters);
  if (!filters) return filters.error();
  (*filters)["label"][std::string(trust::owner_label) + "=" + user->name] = true;
  verb.filters = dump_json(*filters);
  return verb;
}

}  // namespace dockherd::agent
