#include "engine_api/merge_info.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <utility>

#include "base/json_reader.hpp"
#include "engine_api/node_rows.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

/// What is "mixed" when not all hosts have the same.
constexpr std::array<std::string_view, 5> system_keys = {
    "Driver", "KernelVersion", "OperatingSystem", "OSVersion", "Architecture"};

/// The numbers that even a herd without a healthy host tells.
constexpr std::array<std::string_view, 7> counted_keys = {
    "Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped", "Images",
    "NCPU",       "MemTotal"};

constexpr std::string_view no_swarm =
    R"({"NodeID":"","NodeAddr":"","LocalNodeState":"inactive","ControlAvailable":false,)"
    R"("Error":"","RemoteManagers":null})";

using Infos = std::vector<std::pair<const NodeInfo*, ObjectText>>;

/// Those of healthy hosts that are understood.
Infos read_infos(std::span<const NodeInfo> nodes, std::vector<std::string>& left_out) {
  Infos infos;
  for (const NodeInfo& node : nodes) {
    auto info = ObjectText::parsed(node.info);
    if (info && node.status == NodeInfo::Status::healthy) {
      infos.emplace_back(&node, *std::move(info));
    } else {
      left_out.push_back(node.node.name);
    }
  }
  return infos;
}

/// The elements of the first host's list that all others have too; null when its is.
std::string common_elements(const Infos& infos, std::string_view first,
                            const std::function<std::string_view(const ObjectText&)>& list_of) {
  const auto elements = elements_of(first);
  if (!elements || first == "null") return std::string(first);
  std::vector<std::string> common;
  for (const std::string_view element : *elements) {
    const bool everywhere = std::all_of(infos.begin(), infos.end(), [&](const auto& info) {
      const auto list = elements_of(list_of(info.second));
      return list && std::find(list->begin(), list->end(), element) != list->end();
    });
    if (everywhere) common.emplace_back(element);
  }
  return array_text(common);
}

void intersect(ObjectText& all, const Infos& infos, std::string_view key) {
  const std::string_view first = infos.front().second.find(key);
  if (first.empty()) return;
  all.set(key,
          common_elements(infos, first, [key](const ObjectText& info) { return info.find(key); }));
}

/// {"Volume":["local"],"Network":[…],"Authorization":null,"Log":[…]}.
void intersect_plugins(ObjectText& all, const Infos& infos) {
  auto plugins = ObjectText::sliced(infos.front().second.find("Plugins"));
  if (!plugins) return;
  const ObjectText first = *plugins;
  for (const std::string_view kind : first.keys()) {
    // The text outlives the object that is sliced: it is the host's.
    const auto list_of = [kind](const ObjectText& info) {
      const auto object = ObjectText::sliced(info.find("Plugins"));
      return object ? object->find(kind) : std::string_view();
    };
    plugins->set(kind, common_elements(infos, first.find(kind), list_of));
  }
  all.set("Plugins", plugins->text());
}

void sum_numbers(ObjectText& all, const Infos& infos) {
  const ObjectText first = all;
  for (const std::string_view key : first.keys()) {
    const std::string_view value = first.find(key);
    if (integer_of(value)) {
      std::int64_t sum = 0;
      for (const auto& [node, info] : infos) {
        sum = saturated_sum(sum, integer_of(info.find(key)).value_or(0));
      }
      all.set(key, std::to_string(sum));
    } else if (value == "true") {
      const bool everywhere = std::all_of(infos.begin(), infos.end(), [key](const auto& info) {
        return info.second.find(key) == "true";
      });
      all.set(key, everywhere ? "true" : "false");
    }
  }
}

void mix_system(ObjectText& all, const Infos& infos) {
  for (const std::string_view key : system_keys) {
    const std::string_view first = infos.front().second.find(key);
    const bool same = std::all_of(infos.begin(), infos.end(), [key, first](const auto& info) {
      return info.second.find(key) == first;
    });
    if (!same) all.set(key, quote_json("mixed"));
  }
}

void name_warnings(ObjectText& all, const Infos& infos, const HerdView& herd) {
  std::vector<std::string> warnings;
  for (const std::string& warning : herd.warnings) warnings.push_back(quote_json(warning));
  for (const auto& [node, info] : infos) {
    for (std::string& warning : named_warnings(node->node.name, info.find("Warnings"))) {
      warnings.push_back(std::move(warning));
    }
  }
  all.set("Warnings", warnings.empty() ? "null" : array_text(warnings));
}

std::string lowest_version(const Infos& infos) {
  std::optional<std::string> lowest;
  for (const auto& [node, info] : infos) {
    auto version = string_of(info.find("ServerVersion"));
    if (version && (!lowest || is_older_version(*version, *lowest))) lowest = std::move(version);
  }
  return lowest.value_or("");
}

/// What is of all hosts that told something.
ObjectText merged_infos(const Infos& infos) {
  if (infos.empty()) {
    ObjectText none;
    for (const std::string_view key : counted_keys) none.set(key, "0");
    none.set("Plugins", R"({"Volume":null,"Network":null,"Authorization":null,"Log":null})");
    none.set("SecurityOptions", "null");
    return none;
  }
  ObjectText all = infos.front().second;
  sum_numbers(all, infos);
  mix_system(all, infos);
  intersect_plugins(all, infos);
  intersect(all, infos, "SecurityOptions");
  intersect(all, infos, "Labels");
  intersect(all, infos, "DriverStatus");
  return all;
}

/// The next number, and what follows it without a dot; nothing when there is none.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || read.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  if (text.starts_with('.')) {
    text.remove_prefix(1);
  } else {
    text = {};
  }
  return number;
}

}  // namespace

bool is_older_version(std::string_view left, std::string_view right) {
  for (;;) {
    const auto left_number = take_number(left);
    const auto right_number = take_number(right);
    if (!left_number || !right_number) return !left_number && right_number;
    if (*left_number != *right_number) return *left_number < *right_number;
  }
}

Merged merge_info(std::span<const NodeInfo> nodes, const HerdView& herd) {
  std::vector<std::string> left_out;
  const Infos infos = read_infos(nodes, left_out);
  ObjectText all = merged_infos(infos);
  name_warnings(all, infos, herd);
  all.set("ID", quote_json(herd.id));
  all.set("Name", quote_json(herd.name));
  all.set("ServerVersion", quote_json(lowest_version(infos)));
  all.set("Swarm", std::string(no_swarm));
  all.set_before("Plugins", "SystemStatus", node_rows(nodes));
  return merged_into(all.text(), std::move(left_out));
}

}  // namespace dockherd::engine_api
