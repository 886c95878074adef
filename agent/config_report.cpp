#include "agent/config_report.hpp"

#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>
#include <string_view>
#include <system_error>

#include "agent/network_plan.hpp"
#include "agent/template_render.hpp"
#include "agent/template_store.hpp"
#include "base/text.hpp"
#include "trust/users_file.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t name_width = 12;

std::string in_milliseconds(Duration duration) {
  using std::chrono::milliseconds;
  return std::to_string(std::chrono::duration_cast<milliseconds>(duration).count()) + " ms";
}

void add_line(ConfigReport& report, std::string name, const std::string& value) {
  name.resize(name_width, ' ');
  report.text += "  " + name + value + "\n";
}

std::string describe_docker(const std::string& address) {
  constexpr std::string_view scheme = "unix://";
  if (address.compare(0, scheme.size(), scheme) != 0) return address;
  std::error_code error;
  const bool there = std::filesystem::is_socket(address.substr(scheme.size()), error);
  return address + (there ? " (the socket exists)" : " (no such socket now)");
}

/// What the start would do there, or the error that would end it.
template <typename T, typename Describe>
std::string planned(const Result<T>& part, ConfigReport& report, Describe describe) {
  if (part) return describe(*part);
  report.good = false;
  return part.error().message;
}

std::string describe_http(const AgentConfig& config, ConfigReport& report) {
  const auto checked = check_http_address(config);
  if (checked) return (config.tls ? "https://" : "http://") + config.http.text();
  report.good = false;
  return checked.error().message;
}

std::string describe_tls(const AgentConfig& config, ConfigReport& report) {
  if (!config.tls) return "none";
  std::vector<std::string> notes;
  const auto context = trust::listener_context(*config.tls, notes);
  std::string text = planned(context, report, [&](const trust::SslContext&) {
    const std::string authority = config.tls->authority.string();
    return "certificate " + config.tls->certificate.string() +
           (authority.empty() ? "" : ", clients need one by " + authority);
  });
  for (const std::string& note : notes) add_line(report, "note", note);
  return text;
}

std::string describe_agents(const AgentConfig& config, const bus::NetworkInterface& interface) {
  const AgentsPlan plan = agents_plan(config, interface);
  return plan.listen.host + ", " +
         (plan.listen.port == 0 ? "a free port" : "port " + std::to_string(plan.listen.port)) +
         ", by TLS with the herd's key" +
         (plan.advertised == plan.listen.host ? "" : ", advertised as " + plan.advertised);
}

/// Of the daemon's certificates only whether they are usable: asked of it is nothing.
std::string describe_docker_tls(const AgentConfig& config, ConfigReport& report) {
  if (!config.docker_by_tls()) return "";
  return planned(trust::daemon_context(*config.docker_tls), report,
                 [](const trust::SslContext&) { return std::string(" by TLS"); });
}

std::string describe_bus(const AgentConfig& config, const bus::NetworkInterface& interface) {
  const bus::ZmqTransportSettings mailbox = mailbox_settings(config, interface);
  const std::string first = std::to_string(mailbox.port_low);
  const std::string ports =
      mailbox.port_low == mailbox.port_high
          ? "port " + first
          : "first free port of " + first + "-" + std::to_string(mailbox.port_high);
  return mailbox.address + " (" + interface.name + "), " + ports +
         (mailbox.advertised.empty() ? "" : ", advertised as " + mailbox.advertised);
}

std::string describe_beacon(const bus::BeaconSettings& beacon) {
  return beacon.interface.name + " (" + beacon.interface.address.to_string() + "), UDP port " +
         std::to_string(beacon.port) + ", every " + in_milliseconds(beacon.announce_interval);
}

std::string describe_gossip(const bus::GossipSettings& gossip) {
  return "listens on " + gossip.bind +
         (gossip.seeds.empty() ? ", no seeds: waits for others" : ", seeds " + join(gossip.seeds));
}

void add_network(const AgentConfig& config, ConfigReport& report) {
  add_line(report, "http", describe_http(config, report));
  add_line(report, "tls", describe_tls(config, report));
  const auto interface = bus_interface(config);
  add_line(report, "bus", planned(interface, report, [&](const bus::NetworkInterface& found) {
             return describe_bus(config, found);
           }));
  if (interface && !config.keys.empty()) {
    add_line(report, "agents", describe_agents(config, *interface));
  }
  std::string beacon = "off";
  // Without an interface of its own it fails with the bus, which is said there.
  if (config.beacon && interface) {
    beacon = planned(beacon_settings(config, *interface), report, describe_beacon);
  }
  add_line(report, "beacon", beacon);
  add_line(report, "gossip",
           config.gossip ? planned(gossip_settings(config), report, describe_gossip) : "off");
}

std::string describe_liveness(const AgentConfig& config) {
  const auto& liveness = config.liveness;
  return "probe every " + in_milliseconds(liveness.probe_period) + ", answer within " +
         in_milliseconds(liveness.probe_timeout) + ", " + std::to_string(liveness.indirect_probes) +
         " indirect probes, lost after " + in_milliseconds(liveness.suspicion) +
         " of suspicion; foreign peers: evasive after " + in_milliseconds(liveness.evasive) +
         ", expired after " + in_milliseconds(liveness.expired);
}

