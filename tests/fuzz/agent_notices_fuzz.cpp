// Whatever another agent may send as a notice: what is taken reads the same when it is written
// again, and what is made of it keeps its rules.
#include "agent/container_directory.hpp"
#include "agent/key_labels.hpp"
#include "agent/notice_codec.hpp"
#include "agent/reschedule_rules.hpp"
#include "agent/verbs.hpp"
#include "bus/envelope.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace {

using namespace dockherd;
using namespace dockherd::agent;

template <class Value>
Result<Value> check_round(const std::string& text, Result<Value> (*decode)(const std::string&),
                          std::string (*encode)(const Value&)) {
  auto value = decode(text);
  if (!value) {
    fuzz::require(!value.error().message.empty());
    return value;
  }
  const auto again = decode(encode(*value));
  fuzz::require(again && *again == *value);
  return value;
}

void apply(ContainerDirectory& directory, const NodeId& node, const ContainersNotice& notice) {
  if (notice.all) directory.remove_node(node);
  for (const auto& [id, names] : notice.put) directory.put(node, id, names);
  for (const std::string& id : notice.removed) directory.remove(node, id);
}

/// Beside another node that has the same, so that one is not taken for the other.
void check_directory(const ContainersNotice& notice) {
  std::mt19937_64 random(1);
  const NodeId node = NodeId::random(random);
  const NodeId other = NodeId::random(random);
  ContainerDirectory directory(other);
  apply(directory, other, notice);
  apply(directory, node, notice);
  const auto sum = directory.sum(node);
  const auto count = directory.count(node);
  fuzz::require(sum == directory.sum(other) && directory.size() == 2 * count);
  apply(directory, node, notice);
  fuzz::require(sum == directory.sum(node) && count == directory.count(node));
  for (const auto& [id, names] : notice.put) {
    if (!directory.has(node, id)) continue;
    const Resolution found = directory.resolve(id, node);
    fuzz::require(!found.candidates.empty());
    for (const ContainerLocation& place : found.candidates) fuzz::require(place.node == node);
  }
  const ContainerDirectory taken = directory.take_node(node);
  fuzz::require(taken.sum(node) == sum && taken.size() == count);
  fuzz::require(directory.count(node) == 0 && directory.sum(node) == 0);
  directory.remove_node(other);
  fuzz::require(directory.size() == 0);
  for (const auto& [id, names] : notice.put) {
    for (const std::string& name : names) fuzz::require(directory.named(name).candidates.empty());
  }
}

/// A mark is found again where it was put, and nobody can write one himself.
void check_marks(json body, const std::string& text) {
  if (!body.is_object()) return;
  drop_mark(body);
  fuzz::require(!mark_in_body(body));
  drop_supersedes(body);
  const json* labels = find_member(body, "Labels");
  fuzz::require(labels == nullptr || !labels->contains(supersedes_label));
  KeyMark mark;
  mark.key = "key";
  mark.item = 7;
  mark.request = request_mark(text);
  put_mark(body, mark);
  fuzz::require(mark_in_body(body) == mark);
}

void check_specification(const std::string& text) {
  const auto sent = check_round<Specification>(text, decode_specification, encode_specification);
  const auto document = parse_json(sent ? sent->body : text);
  if (!document) return;
  check_marks(*document, text);
  const auto made = specification_of(*document);
  if (!made) return;
  const auto body = parse_json(made->body);
  fuzz::require(body && body->is_object() && (*body)["Labels"].contains(supersedes_label));
  // An id that is none is refused by whoever is told.
  const auto told = decode_specification(encode_specification(*made));
  fuzz::require(!told || *told == *made);
}

void check(const std::string& text) {
  const auto containers = check_round<ContainersNotice>(text, decode_containers, encode_containers);
  if (containers) check_directory(*containers);
  check_round<ReleasedName>(text, decode_released_name, encode_released_name);
  check_round<ReleasedGrant>(text, decode_released_grant, encode_released_grant);
  check_round<SupersededNotice>(text, decode_superseded, encode_superseded);
  const auto news = check_round<KeyNews>(text, decode_key_news, encode_key_news);
  if (news) {
    for (const auto& [item, host] : news->given) fuzz::require(item <= limits::instances);
  }
  check_specification(text);
  for (const std::string& id : superseded_ids(text)) {
    fuzz::require(id.size() == 64 && looks_like_container_id(id));
  }
  const auto grace = stop_timeout_of(text);
  fuzz::require(grace.count() >= 0 && grace <= longest_grace);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto envelope = bus::decode_envelope(text);
  const auto* notice = std::get_if<bus::NoticeEnvelope>(&envelope);
  if (notice == nullptr) {
    check(std::string(text));
    return 0;
  }
  const auto again = bus::decode_envelope(bus::encode_notice(notice->topic, notice->body));
  const auto* same = std::get_if<bus::NoticeEnvelope>(&again);
  fuzz::require(same != nullptr && same->topic == notice->topic && same->body == notice->body);
  check(notice->body);
  return 0;
}
