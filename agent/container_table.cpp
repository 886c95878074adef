#include "agent/container_table.hpp"

#include <algorithm>
#include <set>

#include "base/json_reader.hpp"

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
  list_text_.clear();
}

void ContainerTable::store(Entry& entry, ContainerSummary summary) {
  forget(entry);
  entry.names = std::move(summary.names);
  entry.created = summary.created;
  entry.text = std::move(summary.raw);
  entry.counts_seconds = status_counts_seconds(entry.text);
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

const std::string& ContainerTable::list_text(std::string_view hostname) const {
  if (!list_text_.empty()) return list_text_;
  std::vector<const Entry*> listed;
  std::size_t size = 2;
  const std::string member = "{\"dockerInstance\":" + quote_json(hostname) + ",";
  for (const auto& [id, entry] : entries_) {
    if (entry.text.size() < 2) continue;
    listed.push_back(&entry);
    size += entry.text.size() + member.size() + 1;
  }
  std::stable_sort(listed.begin(), listed.end(),
                   [](const Entry* a, const Entry* b) { return a->created > b->created; });
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

}  // namespace dockherd::agent