std::string describe_keys(const AgentConfig& config) {
  if (config.keys.empty()) return "none";
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < config.keys.size(); ++i) {
    keys.push_back(config.keys[i].id() + " (" + config.key_files[i].string() + ")");
  }
  const std::vector<std::string> others(keys.begin() + 1, keys.end());
  return keys.front() +
         (others.empty() ? "" : "; also calls those that serve with " + join(others));
}

std::string describe_users(const AgentConfig& config, ConfigReport& report) {
  if (!config.users_file) return "nobody is asked who he is";
  return planned(
      trust::read_users_file(*config.users_file), report, [&](const trust::Users& users) {
        std::map<trust::Role, std::size_t> counts;
        for (const auto& [name, user] : users) ++counts[user.role];
        std::vector<std::string> roles;
        roles.reserve(counts.size());
        for (const auto& [role, count] : counts) {
          roles.push_back(std::to_string(count) + " " + std::string(trust::to_string(role)));
        }
        return config.users_file->string() + (roles.empty() ? ": nobody" : ": " + join(roles));
      });
}

std::string describe_limits(const http_api::LimitSettings& limits) {
  const auto bound = [](std::size_t most, const std::string& what) {
    return (most == 0 ? "any number" : std::to_string(most)) + " " + what;
  };
  std::ostringstream rate;
  rate << limits.requests_per_second << " a second (" << limits.burst << " at once)";
  return bound(limits.connections_per_client, "connections of one address, ") +
         bound(limits.requests, "requests at a time, ") +
         bound(limits.requests_per_caller, "of one caller, ") +
         (limits.requests_per_second > 0 ? "who begins " + rate.str() : "who begins any number");
}

/// As a create would make it: what is wrong with Env or Labels shows only then.
Result<json> rendered(const TemplateStore& store, const std::string& name) {
  auto body = store.load(name);
  if (!body) return body;
  TemplateVariables variables;
  variables.n = 1;
  variables.template_name = name;
  auto made = render_template(std::move(*body), TemplateOverrides(), variables);
  if (made) return made;
  return Error(errc::bad_request,
               "template " + store.file_of(name).string() + ": " + made.error().message);
}

void add_templates(const AgentConfig& config, ConfigReport& report) {
  const TemplateStore store(config.templates);
  std::error_code error;
  if (!std::filesystem::is_directory(config.templates, error)) {
    add_line(report, "templates", config.templates.string() + " (no such directory now)");
    return;
  }
  const auto names = store.names();
  add_line(report, "templates",
           config.templates.string() + (names.empty() ? " (none in it now)" : ""));
  for (const std::string& name : names) {
    const auto body = rendered(store, name);
    add_line(report, "", "  " + name + ": " + (body ? "good" : body.error().message));
    if (!body) report.good = false;
  }
}

}  // namespace

ConfigReport report_config(const AgentConfig& config) {
  ConfigReport report;
  report.text = "dockherd " DOCKHERD_VERSION " would run with\n";
  add_line(report, "hostname", config.hostname);
  add_line(report, "herd", config.herd);
  add_line(report, "endpoints",
           config.cluster_address + ", " + config.cluster_address + "." + config.hostname +
               ", and the id of each container");
  const std::string by_tls = describe_docker_tls(config, report);
  add_line(report, "docker", describe_docker(config.docker) + by_tls);
  add_network(config, report);
  add_line(report, "liveness", describe_liveness(config));
  add_line(report, "times",
           "full list every " + in_milliseconds(config.relist_interval) + ", request to a peer " +
               in_milliseconds(config.task_timeout) + ", create " +
               in_milliseconds(config.new_container_timeout) + ", pull of an image " +
               in_milliseconds(config.pull_timeout));
  add_line(report, "pool",
           "takes new containers from the start, and promises them " +
               std::to_string(std::lround(config.overcommit * 100)) +
               " % more memory and CPUs than the host has");
  add_line(report, "reschedule",
           "containers that ask for it, " + in_milliseconds(config.reschedule_after) +
               " after their host is lost; one that returns is then " +
               (config.remove_superseded ? "removed" : "stopped and renamed"));
  add_line(report, "names",
           config.name_style == engine_api::NameStyle::plain
               ? "as Docker has them in Docker's lists"
               : config.hostname + "/NAME in Docker's lists");
  add_templates(config, report);
  add_line(report, "log",
           config.log.level + ", as " + (config.log.format == LogFormat::json ? "json" : "text"));
  add_line(report, "key", describe_keys(config));
  add_line(report, "users", describe_users(config, report));
  add_line(report, "limits", describe_limits(config.limits));
  add_line(report, "insecure",
           config.insecure ? "yes: whoever reaches these addresses may use Docker"
                           : "no: without a key, loopback only");
  for (const std::string& note : config.notes) add_line(report, "note", note);
  return report;
}

}  // namespace dockherd::agent
