#include "engine_api/event_merge.hpp"

#include <algorithm>
#include <limits>

#include "base/json_reader.hpp"
#include "engine_api/event_query.hpp"
#include "engine_api/network_id.hpp"
#include "engine_api/object_text.hpp"

namespace dockherd::engine_api {

namespace {

constexpr auto always = std::numeric_limits<std::int64_t>::max();
constexpr auto never = std::numeric_limits<std::int64_t>::min();

void add_attributes(ObjectText& attributes, const NodeView& node) {
  attributes.set("node.addr", quote_json(node.address));
  attributes.set("node.id", quote_json(node.id));
  attributes.set("node.ip", quote_json(node.ip));
  attributes.set("node.name", quote_json(node.name));
}

/// Classic Swarm's, whose keys are not those of its object in inspections.
std::string event_node(const NodeView& node) {
  return "{\"Name\":" + quote_json(node.name) + ",\"Id\":" + quote_json(node.id) +
         ",\"Ip\":" + quote_json(node.ip) + ",\"Addr\":" + quote_json(node.address) + "}";
}

/// What the herd itself tells.
std::string own_event(std::string_view type, std::string_view action, std::string_view id,
                      ObjectText attributes, const NodeView& node, std::int64_t time_nano) {
  add_attributes(attributes, node);
  return "{\"Type\":" + quote_json(type) + ",\"Action\":" + quote_json(action) +
         ",\"Actor\":{\"ID\":" + quote_json(id) + ",\"Attributes\":" + attributes.text() +
         "},\"scope\":\"swarm\",\"time\":" + std::to_string(time_nano / nanos_per_second) +
         ",\"timeNano\":" + std::to_string(time_nano) + ",\"node\":" + event_node(node) + "}";
}

std::optional<std::int64_t> time_of(std::string_view line) {
  const auto event = ObjectText::sliced(line);
  if (!event) return std::nullopt;
  if (const auto nano = integer_of(event->find("timeNano"))) return nano;
  const auto seconds = integer_of(event->find("time"));
  if (!seconds || *seconds > always / nanos_per_second || *seconds < never / nanos_per_second)
    return std::nullopt;
  return *seconds * nanos_per_second;
}

}  // namespace

std::string herd_event(std::string_view line, const NodeView& node) {
  auto event = ObjectText::parsed(line);
  if (!event) return {};
  auto actor = ObjectText::sliced(event->find("Actor")).value_or(ObjectText());
  auto attributes = ObjectText::sliced(actor.find("Attributes")).value_or(ObjectText());
  const auto network = string_of(attributes.find("name"));
  if (event->find("Type") == "\"network\"" && network) {
    actor.set("ID", quote_json(herd_network_id(*network)));
  }
  add_attributes(attributes, node);
  actor.set("Attributes", attributes.text());
  event->set("Actor", actor.text());
  event->set("node", event_node(node));
  return event->text();
}

std::string node_event(std::string_view action, const NodeView& node, std::int64_t time_nano) {
  ObjectText attributes;
  attributes.set("name", quote_json(node.name));
  return own_event("node", action, node.id, std::move(attributes), node, time_nano);
}

std::string collision_event(std::string_view action, const NodeView& node, std::string_view id,
                            std::string_view name, std::string_view others,
                            std::int64_t time_nano) {
  ObjectText attributes;
  attributes.set("name", quote_json(name));
  attributes.set("others", quote_json(others));
  std::string event = own_event("container", action, id, std::move(attributes), node, time_nano);
  // Docker's events of containers have these, too; some clients look for no others.
  const std::string old_members =
      "{\"status\":" + quote_json(action) + ",\"id\":" + quote_json(id) + ",\"from\":\"\",";
  return event.replace(0, 1, old_members);
}

void EventMerge::open(const std::string& host) {
  open_[host].reset();
}

void EventMerge::close(const std::string& host) {
  open_.erase(host);
}

bool EventMerge::push(const std::string& host, std::string line, TimePoint now) {
  if (full()) return false;
  const auto stream = open_.find(host);
  const bool is_open = stream != open_.end();
  const std::int64_t newest = is_open ? stream->second.value_or(0) : 0;
  const std::int64_t time = time_of(line).value_or(newest);
  if (is_open) stream->second = stream->second ? std::max(time, newest) : time;
  const Key key(time, next_++);
  bytes_ += line.size();
  events_.emplace(key, Event{std::move(line), now});
  arrivals_.emplace(now, key);
  return true;
}

std::int64_t EventMerge::told_by_all() const {
  std::int64_t oldest = always;
  for (const auto& [host, newest] : open_) oldest = std::min(oldest, newest.value_or(never));
  return oldest;
}

std::vector<std::string> EventMerge::pop_ready(TimePoint now) {
  std::int64_t until = full() ? always : told_by_all();
  // One that was held long enough takes with it whatever is older.
  for (const auto& [arrived, key] : arrivals_) {
    if (arrived + hold_ > now) break;
    until = std::max(until, key.first);
  }
  std::vector<std::string> ready;
  while (!events_.empty() && events_.begin()->first.first <= until) {
    auto event = events_.extract(events_.begin());
    arrivals_.erase({event.mapped().arrived, event.key()});
    bytes_ -= event.mapped().line.size();
    ready.push_back(std::move(event.mapped().line));
  }
  return ready;
}

std::optional<TimePoint> EventMerge::next_due() const {
  if (arrivals_.empty()) return std::nullopt;
  return arrivals_.begin()->first + hold_;
}

}  // namespace dockherd::engine_api
