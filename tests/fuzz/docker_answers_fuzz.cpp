// What daemons answer, as one answer of the herd. An input is a byte that says what is asked, and
// the answers of several hosts between zero bytes, each after a byte that says its status. Of what
// is valid only valid JSON is made.
#include <set>

#include "base/json_reader.hpp"
#include "docker_client/docker_codec.hpp"
#include "engine_api/container_view.hpp"
#include "engine_api/host_failures.hpp"
#include "engine_api/merge_images.hpp"
#include "engine_api/merge_info.hpp"
#include "engine_api/merge_networks.hpp"
#include "engine_api/merge_prune.hpp"
#include "engine_api/merge_version.hpp"
#include "engine_api/merge_volumes.hpp"
#include "engine_api/network_id.hpp"
#include "engine_api/object_text.hpp"
#include "engine_api/owned_view.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "trust/users.hpp"

namespace {

using namespace dockherd;
using namespace dockherd::engine_api;

using Answers = std::vector<HostAnswer>;

constexpr std::size_t most_hosts = 4;
/// What is put around what a host says may be this much deeper than it.
constexpr std::size_t depth = limits::json_depth - 8;

bool is_good(const HostAnswer& answer) {
  return answer.status / 100 == 2;
}

NodeView node(std::size_t index) {
  NodeView view;
  view.id = std::to_string(index);
  view.name = "h" + view.id;
  view.ip = index % 2 == 0 ? "10.0.0.1" : "";
  view.address = "10.0.0.1:8080";
  return view;
}

Answers answers_in(std::string_view text) {
  constexpr int statuses[] = {200, 404, 500, 201, 301, 0};
  Answers answers;
  for (std::string_view part : fuzz::parts_of(text)) {
    if (answers.size() == most_hosts) break;
    const int status = statuses[fuzz::take_byte(part) % std::size(statuses)];
    answers.push_back({node(answers.size()).name, status, std::string(part)});
  }
  return answers;
}

json parsed(std::string_view text) {
  const auto document = parse_json(text);
  fuzz::require(document.has_value());
  return *document;
}

/// Of the hosts, and valid; an error's body is as a host gave it.
void check(const Merged& merged, const Answers& answers) {
  std::set<std::string> known;
  for (const HostAnswer& answer : answers) known.insert(answer.hostname);
  std::set<std::string> left_out;
  for (const std::string& host : merged.left_out) {
    fuzz::require(known.contains(host) && left_out.insert(host).second);
  }
  if (merged.status / 100 != 2) {
    fuzz::require(merged.status >= 400);
    return;
  }
  if (merged.body.empty()) return;
  fuzz::require(merged.body.ends_with('\n'));
  parsed(merged.body);
}

/// Each image stands once in the list.
void check_images(const Answers& answers) {
  const Merged images = merge_images(answers);
  check(images, answers);
  if (images.status != 200) return;
  std::set<std::string> ids;
  const auto elements = elements_of(images.body);
  fuzz::require(elements.has_value());
  for (const std::string_view image : *elements) {
    fuzz::require(ids.insert(std::string(ObjectText::sliced(image)->find("Id"))).second);
  }
}

void check_info(const Answers& answers) {
  std::vector<NodeInfo> nodes;
  for (const HostAnswer& answer : answers) {
    NodeInfo info;
    info.node = node(nodes.size());
    info.status = is_good(answer) ? NodeInfo::Status::healthy : NodeInfo::Status::unhealthy;
    info.info = answer.body;
    nodes.push_back(std::move(info));
  }
  const HerdView herd{"id", "herd", "1"};
  const Merged info = merge_info(nodes, herd);
  check(info, answers);
  fuzz::require(info.status == 200);
  check(merge_version(answers, herd), answers);
}

void check_entry(std::string_view entry) {
  const auto before = parsed(entry);
  for (const std::size_t index : {std::size_t{0}, std::size_t{1}}) {
    const auto shown = parsed(herd_list_entry(entry, node(index), NameStyle::node_prefixed));
    if (!before.is_object()) continue;
    // A member whose name is written with escapes is another for whoever does not parse.
    const bool plain = entry.find('\\') == entry.npos;
    fuzz::require(!plain || shown["Labels"]["dockherd.node"] == node(index).name);
  }
  parsed(herd_inspection(entry, node(0)));
  if (!before.is_object()) return;
  const std::int64_t nano = 1'700'000'000'500'000'000;
  const std::string shown = herd_list_entry(entry, node(0), NameStyle::plain);
  const std::string with_nano = with_created_nano(shown, nano);
  fuzz::require(parsed(with_nano).is_object());
  fuzz::require(with_nano == shown || created_nano_of(with_nano) <= nano);
}

/// Everything is there once, and as much as was asked for.
void check_containers(const Answers& answers) {
  std::vector<ListOfHost> lists;
  std::size_t count = 0;
  for (const HostAnswer& answer : answers) {
    const auto elements = elements_of(answer.body);
    if (!elements || answer.body.ends_with('\n')) continue;
    lists.push_back({answer.hostname, answer.body});
    count += elements->size();
    for (const std::string_view element : *elements) check_entry(element);
  }
  for (const std::optional<std::size_t> limit :
       {std::optional<std::size_t>(), std::optional(2ul)}) {
    const Merged merged = merge_lists(lists, limit);
    fuzz::require(merged.left_out.empty());
    const auto elements = elements_of(merged.body);
    fuzz::require(elements && elements->size() == std::min(count, limit.value_or(count)));
  }
}

/// What somebody sees who sees his own only.
void check_owned(const HostAnswer& answer) {
  const std::string shown = only_owned(answer.body, "ann");
  const bool plain = shown.find('\\') == shown.npos;
  const auto elements = elements_of(shown);
  fuzz::require(elements.has_value());
  for (const std::string_view element : *elements) {
    const json thing = parsed(element);
    const bool is_his = owner_of(element) == "ann";
    const json* name = find_member(thing, "Name");
    const bool is_everybodys = thing.contains("Scope") && thing.contains("Id") && name != nullptr &&
                               name->is_string() && is_predefined_network(name->get<std::string>());
    fuzz::require(!plain || is_his || is_everybodys);
  }
  if (!engine_api::is_embeddable_json(answer.body)) return;
  for (const std::string& text : {volumes_of(answer.body, "ann"), disk_usage_of(answer.body, "ann"),
                                  with_containers(answer.body, {"1"})}) {
    fuzz::require(parsed(text).is_object());
  }
}

void check_object(const HostAnswer& answer) {
  auto object = ObjectText::parsed(answer.body);
  fuzz::require(object.has_value() ==
                (engine_api::is_embeddable_json(answer.body) && parsed(answer.body).is_object()));
  if (!object) return;
  fuzz::require(parsed(object->text()) == parsed(answer.body));
  ObjectText changed = *object;
  changed.set("Id", "7");
  changed.set_before("Id", "Name", "\"x\"");
  fuzz::require(changed.find("Id") == "7" && changed.find("Name") == "\"x\"");
  parsed(changed.text());
  parsed(with_herd_network_id(answer.body));
  if (const auto facts = docker_client::decode_host_facts(answer.body)) {
    fuzz::require(facts->cpus >= 0 && facts->memory_bytes >= 0);
  }
}

void check_failures(const Answers& answers) {
  std::vector<HostFailure> failures;
  for (const HostAnswer& answer : answers) {
    if (!is_good(answer)) failures.push_back(failure_of(answer));
  }
  if (failures.empty()) return;
  const std::string text = failures_text(failures);
  for (const HostFailure& failure : failures) {
    fuzz::require(text.find(failure.hostname) != text.npos);
  }
  fuzz::require(failed_everywhere(failures).status >= 400);
  parsed(error_line(text));
}

void check_prunes(const Answers& answers) {
  std::vector<NodeView> nodes;
  for (std::size_t i = 0; i < answers.size(); ++i) nodes.push_back(node(i));
  check(merge_prunes(answers), answers);
  check(merge_image_deletes(answers), answers);
  check(merge_image_tags(answers), answers);
  check(merge_disk_usages(answers, nodes, NameStyle::node_prefixed), answers);
}

void check_things(const Answers& answers) {
  check(merge_networks(answers), answers);
  check(merge_network_inspections(answers), answers);
  check(merge_volumes(answers), answers);
  check(merge_volume_inspections(answers), answers);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  const std::uint8_t asked = fuzz::take_byte(text);
  const Answers answers = answers_in(text);
  for (const HostAnswer& answer : answers) {
    if (!check_json_depth(answer.body, depth)) return 0;
  }
  switch (asked % 6) {
    case 0:
      check_images(answers);
      break;
    case 1:
      check_info(answers);
      break;
    case 2:
      check_containers(answers);
      break;
    case 3:
      check_prunes(answers);
      break;
    case 4:
      check_things(answers);
      break;
    default:
      check_failures(answers);
      for (const HostAnswer& answer : answers) {
        check_owned(answer);
        check_object(answer);
      }
  }
  return 0;
}
