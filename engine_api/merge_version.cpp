#include "engine_api/merge_version.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/json_reader.hpp"
#include "docker_client/api_version.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

using docker_client::ApiVersion;

struct HostVersion {
  std::string hostname;
  std::string version;
  ApiVersion api;
  ApiVersion oldest;
  ObjectText body;
};

std::optional<HostVersion> read_version(const HostAnswer& answer) {
  auto body = ObjectText::parsed(answer.body);
  if (!body) return std::nullopt;
  const auto version = string_of(body->find("Version"));
  const auto api = ApiVersion::parse(string_of(body->find("ApiVersion")).value_or(""));
  if (!version || !api) return std::nullopt;
  const auto oldest = ApiVersion::parse(string_of(body->find("MinAPIVersion")).value_or(""));
  return HostVersion{answer.hostname, *version, *api,
                     oldest.value_or(docker_client::oldest_api_version()), *std::move(body)};
}

/// The Engine among the daemon's components, with the versions of the herd.
std::string engine_component(ObjectText engine, const std::string& api, const std::string& oldest) {
  if (auto details = ObjectText::sliced(engine.find("Details"))) {
    details->set("ApiVersion", quote_json(api));
    details->set("MinAPIVersion", quote_json(oldest));
    engine.set("Details", details->text());
  }
  return engine.text();
}

std::string herd_component(const std::vector<HostVersion>& hosts, const HerdView& herd) {
  ObjectText details;
  details.set("Nodes", quote_json(std::to_string(hosts.size())));
  std::string text = details.text();
  text.pop_back();
  for (const HostVersion& host : hosts) {
    text += "," + quote_json(host.hostname) + ":" +
            quote_json(host.version + " (API " + host.api.text() + ")");
  }
  return R"({"Name":"dockherd","Version":)" + quote_json(herd.version) + ",\"Details\":" + text +
         "}}";
}

}  // namespace

Merged merge_version(std::span<const HostAnswer> answers, const HerdView& herd) {
  std::vector<HostVersion> hosts;
  auto left_out =
      take_good_answers(answers, NotFound::is_a_failure, [&hosts](const HostAnswer& answer) {
        auto host = read_version(answer);
        if (!host) return false;
        hosts.push_back(*std::move(host));
        return true;
      });
  if (hosts.empty()) return nothing_merged(answers);
  const HostVersion* lowest = &hosts.front();
  ApiVersion api = lowest->api;
  ApiVersion oldest = docker_client::oldest_api_version();
  for (const HostVersion& host : hosts) {
    if (is_older_version(host.version, lowest->version)) lowest = &host;
    api = std::min(api, host.api);
    oldest = std::max(oldest, host.oldest);
  }
  ObjectText all = lowest->body;
  all.set("ApiVersion", quote_json(api.text()));
  all.set("MinAPIVersion", quote_json(oldest.text()));
  // Daemons before 18.03 have no components, and a client that finds none makes one of the rest.
  if (const auto components = elements_of(all.find("Components"))) {
    std::vector<std::string> shown;
    for (const std::string_view component : *components) {
      const auto object = ObjectText::sliced(component);
      const bool engine = object && string_of(object->find("Name")) == "Engine";
      shown.push_back(engine ? engine_component(*object, api.text(), oldest.text())
                             : std::string(component));
    }
    shown.push_back(herd_component(hosts, herd));
    all.set("Components", array_text(shown));
  }
  return merged_into(all.text(), std::move(left_out));
}

}  // namespace dockherd::engine_api
