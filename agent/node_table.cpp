#include "agent/node_table.hpp"

#include <algorithm>

#include "agent/container_directory.hpp"
#include "base/fnv1a.hpp"
#include "base/json_reader.hpp"

namespace dockherd::agent {

namespace {

constexpr std::size_t max_lost = 256;
constexpr std::chrono::hours lost_for{1};

}  // namespace

std::string NodeStatus::state() const {
  if (!daemon_up) return "daemon down";
  return in_pool ? "in the pool" : "out of the pool";
}

std::string encode_status(const NodeStatus& status) {
  return dump_json(json{{"hostname", status.hostname},
                        {"address", status.address},
                        {"agents_address", status.agents_address},
                        {"version", status.version},
                        {"in_pool", status.in_pool},
                        {"daemon_up", status.daemon_up},
                        {"daemon_error", status.daemon_error},
                        {"docker_version", status.docker_version},
                        {"docker_api_version", status.docker_api_version},
                        {"insecure", status.insecure},
                        {"cpus", status.cpus},
                        {"memory", status.memory_bytes},
                        {"labels", status.labels},
                        {"operating_system", status.facts.operating_system},
                        {"os_type", status.facts.os_type},
                        {"architecture", status.facts.architecture},
                        {"kernel_version", status.facts.kernel_version},
                        {"storage_driver", status.facts.storage_driver}});
}

Result<NodeStatus> decode_status(const std::string& text) {
  const auto document = parse_json(text);
  if (!document) return document.error();
  const auto reader = JsonReader::of(*document);
  if (!reader) return reader.error();
  NodeStatus status;
  const auto read_text = [&](std::string_view key, std::string& into) -> Result<void> {
    auto value = reader->string(key);
    if (!value) return value.error();
    into = std::move(*value).value_or("");
    return {};
  };
  const auto read_flag = [&](std::string_view key, bool& into) -> Result<void> {
    const auto value = reader->boolean(key);
    if (!value) return value.error();
    into = value->value_or(false);
    return {};
  };
  const auto read_number = [&](std::string_view key, std::int64_t& into) -> Result<void> {
    const auto value = reader->integer(key, 0);
    if (!value) return value.error();
    into = value->value_or(0);
    return {};
  };
  for (const auto& done :
       {read_text("hostname", status.hostname), read_text("address", status.address),
        read_text("agents_address", status.agents_address), read_text("version", status.version),
        read_text("daemon_error", status.daemon_error),
        read_text("docker_version", status.docker_version),
        read_text("docker_api_version", status.docker_api_version),
        read_flag("in_pool", status.in_pool), read_flag("daemon_up", status.daemon_up),
        read_flag("insecure", status.insecure), read_number("cpus", status.cpus),
        read_number("memory", status.memory_bytes),
        read_text("operating_system", status.facts.operating_system),
        read_text("os_type", status.facts.os_type),
        read_text("architecture", status.facts.architecture),
        read_text("kernel_version", status.facts.kernel_version),
        read_text("storage_driver", status.facts.storage_driver)}) {
    if (!done) return done.error();
  }
  const auto labels = reader->object("labels");
  if (!labels) return labels.error();
  if (*labels != nullptr) {
    for (const auto& [key, value] : (*labels)->items()) {
      if (value.is_string()) status.labels.emplace(key, value.get<std::string>());
    }
  }
  if (status.hostname.empty()) return Error(errc::bad_request, "a status without a hostname");
  return status;
}

std::string view_sum(std::uint64_t containers, std::string_view status) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::uint64_t sum = containers ^ fnv1a(fnv1a_start, status);
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, sum >>= 4) {
    *digit = digits[sum & 0xf];
  }
  return text;
}

void NodeTable::put(const NodeId& node, NodeStatus status) {
  lost_.erase(status.hostname);
  nodes_[node] = std::move(status);
}

void NodeTable::remove(const NodeId& node, const std::optional<std::string>& lost_because,
                       TimePoint now, std::shared_ptr<const ContainerDirectory> containers) {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  const std::string hostname = it->second.hostname;
  nodes_.erase(it);
  // A restarted agent is there under its new id before its old one is declared lost.
  if (!lost_because || !named(hostname).empty()) return;
  std::erase_if(lost_, [now](const auto& host) { return now - host.second.since > lost_for; });
  if (lost_.size() >= max_lost) {
    lost_.erase(std::min_element(lost_.begin(), lost_.end(), [](const auto& a, const auto& b) {
      return a.second.since < b.second.since;
    }));
  }
  lost_[hostname] = LostNode{hostname, *lost_because, now, std::move(containers)};
}

const NodeStatus* NodeTable::find(const NodeId& node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : &it->second;
}

NodeStatus* NodeTable::find(const NodeId& node) {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : &it->second;
}

std::vector<NodeId> NodeTable::named(const std::string& hostname) const {
  std::vector<NodeId> found;
  for (const auto& [node, status] : nodes_) {
    if (status.hostname == hostname) found.push_back(node);
  }
  return found;
}

std::vector<LostNode> NodeTable::lost(TimePoint now) const {
  std::vector<LostNode> recent;
  for (const auto& [hostname, lost] : lost_) {
    if (now - lost.since <= lost_for) recent.push_back(lost);
  }
  std::sort(recent.begin(), recent.end(),
            [](const auto& a, const auto& b) { return a.since < b.since; });
  return recent;
}

std::optional<LostNode> NodeTable::lost_with(std::string_view reference, TimePoint now) const {
  for (LostNode& host : lost(now)) {
    if (host.containers && !host.containers->resolve(reference).candidates.empty()) {
      return std::move(host);
    }
  }
  return std::nullopt;
}

}  // namespace dockherd::agent
