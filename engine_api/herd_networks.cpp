#include "engine_api/herd_networks.hpp"

#include <algorithm>
#include <set>

#include "docker_client/docker_requests.hpp"
#include "engine_api/docker_error.hpp"
#include "engine_api/made_everywhere.hpp"
#include "engine_api/network_id.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

struct Description {
  std::string name;
  std::string id;
  bool local = true;
};

std::optional<Description> description_of(const HostAnswer& answer) {
  if (answer.status != 200) return std::nullopt;
  const auto object = ObjectText::sliced(answer.body);
  if (!object) return std::nullopt;
  Description description;
  description.name = string_of(object->find("Name")).value_or("");
  description.id = string_of(object->find("Id")).value_or("");
  description.local = string_of(object->find("Scope")).value_or("local") == "local";
  if (description.name.empty()) return std::nullopt;
  return description;
}

/// How a daemon found what was asked for; it looks in this order.
enum class Match { full_id, name, prefix };

Match match_of(const Description& found, const std::string& reference) {
  if (found.id == reference) return Match::full_id;
  return found.name == reference ? Match::name : Match::prefix;
}

HostAnswer not_found(const std::string& hostname, const std::string& reference) {
  return {hostname, 404, docker_message("network " + reference + " not found")};
}

std::string target_of(const std::string& reference, const Query& fields) {
  std::string target = "/networks/" + docker_client::url_encode(reference);
  if (!fields.empty()) target += "?" + format_query(fields);
  return target;
}

/// What the hosts that looked in their own way found must be one network.
struct Findings {
  std::vector<std::optional<Description>> found;
  std::optional<Match> best;
  std::set<std::string> names;  ///< Of those that fit best.
  std::string id;
};

Findings read_findings(const std::vector<HostAnswer>& answers, const std::string& reference) {
  Findings findings;
  for (const HostAnswer& answer : answers) {
    findings.found.push_back(description_of(answer));
    if (!findings.found.back()) continue;
    const Match match = match_of(*findings.found.back(), reference);
    if (!findings.best || match < *findings.best) findings.best = match;
  }
  for (auto& found : findings.found) {
    if (found && match_of(*found, reference) != *findings.best) found.reset();
    if (!found) continue;
    findings.names.insert(found->name);
    if (findings.id.empty()) findings.id = found->id;
  }
  return findings;
}

}  // namespace

std::vector<HerdNode> NetworkSearch::holders() const {
  std::vector<HerdNode> holders;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].status == 200) holders.push_back(nodes[i]);
  }
  return holders;
}

namespace {

/// Networks of any host whose id in the herd begins so.
asio::awaitable<std::set<std::string>> names_of_id(ApiContext& context, std::string prefix) {
  NodeCall call("GET", "/networks");
  const auto answers = co_await call_all(context, std::move(call), context.task_deadline());
  std::set<std::string> names;
  for (const HostAnswer& answer : answers) {
    if (answer.status != 200) continue;
    for (const std::string_view element :
         elements_of(answer.body).value_or(std::vector<std::string_view>())) {
      const auto network = ObjectText::sliced(element);
      const auto name = network ? string_of(network->find("Name")) : std::nullopt;
      if (name && herd_network_id(*name).starts_with(prefix)) names.insert(*name);
    }
  }
  co_return names;
}

}  // namespace

