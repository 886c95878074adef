// This node's own containers as its daemon lists them, kept true by docker_watcher. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "docker_client/docker_types.hpp"
#include "engine_api/herd_port.hpp"

namespace dockherd::agent {

using docker_client::ContainerSummary;

/// What a change of the table means for the rest of the herd.
struct TableChanges {
  std::vector<std::pair<std::string, std::vector<std::string>>>
      put;                           ///< New or renamed: id, names.
  std::vector<std::string> removed;  ///< Ids.

  bool empty() const { return put.empty() && removed.empty(); }
};

class ContainerTable {
 public:
  /// A container is known to exist, but not yet as the daemon lists it.
  TableChanges adopt(const std::string& id, std::vector<std::string> names);
  TableChanges put(ContainerSummary summary);
  TableChanges remove(const std::string& id);
  /// It has another name, though the daemon's list has not been read again.
  TableChanges rename(const std::string& id, const std::string& name);
  /// When exactly it was created, in nanoseconds since 1970.
  void set_created_nano(const std::string& id, std::int64_t nano);
  std::int64_t created_nano(const std::string& id) const;
  /// The whole truth, as of one list of the daemon, but for the ids in `except`: they stay as they
  /// are.
  TableChanges replace_all(std::vector<ContainerSummary> all,
                           const std::set<std::string>& except = {});

  std::size_t size() const { return entries_.size(); }
  /// Ids and names of all, by id.
  std::vector<std::pair<std::string, std::vector<std::string>>> names() const;

  /// The list as the daemon orders it, newest first: a JSON array, each entry as the daemon gave it
  /// with `dockerInstance` put before its members. Kept until the table changes.
  const std::string& list_text(std::string_view hostname) const;
  /// The same as the herd's Docker API shows it: all, or those that run. Kept until the table
  /// changes.
  engine_api::OwnList herd_list(const engine_api::NodeView& node, engine_api::NameStyle style,
                                bool all) const;
  /// True when an entry's Status counts seconds, so that it is wrong a moment later.
  bool counts_seconds() const { return seconds_ > 0; }

 private:
  struct Entry {
    std::vector<std::string> names;
    std::int64_t created = 0;       // Unix seconds.
    std::int64_t created_nano = 0;  // 0: not known.
    std::string text;               // Empty until listed.
    bool counts_seconds = false;
    bool runs = false;  // Docker lists it without being asked for all.
  };

  std::vector<const Entry*> newest_first() const;

  void store(Entry& entry, ContainerSummary summary);
  void forget(const Entry& entry);
  void forget_texts();

  std::map<std::string, Entry> entries_;
  std::size_t seconds_ = 0;
  std::uint64_t version_ = 0;      // Changes with any entry.
  mutable std::string list_text_;  // Empty: to be made.
  mutable engine_api::OwnList
      herd_lists_[2];  // Of those that run, of all; without text: to be made.
};

}  // namespace dockherd::agent
