#include "trust/log_options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>

#include "trust/judges.hpp"

namespace dockherd::trust {

namespace {

constexpr std::uint64_t largest_log_buffer = 64u << 20;
constexpr std::string_view plain_tag_names[] = {"{{.ID}}", "{{.FullID}}", "{{.Name}}",
                                                "{{.ImageName}}", "{{.DaemonName}}"};

Result<void> judge_log_tag(const std::string& place, const json& value) {
  if (value.is_string() && is_plain_log_tag(value.get_ref<const std::string&>())) return {};
  return refused(place,
                 "it must be a text in which \"{{\" begins no other template than {{.ID}}, "
                 "{{.FullID}}, {{.Name}}, {{.ImageName}} and {{.DaemonName}}");
}

/// Each container has its own in the daemon's memory.
Result<void> judge_log_buffer(const std::string& place, const json& value) {
  if (value.is_string() && is_modest_buffer(value.get_ref<const std::string&>())) return {};
  return refused(place, "it must be a text as \"4m\" (units b, k, m and g), of at most 64 MiB");
}

}  // namespace

bool is_plain_log_tag(std::string_view tag) {
  // From left to right, as the daemon reads them.
  for (auto begin = tag.find("{{"); begin != tag.npos; begin = tag.find("{{")) {
    tag.remove_prefix(begin);
    const auto* const name =
        std::find_if(std::begin(plain_tag_names), std::end(plain_tag_names),
                     [tag](std::string_view candidate) { return tag.starts_with(candidate); });
    if (name == std::end(plain_tag_names)) return false;
    tag.remove_prefix(name->size());
  }
  return true;
}

bool is_modest_buffer(std::string_view size) {
  std::uint64_t number = 0;
  const char* const end = size.data() + size.size();
  const auto [stopped, error] = std::from_chars(size.data(), end, number);
  if (error != std::errc() || number > largest_log_buffer) return false;
  const std::string_view unit = size.substr(static_cast<std::size_t>(stopped - size.data()));
  if (unit.empty()) return true;
  const auto power = std::string_view("bkmgBKMG").find(unit.front());
  if (unit.size() > 1 || power == std::string_view::npos) return false;
  return number << (10 * (power % 4)) <= largest_log_buffer;
}

Result<void> judge_log_options(const std::string& place, const json& config, bool usual) {
  if (usual) {
    std::vector<Member> options = harmless(
        {"max-size", "max-file", "compress", "mode", "labels", "labels-regex", "env", "env-regex"});
    options.push_back({"max-buffer-size", judge_log_buffer});
    options.push_back({"tag", judge_log_tag});
    return judge_members(config, place + ".", options);
  }
  if (!config.is_object()) return refused(place, "it must be an object");
  // The daemon keeps these in a map, so that only this spelling is theirs.
  const auto buffer = config.find("max-buffer-size");
  if (buffer != config.end() && !buffer->is_null()) {
    if (auto fits = judge_log_buffer(place + ".max-buffer-size", *buffer); !fits) return fits;
  }
  const auto tag = config.find("tag");
  if (tag == config.end() || tag->is_null()) return {};
  return judge_log_tag(place + ".tag", *tag);
}

}  // namespace dockherd::trust
