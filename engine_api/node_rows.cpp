#include "engine_api/node_rows.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <vector>

#include "base/json_reader.hpp"
#include "base/text.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

std::string four_digits(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", number);
  return text.data();
}

const char* status_word(NodeInfo::Status status) {
  switch (status) {
    case NodeInfo::Status::healthy:
      return "Healthy";
    case NodeInfo::Status::unhealthy:
      return "Unhealthy";
    case NodeInfo::Status::pending:
      break;
  }
  return "Pending";
}

std::int64_t number(const ObjectText& info, std::string_view key) {
  return integer_of(info.find(key)).value_or(0);
}

std::string containers_text(const ObjectText& info) {
  const auto count = [&info](std::string_view key) { return std::to_string(number(info, key)); };
  return count("Containers") + " (" + count("ContainersRunning") + " Running, " +
         count("ContainersPaused") + " Paused, " + count("ContainersStopped") + " Stopped)";
}

/// The engine's labels, and those that Classic Swarm gave each engine: what constraints can name.
std::string labels_row(const NodeInfo& node, const ObjectText& info) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> system = {
      {{"architecture", "Architecture"},
       {"kernelversion", "KernelVersion"},
       {"operatingsystem", "OperatingSystem"},
       {"ostype", "OSType"},
       {"storagedriver", "Driver"}}};
  std::map<std::string, std::string> labels = node.node.labels;
  for (const auto& [label, key] : system) {
    if (auto value = string_of(info.find(key)); value && !value->empty()) {
      labels.emplace(label, *std::move(value));
    }
  }
  std::vector<std::string> words;
  words.reserve(labels.size());
  for (const auto& [key, value] : labels)
    words.push_back(std::string(key).append("=").append(value));
  return join(words);
}

std::int64_t total(std::int64_t announced, const ObjectText& info, std::string_view key) {
  return announced > 0 ? announced : number(info, key);
}

class Rows {
 public:
  void add(std::string_view name, std::string_view value) {
    rows_.push_back("[" + quote_json(name) + "," + quote_json(value) + "]");
  }
  void add_below(std::string_view name, std::string_view value) {
    add("  └ " + std::string(name), value);
  }
  std::string text() const { return array_text(rows_); }

 private:
  std::vector<std::string> rows_;
};

void add_node(Rows& rows, const NodeInfo& node) {
  const ObjectText info = ObjectText::parsed(node.info).value_or(ObjectText());
  rows.add(" " + node.node.name, node.node.address);
  rows.add_below("ID", node.node.id);
  rows.add_below("Status", status_word(node.status));
  if (!node.error.empty()) rows.add_below("Error", node.error);
  rows.add_below("Containers", containers_text(info));
  rows.add_below("Reserved CPUs", cpus_text(node.reserved_nano_cpus) + " / " +
                                      std::to_string(total(node.node.cpus, info, "NCPU")));
  rows.add_below("Reserved Memory", size_text(node.reserved_memory_bytes) + " / " +
                                        size_text(total(node.node.memory_bytes, info, "MemTotal")));
  rows.add_below("Labels", labels_row(node, info));
  rows.add_below("ServerVersion", string_of(info.find("ServerVersion")).value_or(""));
}

}  // namespace

std::string node_rows(std::span<const NodeInfo> nodes) {
  Rows rows;
  rows.add("Nodes", std::to_string(nodes.size()));
  for (const NodeInfo& node : nodes) add_node(rows, node);
  return rows.text();
}

std::string size_text(std::int64_t bytes) {
  constexpr std::array<const char*, 7> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < units.size()) {
    size /= 1024;
    ++unit;
  }
  return four_digits(size) + " " + units[unit];
}

std::string cpus_text(std::int64_t nano_cpus) {
  return four_digits(static_cast<double>(nano_cpus) / 1e9);
}

}  // namespace dockherd::engine_api
