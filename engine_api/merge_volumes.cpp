#include "engine_api/merge_volumes.hpp"

#include <utility>

#include "base/json_reader.hpp"
#include "engine_api/named_things.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

std::string volume_name(const ObjectText& volume) {
  return std::string(volume.find("Name"));
}

Merged merge_volumes(std::span<const HostAnswer> answers) {
  NamedThings volumes;
  std::vector<std::string> warnings;
  std::optional<ObjectText> list;
  auto left_out = take_good_answers(answers, NotFound::is_a_failure, [&](const HostAnswer& answer) {
    auto object = ObjectText::parsed(answer.body);
    if (!object || object->find("Volumes").empty()) return false;
    if (!volumes.add(answer.hostname, object->find("Volumes"), volume_name)) return false;
    for (std::string& warning : named_warnings(answer.hostname, object->find("Warnings"))) {
      warnings.push_back(std::move(warning));
    }
    if (!list) list = std::move(object);
    return true;
  });
  if (!list) return nothing_merged(answers);
  list->set("Volumes", volumes.text());
  if (!warnings.empty()) list->set("Warnings", array_text(warnings));
  return merged_into(list->text(), std::move(left_out));
}

Merged merge_volume_inspections(std::span<const HostAnswer> answers) {
  std::optional<ObjectText> volume;
  std::vector<std::string> nodes;
  auto left_out = take_good_answers(answers, NotFound::may_lack_it, [&](const HostAnswer& answer) {
    auto object = ObjectText::parsed(answer.body);
    if (!object || !string_of(object->find("Name"))) return false;
    nodes.push_back(answer.hostname);
    if (!volume) volume = std::move(object);
    return true;
  });
  if (!volume) return nothing_found(answers);
  volume->set("Nodes", strings_text(nodes));
  return merged_into(volume->text(), std::move(left_out));
}

}  // namespace dockherd::engine_api
