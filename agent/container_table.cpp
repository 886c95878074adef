#include "agent/container_table.hpp"

#include <algorithm>
#include <set>

#include "base/json_reader.hpp"
#include "engine_api/container_view.hpp"

namespace dockherd::agent {

namespace {

/// "Up 5 seconds" is wrong a second later, "Up 5 minutes" is not.
bool status_counts_seconds(std::string_view entry) {
  constexpr std::string_view key = "\"Status\":\"";
  const auto begin = entry.find(key);
  if (begin == std::string_view::npos) return false;
  const auto end = entry.find('"', begin + key.size());
  return entry.substr(begin, end - begin).find("second") != std::string_view::npos;
}

bool is_running(std::string_view state) {
  return state == "running" || state == "paused" || state == "restarting";
}

}  // namespace

TableChanges ContainerTable::adopt(const std::string& id, std::vector<std::string> names) {
  TableChanges changes;
  const auto [it, inserted] = entries_.try_emplace(id);
  if (!inserted) return changes;
  it->second.names = names;
  changes.put.emplace_back(id, std::move(names));
  return changes;
}

void ContainerTable::forget(const Entry& entry) {
  if (entry.counts_seconds) --seconds_;
  forget_texts();
}

void ContainerTable::forget_texts() {
  list_text_.clear();
  for (auto& list : herd_lists_) list.text.reset();
  ++version_;
}

void ContainerTable::store(Entry& entry, ContainerSummary summary) {
  forget(entry);
  entry.names = std::move(summary.names);
  entry.created = summary.created;
  entry.text = std::move(summary.raw);
  entry.counts_seconds = status_counts_seconds(entry.text);
  entry.runs = is_running(summary.state);
  if (entry.counts_seconds) ++seconds_;
}

TableChanges ContainerTable::put(ContainerSummary summary) {
  TableChanges changes;
  const auto [it, inserted] = entries_.try_emplace(summary.id);
  if (inserted || it->second.names != summary.names) {
    changes.put.emplace_back(summary.id, summary.names);
  }
  store(it->second, std::move(summary));
  return changes;
}

TableChanges ContainerTable::remove(const std::string& id) {
  TableChanges changes;
  const auto it = entries_.find(id);
  if (it == entries_.end()) return changes;
  forget(it->second);
  entries_.erase(it);
  changes.removed.push_back(id);
  return changes;
}

TableChanges ContainerTable::rename(const std::string& id, const std::string& name) {
  TableChanges changes;
  const auto it = entries_.find(id);
  if (it == entries_.end()) return changes;
  it->second.names = {name};
  changes.put.emplace_back(id, it->second.names);
  return changes;
}

void ContainerTable::set_created_nano(const std::string& id, std::int64_t nano) {
  const auto it = entries_.find(id);
  if (it == entries_.end() || it->second.created_nano == nano) return;
  it->second.created_nano = nano;
  forget_texts();
}

std::int64_t ContainerTable::created_nano(const std::string& id) const {
  const auto it = entries_.find(id);
  return it == entries_.end() ? 0 : it->second.created_nano;
}

TableChanges ContainerTable::replace_all(std::vector<ContainerSummary> all,
                                         const std::set<std::string>& except) {
  TableChanges changes;
  std::set<std::string_view> present;
  for (const ContainerSummary& summary : all) present.insert(summary.id);
  for (const auto& [id, entry] : entries_) {
    if (!present.contains(id) && !except.contains(id)) changes.removed.push_back(id);
  }
  for (const std::string& id : changes.removed) remove(id);
  for (ContainerSummary& summary : all) {
    if (except.contains(summary.id)) continue;
    TableChanges change = put(std::move(summary));
    std::move(change.put.begin(), change.put.end(), std::back_inserter(changes.put));
  }
  return changes;
}

std::vector<std::pair<std::string, std::vector<std::string>>> ContainerTable::names() const {
  std::vector<std::pair<std::string, std::vector<std::string>>> all;
  all.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) all.emplace_back(id, entry.names);
  return all;
}

/// As the daemon orders them; those that it has not listed yet are left out.
std::vector<const ContainerTable::Entry*> ContainerTable::newest_first() const {
  std::vector<const Entry*> listed;
  for (const auto& [id, entry] : entries_) {
    if (entry.text.size() >= 2) listed.push_back(&entry);
  }
  std::stable_sort(listed.begin(), listed.end(), [](const Entry* a, const Entry* b) {
    return a->created != b->created ? a->created > b->created : a->created_nano > b->created_nano;
  });
  return listed;
}

const std::string& ContainerTable::list_text(std::string_view hostname) const {
  if (!list_text_.empty()) return list_text_;
  const std::vector<const Entry*> listed = newest_first();
  const std::string member = "{\"dockerInstance\":" + quote_json(hostname) + ",";
  std::size_t size = 2;
  for (const Entry* entry : listed) size += entry->text.size() + member.size() + 1;
  list_text_.reserve(size);
  list_text_ = "[";
  for (const Entry* entry : listed) {
    if (list_text_.size() > 1) list_text_ += ',';
    list_text_ += member;
    list_text_.append(entry->text, 1);
  }
  list_text_ += ']';
  return list_text_;
}

engine_api::OwnList ContainerTable::herd_list(const engine_api::NodeView& node,
                                              engine_api::NameStyle style, bool all) const {
  engine_api::OwnList& kept = herd_lists_[all ? 1 : 0];
  if (kept.text) return kept;
  std::string text = "[";
  for (const Entry* entry : newest_first()) {
    if (!all && !entry->runs) continue;
    if (text.size() > 1) text += ',';
    text += engine_api::with_created_nano(engine_api::herd_list_entry(entry->text, node, style),
                                          entry->created_nano);
  }
  text += ']';
  kept.text = std::make_shared<const std::string>(std::move(text));
  kept.tag = '"' + std::to_string(version_) + (all ? "a\"" : "r\"");
  return kept;
}

}  // namespace dockherd::agent
