#include "agent/config_report.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "agent/template_store.hpp"
#include "base/text.hpp"
#include "bus/network_interface.hpp"

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

/// "eth0 (10.0.0.11)" for a name, an address or, when empty, the interface of the default route.
/// An interface that is not there would end the start.
std::string describe_interface(const std::string& wanted, ConfigReport& report) {
  const auto found = is_loopback(wanted) ? Result<bus::NetworkInterface>(bus::loopback_interface())
                                         : bus::choose_interface(wanted);
  if (found) return found->name + " (" + found->address.to_string() + ")";
  report.good = false;
  return found.error().message;
}

std::string describe_bus(const AgentConfig& config, ConfigReport& report) {
  const BusConfig& bus = config.bus;
  const std::string ports = bus.first_port == bus.last_port
                                ? "port " + std::to_string(bus.first_port)
                                : "first free port of " + std::to_string(bus.first_port) + "-" +
                                      std::to_string(bus.last_port);
  const std::string address =
      bus.bind_address.empty()
          ? describe_interface(config.beacon ? config.beacon->interface : "", report)
          : bus.bind_address;
  return address + ", " + ports + (bus.advertise.empty() ? "" : ", advertised as " + bus.advertise);
}

std::string describe_beacon(const AgentConfig& config, ConfigReport& report) {
  if (!config.beacon) return "off";
  const bool follows_bus = config.beacon->interface.empty() && config.bus.bind_address != "0.0.0.0";
  const std::string& wanted = follows_bus ? config.bus.bind_address : config.beacon->interface;
  return describe_interface(wanted, report) + ", UDP port " + std::to_string(config.beacon->port) +
         ", every " + in_milliseconds(config.beacon->interval);
}

std::string describe_gossip(const std::optional<GossipConfig>& gossip) {
  if (!gossip) return "off";
  std::vector<std::string> seeds;
  for (const HostPort& seed : gossip->seeds) seeds.push_back(seed.text());
  return "listens on " + gossip->bind.text() +
         (seeds.empty() ? ", no seeds: waits for others" : ", seeds " + join(seeds));
}

std::string describe_liveness(const AgentConfig& config) {
  const auto& liveness = config.liveness;
  return "probe every " + in_milliseconds(liveness.probe_period) + ", answer within " +
         in_milliseconds(liveness.probe_timeout) + ", " + std::to_string(liveness.indirect_probes) +
         " indirect probes, lost after " + in_milliseconds(liveness.suspicion) +
         " of suspicion; foreign peers: evasive after " + in_milliseconds(liveness.evasive) +
         ", expired after " + in_milliseconds(liveness.expired);
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
    const auto body = store.load(name);
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
  add_line(report, "docker", describe_docker(config.docker));
  add_line(report, "http", "http://" + config.http.text());
  add_line(report, "bus", describe_bus(config, report));
  add_line(report, "beacon", describe_beacon(config, report));
  add_line(report, "gossip", describe_gossip(config.gossip));
  add_line(report, "liveness", describe_liveness(config));
  add_line(report, "times",
           "full list every " + in_milliseconds(config.relist_interval) + ", request to a peer " +
               in_milliseconds(config.task_timeout) + ", create " +
               in_milliseconds(config.new_container_timeout) + ", pull of an image " +
               in_milliseconds(config.pull_timeout));
  add_line(report, "pool", "takes new containers from the start");
  add_templates(config, report);
  add_line(report, "log",
           config.log.level + ", as " + (config.log.format == LogFormat::json ? "json" : "text"));
  add_line(report, "insecure",
           config.insecure ? "yes: whoever reaches these addresses may use Docker"
                           : "no: loopback only");
  for (const std::string& note : config.notes) add_line(report, "note", note);
  return report;
}

}  // namespace dockherd::agent