asio::awaitable<NetworkSearch> find_network(ApiContext& context, std::string reference,
                                            Query fields) {
  NetworkSearch search;
  search.nodes = context.herd.nodes();
  search.reference = reference;
  NodeCall call("GET", target_of(reference, fields));
  search.answers =
      co_await call_nodes(context, search.nodes, std::move(call), context.task_deadline());
  Findings findings = read_findings(search.answers, reference);
  if (looks_like_network_id(reference) && findings.best.value_or(Match::prefix) == Match::prefix) {
    // No host's name or full id. What users see are the herd's ids: these come before the prefix of
    // one that a host has given.
    const std::set<std::string> names = co_await names_of_id(context, reference);
    if (names.size() == 1) {
      reference = search.reference = *names.begin();
      NodeCall by_name("GET", target_of(reference, fields));
      search.answers =
          co_await call_nodes(context, search.nodes, std::move(by_name), context.task_deadline());
      findings = read_findings(search.answers, reference);
    } else if (!names.empty()) {
      findings.names = names;
    }
  }
  if (findings.names.empty()) co_return search;
  if (findings.names.size() > 1) {
    const HostAnswer ambiguous{"", 400,
                               docker_message("network " + reference + " is ambiguous (" +
                                              std::to_string(findings.names.size()) +
                                              " matches found based on ID prefix)")};
    search.answers.assign(search.nodes.size(), ambiguous);
    co_return search;
  }
  search.name = *findings.names.begin();
  for (std::size_t i = 0; i < search.nodes.size(); ++i) {
    const auto& found = findings.found[i];
    if (found) search.local = search.local && found->local;
    if (!found && search.answers[i].status == 200) {
      search.answers[i] = not_found(search.nodes[i].view.name, reference);
    }
  }
  if (*findings.best == Match::name || !search.local || search.nodes.size() == 1) co_return search;
  // The id is one host's: the others know the network by its name.
  NodeCall by_name("GET", target_of(search.name, fields));
  const auto others =
      co_await call_nodes(context, search.nodes, std::move(by_name), context.task_deadline());
  for (std::size_t i = 0; i < search.nodes.size(); ++i) {
    if (findings.found[i]) continue;
    const auto found = description_of(others[i]);
    const bool same = found && found->name == search.name;
    search.answers[i] = same || others[i].status != 200
                            ? others[i]
                            : not_found(search.nodes[i].view.name, reference);
  }
  co_return search;
}

std::string create_body_of(std::string_view inspection, bool with_addresses) {
  const auto network = ObjectText::sliced(inspection).value_or(ObjectText());
  ObjectText body;
  for (const char* key : {"Name", "Driver", "Internal", "Attachable", "EnableIPv6", "Options",
                          "Labels", "ConfigOnly", "ConfigFrom"}) {
    const std::string_view value = network.find(key);
    if (!value.empty() && value != "null") body.set(key, std::string(value));
  }
  body.set("CheckDuplicate", "true");
  auto addresses = ObjectText::sliced(network.find("IPAM"));
  if (addresses) {
    if (!with_addresses) addresses->set("Config", "[]");
    body.set("IPAM", addresses->text());
  }
  return body.text();
}

namespace {

/// The failure of each host, if any.
asio::awaitable<std::vector<HostAnswer>> copy_network(ApiContext& context,
                                                      std::vector<HerdNode> hosts,
                                                      std::string inspection) {
  // The same addresses as elsewhere, for containers that ask for one of their own; any others
  // where this host uses them already.
  std::vector<HostAnswer> failures;
  for (const bool with_addresses : {true, false}) {
    if (hosts.empty()) break;
    NodeCall call("POST", "/networks/create");
    call.body = create_body_of(inspection, with_addresses);
    const auto answers =
        co_await call_nodes(context, hosts, std::move(call), change_deadline(context));
    std::vector<HerdNode> again;
    failures.clear();
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      if (answers[i].status == 201 || answers[i].status == 409) continue;
      again.push_back(hosts[i]);
      failures.push_back(answers[i]);
    }
    hosts = std::move(again);
  }
  co_return failures;
}

bool is_on_every_host(const std::string& network) {
  return network == "bridge" || network == "host" || network == "none" || network == "default";
}

}  // namespace

asio::awaitable<std::vector<HostAnswer>> ensure_networks(ApiContext& context,
                                                         std::vector<HerdNode> hosts,
                                                         std::vector<std::string> networks) {
  std::vector<HostAnswer> failures;
  for (const std::string& network : networks) {
    if (is_on_every_host(network) || context.herd.nodes().size() < 2) continue;
    const NetworkSearch search = co_await find_network(context, network, Query());
    if (search.name.empty() || !search.local) continue;
    std::vector<HerdNode> lacking;
    const std::string* inspection = nullptr;
    for (std::size_t i = 0; i < search.nodes.size(); ++i) {
      if (search.answers[i].status == 200 && inspection == nullptr) {
        inspection = &search.answers[i].body;
      }
      if (search.answers[i].status != 404) continue;
      const bool wanted = std::any_of(hosts.begin(), hosts.end(), [&](const HerdNode& host) {
        return host.view.id == search.nodes[i].view.id;
      });
      if (wanted) lacking.push_back(search.nodes[i]);
    }
    if (lacking.empty() || inspection == nullptr) continue;
    for (HostAnswer& failure : co_await copy_network(context, std::move(lacking), *inspection)) {
      failures.push_back(std::move(failure));
    }
  }
  co_return failures;
}

}  // namespace dockherd::engine_api
