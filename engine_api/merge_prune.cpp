#include "engine_api/merge_prune.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/json_reader.hpp"
#include "engine_api/container_view.hpp"
#include "engine_api/merge_images.hpp"
#include "engine_api/merge_volumes.hpp"
#include "engine_api/named_things.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

/// Lists of texts, each once, in the order in which they came.
class UniqueTexts {
 public:
  void add(std::span<const std::string_view> texts) {
    for (const std::string_view text : texts) {
      if (known_.emplace(text).second) texts_.emplace_back(text);
    }
  }
  bool empty() const { return texts_.empty(); }
  std::string text() const { return array_text(texts_); }

 private:
  std::set<std::string, std::less<>> known_;
  std::vector<std::string> texts_;
};

/// One member of several hosts' objects. What it is, the first host that has it says.
struct MergedMember {
  std::string key;
  std::string first;
  std::optional<std::int64_t> sum;
  bool is_list = false;
  UniqueTexts list = {};

  void add(std::string_view value) {
    if (sum) {
      sum = saturated_sum(*sum, integer_of(value).value_or(0));
    } else if (is_list) {
      if (const auto elements = elements_of(value)) list.add(*elements);
    }
  }
  std::string text() const {
    if (sum) return std::to_string(*sum);
    return list.empty() ? first : list.text();
  }
};

/// Numbers are summed, lists united, anything else is the first host's.
class MergedMembers {
 public:
  void add(std::string_view key, std::string_view value) {
    auto known = std::find_if(members_.begin(), members_.end(),
                              [key](const MergedMember& member) { return member.key == key; });
    if (known == members_.end()) {
      MergedMember member;
      member.key = key;
      member.first = value;
      if (integer_of(value)) member.sum = 0;
      member.is_list = elements_of(value).has_value();
      known = members_.insert(members_.end(), std::move(member));
    }
    known->add(value);
  }
  ObjectText object() const {
    ObjectText object;
    for (const MergedMember& member : members_) object.set(member.key, member.text());
    return object;
  }

 private:
  std::vector<MergedMember> members_;
};

/// The text of a list of one host's containers as the herd shows them.
std::string shown_containers(std::span<const std::string_view> entries, const NodeView& node,
                             NameStyle style) {
  std::vector<std::string> shown;
  shown.reserve(entries.size());
  for (const std::string_view entry : entries) shown.push_back(herd_list_entry(entry, node, style));
  return array_text(shown);
}

/// GET /system/df of the hosts that were added so far.
class DiskUsage {
 public:
  explicit DiskUsage(NameStyle style) : style_(style) {}

  /// False, with nothing added, when it is not understood. `usage` is valid JSON.
  bool add(const ObjectText& usage, const NodeView& node) {
    const std::string_view images = text_or_null(usage, "Images");
    const std::string_view volumes = text_or_null(usage, "Volumes");
    const std::string_view containers = text_or_null(usage, "Containers");
    const auto entries = slice_json_array(containers == "null" ? "[]" : containers);
    if (!entries || !ImageMerge().add(node.name, images) ||
        !NamedThings().add(node.name, volumes, volume_name)) {
      return false;
    }
    images_.add(node.name, images);
    volumes_.add(node.name, volumes, volume_name);
    containers_.emplace_back(node.name, shown_containers(*entries, node, style_));
    for (const std::string_view key : usage.keys()) {
      const bool merged_above = key == "Images" || key == "Volumes" || key == "Containers";
      const std::string_view value = usage.find(key);
      members_.add(key, merged_above && value != "null" ? "[]" : value);
    }
    return true;
  }

  std::string text() const {
    ObjectText usage = members_.object();
    // What is empty stays as a host has it: null, [] or, when it was not asked for, not there.
    const auto put = [&usage](std::string_view key, std::string value) {
      if (std::string_view(value) != "[]") usage.set(key, std::move(value));
    };
    std::vector<ListOfHost> lists;
    for (const auto& [hostname, list] : containers_) lists.push_back({hostname, list});
    std::string containers = merge_lists(lists, std::nullopt).body;
    containers.pop_back();  // The line end.
    put("Images", images_.text());
    put("Containers", std::move(containers));
    put("Volumes", volumes_.text());
    return usage.text();
  }

 private:
  static std::string_view text_or_null(const ObjectText& usage, std::string_view key) {
    const std::string_view text = usage.find(key);
    return text.empty() ? "null" : text;
  }

  NameStyle style_;
  MergedMembers members_;
  ImageMerge images_{ImageMerge::Sizes::all};
  NamedThings volumes_;
  std::vector<std::pair<std::string, std::string>> containers_;  ///< Host, its list.
};

NodeView view_of(const std::string& hostname, std::span<const NodeView> nodes) {
  for (const NodeView& node : nodes) {
    if (node.name == hostname) return node;
  }
  NodeView unknown;
  unknown.name = hostname;
  return unknown;
}

}  // namespace

Merged merge_prunes(std::span<const HostAnswer> answers) {
  MergedMembers members;
  auto left_out =
      take_good_answers(answers, NotFound::is_a_failure, [&members](const HostAnswer& answer) {
        const auto object = ObjectText::parsed(answer.body);
        if (!object) return false;
        for (const std::string_view key : object->keys()) members.add(key, object->find(key));
        return true;
      });
  if (left_out.size() == answers.size()) return nothing_merged(answers);
  return merged_into(members.object().text(), std::move(left_out));
}

Merged merge_disk_usages(std::span<const HostAnswer> answers, std::span<const NodeView> nodes,
                         NameStyle style) {
  DiskUsage all(style);
  auto left_out = take_good_answers(answers, NotFound::is_a_failure, [&](const HostAnswer& answer) {
    const auto usage = ObjectText::parsed(answer.body);
    return usage && all.add(*usage, view_of(answer.hostname, nodes));
  });
  if (left_out.size() == answers.size()) return nothing_merged(answers);
  return merged_into(all.text(), std::move(left_out));
}

}  // namespace dockherd::engine_api
